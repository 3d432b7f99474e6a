"""Traces from files that other programs or llmobs itself exported: see docs/operations.md."""

import sys
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Project
from traces import imports
from traces.errors import StoreUnavailable
from traces.import_batch import Counts, Step
from traces.import_files import STDIN, NotImportable, Source, opened
from traces.wire.exported import FORMATS

TOLD_LINES = 20  # refused lines of a file that are named one by one
REFUSED, UNFINISHED, STOPPED = 1, 2, 130  # exit statuses


class Command(BaseCommand):
    help = (
        "Import traces from files: JSON lines of the OpenTelemetry collector, whole traces that llmobs exported, and "
        "what Phoenix and Langfuse export as JSON, JSON lines or CSV, also compressed with gzip. One that was stopped "
        "goes on where it was when it is started again; importing twice is importing once. "
        "Exit status: 0 all was taken, 1 something was refused or left out, 2 a file was not read to its end."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE", help="a file; - for standard input")
        parser.add_argument("--project", required=True, metavar="SLUG", help="where the traces go")
        parser.add_argument("--format", choices=sorted(FORMATS), help="of all files; without it each is recognised")
        parser.add_argument("--again", action="store_true", help="from the beginning, whatever was imported before")
        parser.add_argument("--data-dir", help="the folder that `up` uses")

    def handle(self, *, files: list[str], project: str, **options: Any) -> None:
        found = Project.objects.filter(slug=project).first()
        if found is None:
            raise CommandError(f"There is no project {project}.", returncode=UNFINISHED)
        statuses = [self._import(found, name, options["format"], options["again"]) for name in files]
        if any(statuses):
            sys.exit(max(statuses))

    def _import(self, project: Project, name: str, wanted: str | None, again: bool) -> int:
        """Import one file and say what became of it; the exit status that it alone would have."""
        try:
            with opened(name) as source:
                return self._run(project, source, wanted, again)
        except NotImportable as problem:
            self.stderr.write(f"{name}: {problem}")
        except StoreUnavailable as problem:
            self.stderr.write(f"{name}: {problem} What came before is stored. {_goes_on(name)}")
        except KeyboardInterrupt:
            self.stderr.write(f"{name}: stopped. What came before is stored. {_goes_on(name)}")
            sys.exit(STOPPED)
        return UNFINISHED

    def _run(self, project: Project, source: Source, wanted: str | None, again: bool) -> int:
        before = None if again else imports.remembered(project, source)
        if before is not None:
            self.stderr.write(f"{source.name}: goes on at line {before.line:,}; --again begins at the first.")
        told = before.counts.get("refused", 0) if before else 0
        step: Step | None = None
        progress = Progress(self, source)
        for step in imports.imported(project, source, wanted, before):
            progress.show(step.counts)
            for line, reason in step.refused[: max(TOLD_LINES - told, 0)]:
                progress.say(f"{source.name}, line {line:,}: {reason}")
            told += len(step.refused)
        progress.end()
        if step is None:
            raise NotImportable("There is nothing in it.")
        self.stdout.write(f"{source.name} ({step.format}): {_sums(step.counts)}")
        return REFUSED if step.counts.refused or step.counts.too_old else 0


class Progress:
    """A bar on a terminal; elsewhere a line every ten seconds."""

    EVERY_SECONDS = 10.0
    SHOWN_SECONDS = 0.2
    WIDTH = 30

    def __init__(self, command: BaseCommand, source: Source) -> None:
        self._stderr, self._source = command.stderr, source
        self._is_terminal = bool(command.stderr.isatty())
        self._began = self._shown = time.monotonic()

    def show(self, counts: Counts) -> None:
        """Say how far it is, if it is time to."""
        now = time.monotonic()
        if now - self._shown < (self.SHOWN_SECONDS if self._is_terminal else self.EVERY_SECONDS):
            return
        self._shown = now
        done, size = self._source.done_bytes(), self._source.size_bytes
        part = min(done / size, 1.0) if size else None
        text = f"{counts.spans + counts.known:,} spans and scores, {counts.refused:,} refused{self._left(part, now)}"
        if self._is_terminal:
            self._stderr.write(f"\r\x1b[K{self._bar(part)} {text}", ending="")
            self._stderr.flush()
        else:
            self._stderr.write(f"{self._source.name}: {'' if part is None else f'{part:.0%}, '}{text}")

    def say(self, line: str) -> None:
        """A line above the bar."""
        self._stderr.write(f"\r\x1b[K{line}" if self._is_terminal else line)

    def end(self) -> None:
        """Take the bar away."""
        if self._is_terminal:
            self._stderr.write("\r\x1b[K", ending="")

    def _bar(self, part: float | None) -> str:
        if part is None:
            return self._source.name
        full = round(self.WIDTH * part)
        return f"{self._source.name} [{'█' * full}{' ' * (self.WIDTH - full)}] {part:4.0%}"

    def _left(self, part: float | None, now: float) -> str:
        if not part or part >= 1:
            return ""
        seconds = round((now - self._began) * (1 - part) / part)
        return f", {seconds // 60} min {seconds % 60} s left"


def _goes_on(name: str) -> str:
    if name == STDIN:
        return "Send all of it again: what is stored is recognised."
    return "The same command goes on there."


def _sums(counts: Counts) -> str:
    """What became of the file, in words."""
    said = [f"{counts.spans:,} spans stored", f"{counts.scores:,} scores stored"]
    if counts.contents:
        said.append(f"{counts.contents:,} log records read")
    said.append(f"{counts.known:,} were there already")
    if counts.refused:
        said.append(f"{counts.refused:,} lines or rows refused, in whole or in part (Settings, Inbox of refusals)")
    if counts.too_old:
        days = settings.SPAN_RETENTION_DAYS
        said.append(
            f"{counts.too_old:,} spans LEFT OUT because they began over {days} days ago, which is as long as spans are "
            "kept. To keep them set SPAN_RETENTION_DAYS higher, and import with --again"
        )
    return "; ".join(said) + "."
