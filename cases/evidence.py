"""The traces of a case: which ones a member means, adding and removing them, and what they share."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Final

from django.db import transaction

from accounts.models import Project, User
from cases import changes, similar
from cases.models import MOST_TRACES, Case, CaseTrace, Event
from traces.listing import TraceRow
from traces.lookup import look_up
from traces.pasted import read
from traces.queries.listed import rows_of
from traces.queries.spans import spans_of

MOST_LINES: Final = 50  # of ids that are pasted at once
LONGEST_LINE: Final = 2_000
_MOST_READ: Final = 20  # traces of which the spans are read to see what they share


@dataclass(slots=True)
class Named:
    """What a pasted text names: traces, in its order, and the lines that name none or too many."""

    keys: list[bytes] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    too_many: list[str] = field(default_factory=list)


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
    named.unknown += list(lines)[MOST_LINES:]
    named.keys = list(dict.fromkeys(named.keys))
    return named


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
        here = {bytes(one.trace_id) for one in case.traces.all()}
        wanted = [key for key in dict.fromkeys(keys) if key not in here][: MOST_TRACES - len(here)]
        rows = rows_of(case.project_id, wanted)
        follows = not case.similar or case.similar == shared_line(case.project_id, here)
        for row in rows:
            CaseTrace.objects.create(
                case=case, trace_id=row.key, address=row.address, happened_at=row.happened_at, line=line_of(row),
                outcome=row.state_word, added_at=now, added_by=member,
            )  # fmt: skip
            changes.note(case, Event.Kind.TRACE_ADDED, member, now, after=row.address, text=line_of(row))
        if rows and follows:
            _follow(case, rows, [*here, *(row.key for row in rows)], now)
    return len(rows)


def remove(case_id: int, member: User, trace_id: bytes, now: datetime) -> bool:
    """Take a trace out of a case; False when it is not in it. The history can put it back."""
    with transaction.atomic():
        case = changes.locked(case_id)
        trace = case.traces.filter(trace_id=trace_id).first()
        if trace is None:
            return False
        trace.delete()
        changes.note(case, Event.Kind.TRACE_REMOVED, member, now, before=trace.address, text=trace.line)
    return True


def shared_line(project_id: int, keys: Iterable[bytes]) -> str:
    """What these traces share as a line of the query language; "" where nothing of it failed."""
    spans = spans_of(project_id, list(keys)[:_MOST_READ])
    spans = sorted(spans, key=lambda span: span.record.trace_id)
    return similar.line_from(list(group) for _, group in groupby(spans, key=lambda span: span.record.trace_id))


def line_of(row: TraceRow) -> str:
    """What was asked in a trace, else the name of its first step, as a case keeps it."""
    return " ".join((row.asked or row.name).split())[:300]


def _follow(case: Case, rows: Sequence[TraceRow], keys: Sequence[bytes], now: datetime) -> None:
    """Let feature and similar line follow the traces, as long as they say what all of them share."""
    line = shared_line(case.project_id, keys)
    wanted = {"similar": line} if line else {}
    if not case.feature and rows[0].feature:
        wanted["feature"] = rows[0].feature
    changes.set_fields(case, None, wanted, now)
