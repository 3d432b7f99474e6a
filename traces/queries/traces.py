"""A whole trace, for the page and the JSON; and the list of the newest."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from llmobs.lib.timerange import TimeRange
from traces import calls, ids
from traces.queries.spans import StoredSpan, spans_of
from traces.tree import Node, pre_order

SUMMARIES = """
    SELECT trace_id, trace_text, happened_at, ended_at, has_root, name, asked, answered,
        request_id, session_id, user_id, feature, service, environment, release
    FROM traces_summary
    WHERE project_id = %(project)s AND trace_id = ANY(%(traces)s)
    ORDER BY happened_at DESC, trace_id DESC
"""
OF_REQUEST = """
    SELECT t.trace_id FROM traces_summary t
    JOIN (
        SELECT DISTINCT trace_id FROM traces_span
        WHERE project_id = %(project)s AND left(request_id, 200) = left(%(request)s, 200)
            AND request_id = %(request)s
    ) s USING (trace_id)
    WHERE t.project_id = %(project)s
    ORDER BY t.happened_at DESC, t.trace_id DESC
    LIMIT %(limit)s
"""
# A request id such as "None" may be on any number of traces: the newest are read.
MOST_TRACES_OF_REQUEST = 100


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


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the calls of a trace. None where no call tells any."""

    spans: int
    calls: int
    errors: int
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    reasoning_tokens: int | None
    cost_usd: Decimal | None
    calls_without_price: int
    duration_us: int | None


@dataclass(frozen=True, slots=True)
class Note:
    """Something that the reader must know about the record itself."""

    code: str
    text: str


@dataclass(slots=True)
class Trace:
    """One or several traces that belong together, newest first; the first gives the page its name."""

    summaries: list[Summary]
    nodes: list[Node]
    call_ids: set[tuple[bytes, bytes]] = field(default_factory=set)

    @property
    def summary(self) -> Summary:
        return self.summaries[0]

    @property
    def spans(self) -> list[StoredSpan]:
        return [node.span for node in self.nodes]

    @property
    def totals(self) -> Totals:
        return totals_of(self.spans)

    @property
    def notes(self) -> list[Note]:
        return _notes(self)

    @property
    def complete(self) -> bool:
        """Whether all that belongs to it has arrived, as far as the spans tell."""
        return not {"root_missing", "parent_missing", "not_ended", "span_missing"} & {note.code for note in self.notes}


def trace_of(project_id: int, trace_id: str) -> Trace | None:
    """The trace with this id, in any spelling; None when the project has none."""
    return _trace(project_id, [ids.trace_key(trace_id)])


def traces_of_request(project_id: int, request_id: str) -> Trace | None:
    """The newest 100 traces that carry this request id, as one; None when there is none."""
    found = _keys_of_request(project_id, request_id)
    return _trace(project_id, found) if found else None


def summaries_of_request(project_id: int, request_id: str) -> list[Summary]:
    """The summaries of the traces that carry this request id, newest first; without their spans, which may be many."""
    return summaries_of(project_id, _keys_of_request(project_id, request_id))


def _keys_of_request(project_id: int, request_id: str) -> list[bytes]:
    if "\0" in request_id:  # Postgres holds no NUL in text, so no row can have it
        return []
    # Blanks around it were taken off when it was stored.
    values: dict[str, Any] = {"project": project_id, "request": request_id.strip(), "limit": MOST_TRACES_OF_REQUEST}
    with connection.cursor() as cursor:
        cursor.execute(OF_REQUEST, values)
        return [bytes(trace_id) for (trace_id,) in cursor.fetchall()]


def summaries_of(project_id: int, trace_ids: Iterable[bytes]) -> list[Summary]:
    """The summaries of these traces, newest first."""
    with connection.cursor() as cursor:
        cursor.execute(SUMMARIES, {"project": project_id, "traces": list(trace_ids)})
        return [summary_row(line) for line in cursor.fetchall()]


def summary_row(line: tuple[Any, ...]) -> Summary:
    """A row of the columns that `SUMMARIES` names."""
    return Summary(bytes(line[0]), *line[1:])


def totals_of(spans: list[StoredSpan]) -> Totals:
    """Sums over the calls among `spans`; wrappers' tokens repeat their children's and are left out."""
    among = calls_among(spans)
    counted = [span.record for span in spans if (span.record.trace_id, span.span_id) in among]
    costs = [call.cost_usd for call in counted if call.cost_usd is not None]
    return Totals(
        spans=len(spans),
        calls=len(counted),
        errors=sum(span.failed for span in spans),
        input_tokens=_sum(call.input_tokens for call in counted),
        output_tokens=_sum(call.output_tokens for call in counted),
        cache_read_tokens=_sum(call.cache_read_tokens for call in counted),
        reasoning_tokens=_sum(call.reasoning_tokens for call in counted),
        cost_usd=sum(costs, Decimal()) if costs else None,
        calls_without_price=len(counted) - len(costs),
        duration_us=extent_us(spans),
    )


def calls_among(spans: Iterable[StoredSpan]) -> set[tuple[bytes, bytes]]:
    """The (trace, span) ids of the calls."""
    by_trace: dict[bytes, list[StoredSpan]] = {}
    for span in spans:
        if not span.record.is_placeholder:
            by_trace.setdefault(span.record.trace_id, []).append(span)
    return {(trace_id, span_id) for trace_id, members in by_trace.items() for span_id in calls.call_ids(members)}


def extent_us(spans: list[StoredSpan]) -> int | None:
    """How long the whole took: the root's own duration, else from the first start to the last end that is known."""
    roots = [span for span in spans if span.parent_id is None and span.record.duration_us is not None]
    if roots:
        return min(roots, key=lambda span: (span.happened_at, span.span_id)).record.duration_us
    ended = [span for span in spans if span.record.duration_us is not None]
    if not ended:
        return None
    first = min(span.happened_at for span in spans)
    ends = ((span.happened_at - first).total_seconds() * 1e6 + (span.record.duration_us or 0) for span in ended)
    return round(max(ends))


def _trace(project_id: int, trace_ids: list[bytes]) -> Trace | None:
    summaries = summaries_of(project_id, trace_ids)
    if not summaries:
        return None
    spans = spans_of(project_id, trace_ids)
    newest_first = {summary.trace_id: place for place, summary in enumerate(summaries)}
    nodes = sorted(pre_order(spans), key=lambda node: newest_first[node.span.record.trace_id])  # sorted is stable
    return Trace(summaries, nodes, calls_among(spans))


def _sum(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _notes(trace: Trace) -> list[Note]:
    spans = trace.spans
    orphans = sum(node.orphan for node in trace.nodes)
    open_spans = sum(not span.record.ended and not span.record.is_placeholder for span in spans)
    placeholders = sum(span.record.is_placeholder for span in spans)
    without_start = sum(span.record.started_at is None for span in spans)
    backwards = sum((span.record.duration_us or 0) < 0 for span in spans)
    without_price = trace.totals.calls_without_price
    found = [
        (
            "several_traces",
            1 < len(trace.summaries) < MOST_TRACES_OF_REQUEST,
            f"{len(trace.summaries)} traces carry this request id; all are shown.",
        ),
        (
            "more_traces",
            len(trace.summaries) >= MOST_TRACES_OF_REQUEST,
            f"{MOST_TRACES_OF_REQUEST} traces or more carry this request id; the newest are shown.",
        ),
        (
            "root_missing",
            not all(summary.has_root for summary in trace.summaries),
            "The first step has not arrived: it may still run, or its sender lost it.",
        ),
        ("parent_missing", orphans > 0, f"{_some(orphans, 'step names', 'steps name')} a parent that has not arrived."),
        (
            "not_ended",
            open_spans > 0,
            f"{_some(open_spans, 'step has', 'steps have')} not ended, as far as its sender told.",
        ),
        (
            "span_missing",
            placeholders > 0,
            f"{_some(placeholders, 'step is', 'steps are')} known only by logs: what was said came, the rest has not.",
        ),
        (
            "start_not_sent",
            without_start > 0,
            f"{_some(without_start, 'step was', 'steps were')} sent without a start.",
        ),
        (
            "ends_before_start",
            backwards > 0,
            f"{_some(backwards, 'step ends', 'steps end')} before it starts: a clock is off.",
        ),
        (
            "price_unknown",
            without_price > 0,
            f"{_some(without_price, 'call has', 'calls have')} no known price; the cost is a lower limit.",
        ),
    ]
    return [Note(code, text) for code, applies, text in found if applies]


def _some(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


# Day by day, as in `spans.SPANS`.
_ANY_SPAN = """AND EXISTS (
            SELECT FROM generate_series(0, t.last_day - t.first_day) AS later CROSS JOIN LATERAL (
                SELECT * FROM traces_span
                WHERE project_id = t.project_id AND day = t.first_day + later AND trace_id = t.trace_id OFFSET 0
            ) s WHERE {})"""
_FILTERS = {
    "session_id": "AND left(t.session_id, 200) = left(%(session_id)s, 200) AND t.session_id = %(session_id)s",
    "user_id": "AND left(t.user_id, 200) = left(%(user_id)s, 200) AND t.user_id = %(user_id)s",
    "feature": "AND coalesce(t.feature, t.service, '') = %(feature)s",
    "model": _ANY_SPAN.format("""s.kind IN ('llm', 'embedding', 'rerank')
            AND coalesce(s.model_requested, s.model, '') = %(model)s"""),
    "failed": _ANY_SPAN.format("s.status = 'error'"),
}
FILTERS = tuple(_FILTERS)

# From the summaries, not from root spans: a trace whose root never came is listed too.
NEWEST = """
    SELECT t.trace_id, t.trace_text, t.happened_at, t.ended_at, t.has_root, t.name, t.asked, t.answered,
        t.request_id, t.session_id, t.user_id, t.feature, t.service, t.environment, t.release
    FROM traces_summary t
    WHERE t.project_id = %(project)s AND t.happened_at >= %(start)s AND t.happened_at < %(end)s
        AND (t.happened_at, t.trace_id) < (%(before_at)s, %(before_id)s)
        {filters}
    ORDER BY t.happened_at DESC, t.trace_id DESC
    LIMIT %(limit)s
"""
ANY_TRACE = "SELECT EXISTS (SELECT FROM traces_summary WHERE project_id = %(project)s)"


def newest_traces(
    project_id: int,
    period: TimeRange,
    filters: dict[str, str],
    *,
    before: tuple[datetime, bytes] | None = None,
    limit: int = 50,
) -> list[tuple[Summary, list[StoredSpan]]]:
    """The traces that began in `period`, newest first, each with its spans.

    `filters` maps some of FILTERS to their values. For the next page give the last row's moment and id as `before`.
    """
    chosen = " ".join(_FILTERS[name] for name in FILTERS if name in filters)
    values: dict[str, Any] = {
        "project": project_id,
        "start": period.start,
        "end": period.end,
        "before_at": before[0] if before else period.end,
        "before_id": before[1] if before else b"",
        "limit": limit,
        **filters,
    }
    with connection.cursor() as cursor:
        cursor.execute(NEWEST.format(filters=chosen), values)
        rows = [summary_row(line) for line in cursor.fetchall()]
    spans: dict[bytes, list[StoredSpan]] = {row.trace_id: [] for row in rows}
    for span in spans_of(project_id, spans) if rows else []:
        spans[span.record.trace_id].append(span)
    return [(row, spans[row.trace_id]) for row in rows]


def has_traces(project_id: int) -> bool:
    """Whether anything was ever stored for the project."""
    with connection.cursor() as cursor:
        cursor.execute(ANY_TRACE, {"project": project_id})
        return bool(cursor.fetchone()[0])
