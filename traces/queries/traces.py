"""A whole trace, for the page and the JSON; and the list of the newest."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any

from django.db import connection

from traces import arrays, ids
from traces.amounts import Totals, calls_among, totals_of
from traces.arrays import Statement
from traces.notes import MOST_TRACES_OF_REQUEST, Note, complete, notes_of
from traces.queries import planned
from traces.queries.planned import Asked, Days, Lines
from traces.queries.spans import StoredSpan, asked_spans, stored_spans
from traces.rows import day_of
from traces.tree import Node, pre_order

_TO_SUNDAY = timedelta(days=6)
_AROUND = timedelta(days=7)  # the traces of one request, its repetitions included, are not farther apart

SUMMARIES = Statement.of("""
    SELECT trace_id, trace_text, happened_at, ended_at, has_root, name, asked, answered,
        request_id, session_id, user_id, feature, service, environment, release,
        first_day, last_day
    FROM traces_summary
    WHERE project_id = %(project)s AND trace_id = ANY(%(traces)s::bytea[])
    ORDER BY happened_at DESC, trace_id DESC
""")
OF_REQUEST = Statement.of("""
    SELECT t.trace_id FROM traces_summary t
    JOIN (
        SELECT DISTINCT trace_id FROM traces_span
        WHERE project_id = %(project)s AND left(request_id, 200) = left(%(request)s::text, 200)
            AND request_id = %(request)s::text AND day >= %(since)s::date AND day <= %(until)s::date
            AND day >= %(first_planned)s::date AND day <= %(last_planned)s::date
    ) s USING (trace_id)
    WHERE t.project_id = %(project)s
    ORDER BY t.happened_at DESC, t.trace_id DESC
    LIMIT %(limit)s::int
""")


@dataclass(frozen=True, slots=True)
class Summary:
    """A trace as its summary tells it."""

    trace_id: bytes
    trace_text: str | None
    happened_at: datetime
    ended_at: datetime | None
    has_root: bool
    name: str | None
    asked: str | None
    answered: str | None
    request_id: str | None
    session_id: str | None
    user_id: str | None
    feature: str | None
    service: str | None
    environment: str | None
    release: str | None

    @property
    def shown_id(self) -> str:
        """The trace's id as its sender wrote it."""
        return ids.shown(self.trace_id, self.trace_text)

    @property
    def address(self) -> str:
        """The id as it stands in addresses."""
        return ids.address(self.trace_id, self.trace_text)


_AFTER = len(fields(Summary))  # where a line of SUMMARIES says the days


@dataclass
class Trace:
    """One or several traces that belong together, newest first; the first gives the page its name.

    What is made of the spans is made once: a trace may have tens of thousands.
    """

    summaries: list[Summary]
    nodes: list[Node]
    call_ids: set[tuple[bytes, bytes]] = field(default_factory=set)
    days: Days = (date.min, date.max)

    @property
    def summary(self) -> Summary:
        return self.summaries[0]

    @cached_property
    def spans(self) -> list[StoredSpan]:
        return [node.span for node in self.nodes]

    @cached_property
    def totals(self) -> Totals:
        return totals_of(self.spans, self.call_ids)

    @cached_property
    def notes(self) -> list[Note]:
        return notes_of(self)

    @property
    def complete(self) -> bool:
        """Whether all that belongs to it has arrived, as far as the spans tell."""
        return complete(self.notes)


def trace_of(project_id: int, trace_id: str) -> Trace | None:
    """The trace with this id, in any spelling; None when the project has none."""
    return _trace(project_id, [ids.trace_key(trace_id)])


def traces_of_request(project_id: int, request_id: str) -> Trace | None:
    """The newest 100 traces that carry this request id, as one; None when there is none."""
    found = _keys_of_request(project_id, request_id)
    return _trace(project_id, found) if found else None


def trace_and(
    project_id: int, trace_id: str, besides: Callable[[Summary], Sequence[Asked]]
) -> tuple[Trace | None, list[Lines]]:
    """The trace with this id, and the rows of what is asked with its spans."""
    return _trace_and(project_id, [ids.trace_key(trace_id)], besides)


def asked_of_request(project_id: int, request_id: str, around: datetime | None = None) -> Asked:
    """For the keys of the newest traces that carry this request id. Blanks around it were taken off when stored.

    With `around` only those of the days about it: to ask those of a year takes longer than the rest of a page.
    """
    values = {"project": project_id, "request": request_id.strip(), "limit": MOST_TRACES_OF_REQUEST}
    if around is None:
        return Asked(_of_request(date.min, date.max), {**values, "since": date.min, "until": date.max})
    since, until = day_of(around) - _AROUND, day_of(around) + _AROUND
    return Asked(_of_request(_monday(since), _monday(until) + _TO_SUNDAY), {**values, "since": since, "until": until})


@lru_cache(maxsize=256)
def _of_request(first_planned: date, last_planned: date) -> Statement:
    """OF_REQUEST with a plan of these days alone: of whole weeks, so that a connection keeps few of them."""
    return OF_REQUEST.written_out(first_planned=first_planned, last_planned=last_planned)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def others_of(project_id: int, summary: Summary, lines: Lines) -> list[Summary]:
    """The other traces of a trace's request, newest first; without their spans, which may be many."""
    keys = [trace_id for (trace_id,) in lines if trace_id != summary.trace_id]
    return summaries_of(project_id, keys) if keys else []


def _keys_of_request(project_id: int, request_id: str) -> list[bytes]:
    if "\0" in request_id:  # Postgres holds no NUL in text, so no row can have it
        return []
    asked = asked_of_request(project_id, request_id)
    return [trace_id for (trace_id,) in planned.rows(asked.statement, asked.values)]


def summaries_of(project_id: int, trace_ids: Iterable[bytes]) -> list[Summary]:
    """The summaries of these traces, newest first."""
    return [summary_row(line[:_AFTER]) for line in _summaries(project_id, trace_ids)]


def summary_row(line: tuple[Any, ...]) -> Summary:
    """A row of the columns that `SUMMARIES` names, without the days."""
    return Summary(bytes(line[0]), *line[1:])


def _summaries(project_id: int, trace_ids: Iterable[bytes]) -> list[tuple[Any, ...]]:
    return planned.rows(SUMMARIES, {"project": project_id, "traces": arrays.array("bytea", list(trace_ids))})


def _trace(project_id: int, trace_ids: list[bytes]) -> Trace | None:
    return _trace_and(project_id, trace_ids, lambda summary: ())[0]


def _trace_and(
    project_id: int, trace_ids: list[bytes], besides: Callable[[Summary], Sequence[Asked]]
) -> tuple[Trace | None, list[Lines]]:
    lines = _summaries(project_id, trace_ids)
    if not lines:
        return None, []
    summaries = [summary_row(line[:_AFTER]) for line in lines]
    days = min(line[_AFTER] for line in lines), max(line[_AFTER + 1] for line in lines)
    sent, *more = planned.rows_of_all([asked_spans(project_id, trace_ids, days), *besides(summaries[0])])
    spans = stored_spans(sent)
    newest_first = {summary.trace_id: place for place, summary in enumerate(summaries)}
    nodes = sorted(pre_order(spans), key=lambda node: newest_first[node.span.record.trace_id])  # sorted is stable
    return Trace(summaries, nodes, calls_among(spans), days), more


ANY_TRACE = "SELECT EXISTS (SELECT FROM traces_summary WHERE project_id = %(project)s)"


def has_traces(project_id: int) -> bool:
    """Whether anything was ever stored for the project."""
    with connection.cursor() as cursor:
        cursor.execute(ANY_TRACE, {"project": project_id})
        return bool(cursor.fetchone()[0])
