"""The traces of a case: which ones a member means, adding and removing them, and what they share."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Final

from django.db import transaction

from accounts.models import Project, User
from cases import changes, similar
from cases.models import LONGEST_FEATURE, MOST_TRACES, Case, CaseTrace, Event
from traces.listing import TraceRow
from traces.lookup import look_up
from traces.pasted import read
from traces.queries.listed import rows_of
from traces.queries.spans import spans_of

MOST_LINES: Final = 50  # of ids that are pasted at once
LONGEST_LINE: Final = 2_000
_MOST_NAMED: Final = 5  # lines that a sentence repeats
_MOST_READ: Final = 20  # traces of which the spans are read to see what they share

Kind = Event.Kind


@dataclass(slots=True)
class Named:
    """What a pasted text names: traces, in its order, and the lines that name none or too many.

    `unread` is how many lines were over MOST_LINES.
    """

    keys: list[bytes] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    too_many: list[str] = field(default_factory=list)
    unread: int = 0


def named_by(project: Project, text: str, now: datetime) -> Named:
    """The traces that each line of `text` names by any id or link of theirs, whole or its beginning."""
    named = Named()
    lines = dict.fromkeys(line.strip()[:LONGEST_LINE] for line in text.splitlines() if line.strip())
    for line in list(lines)[:MOST_LINES]:
        found = look_up(project, read(line, project.slug), now.date(), far_back=True).found
        meant = [match for match in found if not match.names_many]
        named.keys += [hit.summary.trace_id for match in meant[:1] for hit in match.hits]
        if not meant:
            (named.too_many if found else named.unknown).append(line)
    named.unread = max(len(lines) - MOST_LINES, 0)
    named.keys = list(dict.fromkeys(named.keys))
    return named


def left_out(named: Named) -> list[str]:
    """What of a pasted text led to no trace, a sentence for each reason."""
    said = []
    if named.unknown:
        said.append(f"No trace was found by {_some(named.unknown)}.")
    if named.too_many:
        name = "names" if len(named.too_many) == 1 else "each name"
        said.append(f"{_some(named.too_many)} {name} several traces; search for them under Add traces and tick some.")
    if named.unread:
        said.append(f"Only the first {MOST_LINES} lines were read; {named.unread:,} more are left out.")
    return said


def begin(project: Project, member: User, values: Mapping[str, str], keys: Sequence[bytes], now: datetime) -> Case:
    """Make a case of these values and traces."""
    with transaction.atomic():
        case = changes.open_case(project, member, values, now)
        add(case.pk, member, keys, now)
    return case


def add(case_id: int, member: User | None, keys: Iterable[bytes], now: datetime) -> int:
    """Put traces into a case; how many were not in it. What counts as similar follows, unless a member wrote it.

    Traces that are not the project's, or are gone, are left out, and so is what is over MOST_TRACES.
    """
    with transaction.atomic():
        case = changes.locked(case_id)
        here = _keys_of(case)
        wanted = [key for key in dict.fromkeys(keys) if key not in here][: MOST_TRACES - len(here)]
        rows = rows_of(case.project_id, wanted)
        follows = rows and _follows(case, here)
        for row in rows:
            CaseTrace.objects.create(
                case=case, trace_id=row.key, address=row.address, happened_at=row.happened_at, line=line_of(row),
                outcome=row.state_word, added_at=now, added_by=member,
            )  # fmt: skip
            added = Event(kind=Kind.TRACE_ADDED, member=member, at=now, after=row.address, text=line_of(row))
            changes.note(case, added)
        if follows:
            feature = case.feature or fitting(rows[0].feature)
            _follow(case, feature, [*here, *(row.key for row in rows)], now)
    return len(rows)


def remove(case_id: int, member: User, trace_id: bytes, now: datetime) -> bool:
    """Take a trace out of a case; False when it is not in it. The history can put it back.

    What counts as similar follows here as well: a trace that was there by mistake no longer widens it.
    """
    with transaction.atomic():
        case = changes.locked(case_id)
        trace = case.traces.filter(trace_id=trace_id).first()
        if trace is None:
            return False
        here = _keys_of(case)
        follows = _follows(case, here)
        trace.delete()
        removed = Event(kind=Kind.TRACE_REMOVED, member=member, at=now, before=trace.address, text=trace.line)
        changes.note(case, removed)
        if follows:
            _follow(case, case.feature, [key for key in here if key != trace_id], now)
    return True


def shared_line(project_id: int, keys: Sequence[bytes]) -> str:
    """What the first of these traces share as a line of the query language; "" where nothing of it failed."""
    spans = spans_of(project_id, list(keys[:_MOST_READ]))
    spans = sorted(spans, key=lambda span: span.record.trace_id)
    return similar.line_from(list(group) for _, group in groupby(spans, key=lambda span: span.record.trace_id))


def line_of(row: TraceRow) -> str:
    """What was asked in a trace, else the name of its first step, as a case keeps it."""
    return " ".join((row.asked or row.name).split())[:300]


def fitting(feature: str | None) -> str:
    """A feature as the form of a case gives it back; "" for one that it has no room for."""
    short = (feature or "").strip()
    return short if len(short) <= LONGEST_FEATURE else ""


def _some(lines: Sequence[str]) -> str:
    shown = [f"“{line[:80]}”" for line in lines[:_MOST_NAMED]]
    return ", ".join(shown) + (f" and {len(lines) - len(shown)} more" if len(lines) > len(shown) else "")


def _keys_of(case: Case) -> list[bytes]:
    """The traces of a case in the order in which they came into it."""
    return [bytes(key) for key in case.traces.order_by("pk").values_list("trace_id", flat=True)]


def _follows(case: Case, keys: Sequence[bytes]) -> bool:
    """Whether what counts as similar is still what these traces share, and not what a member wrote."""
    return not case.similar or case.similar == shared_line(case.project_id, keys)


def _follow(case: Case, feature: str, keys: Sequence[bytes], now: datetime) -> None:
    """Let the similar line say what all of these traces share; where they share nothing, it stays."""
    line = shared_line(case.project_id, keys)
    changes.set_fields(case, None, {"feature": feature, **({"similar": line} if line else {})}, now)
