import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from accounts.models import Project
from traces import partitions, rollups
from traces.demo.cases import GUIDE
from traces.demo.scripts import SESSION
from traces.demo.week import week
from traces.ingest import ingest
from traces.queries.lookup import exact
from traces.records import Json, RawSpan, Receipt
from traces.search.index import index_marked
from traces.wire import plain

BATCH_SPANS = 500
BATCH_LENGTH = timedelta(minutes=4)
REBUILD_BUCKETS = 600


class Command(BaseCommand):
    help = (
        "Fill a project with days of traces of a made-up shop, up to now and with an incident in their last half hour. "
        "Safe to repeat: a project that has them is left as it is; with the same --seed and --end all are duplicates."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", default="demo", help="the project's name in addresses")
        parser.add_argument("--days", type=int, default=7)
        parser.add_argument("--seed", type=int, default=7, help="another number makes other traces")
        parser.add_argument("--end", type=datetime.fromisoformat, help="the moment of the last trace, default now")
        parser.add_argument("--data-dir", help="the folder that `up` uses")

    def handle(self, *, project: str, days: int, seed: int, end: datetime | None, **options: Any) -> None:
        found = Project.objects.filter(slug=project).first()
        if found is None:
            raise CommandError(f"There is no project {project}. `manage.py up` makes the project demo.")
        if end is None and exact(found.pk, [GUIDE]):
            self.stdout.write(f"The project {project} has its demo traces already.")
            return
        receipt = load(found.pk, _utc(end), days, seed)
        while rollups.rebuild_marked(REBUILD_BUCKETS):
            pass
        index_marked()  # so that who comes first finds words and facets; jobs would take minutes beside all else
        self.stdout.write(
            f"Stored {receipt.accepted:,} spans; {receipt.duplicates:,} were there before.\n"
            f"Look up {GUIDE} to see why Jane got no new espresso machine, or {SESSION} for a conversation."
        )


def load(project_id: int, end: datetime, days: int, seed: int) -> Receipt:
    """Send the week through the code that services' requests go through. All of it is stored, or nothing.

    Raises CommandError when a record is refused, which is a mistake in the demo, and StoreUnavailable.
    """
    partitions.make(end.date() - timedelta(days=n) for n in range(days + 1))
    traces = list(week(end, days=days, seed=seed))
    whole = Receipt()
    with transaction.atomic():  # one that is stopped half-way leaves nothing, and can be begun again
        for batch in _with_progress(_batches(traces), len(traces)):
            decoded = plain.decode(b"\n".join(map(orjson.dumps, batch)), "application/x-ndjson")
            receipt = ingest(project_id, decoded.spans, decoded.rejected, _arrival(decoded.spans, end))
            if receipt.rejected:
                raise CommandError(f"The demo data is not as it should be: {receipt.rejected[0].reason}")
            whole.accepted += receipt.accepted
            whole.duplicates += receipt.duplicates
            whole.updated += receipt.updated
    return whole


def _batches(traces: list[Json]) -> Iterator[list[Json]]:
    """Whole traces, with about BATCH_SPANS spans or BATCH_LENGTH of time in a batch, as exporters send them."""
    batch: list[Json] = []
    spans = 0
    for trace in traces:
        if batch and (spans >= BATCH_SPANS or _began_at(trace) - _began_at(batch[0]) > BATCH_LENGTH):
            yield batch
            batch, spans = [], 0
        batch.append(trace)
        spans += len(trace.get("spans", "1"))
    if batch:
        yield batch


def _began_at(trace: Json) -> datetime:
    return datetime.fromisoformat(trace.get("spans", [trace])[0]["started_at"])


def _arrival(spans: list[RawSpan], end: datetime) -> datetime:
    """When the batch would have come in: a moment after its last span, and no later than `end`."""
    last = max((span.end_ns or span.start_ns or 0 for span in spans), default=0)
    return min(end, datetime.fromtimestamp(last / 1_000_000_000, UTC) + timedelta(seconds=2)) if last else end


def _with_progress(batches: Iterator[list[Json]], total: int) -> Iterator[list[Json]]:
    """The same batches, with a bar of the traces done on stderr; a line at the end where stderr is no terminal."""
    done, width = 0, 40
    for batch in batches:
        yield batch
        done += len(batch)
        if sys.stderr.isatty():
            full = width * done // total
            sys.stderr.write(f"\rDemo traces [{'█' * full}{' ' * (width - full)}] {done:,} of {total:,}")
            sys.stderr.flush()
    sys.stderr.write("\n" if sys.stderr.isatty() else f"Demo traces: {done:,} of {total:,}.\n")


def _utc(end: datetime | None) -> datetime:
    if end is None:
        return timezone.now()
    return end.replace(tzinfo=UTC) if end.tzinfo is None else end.astimezone(UTC)
