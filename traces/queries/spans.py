"""The spans of traces, and their payloads."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from traces import arrays, day_by_day, ids, payload
from traces.arrays import Statement
from traces.logged import with_contents
from traces.queries import planned
from traces.queries.planned import Asked, Days, Lines
from traces.records import Payload, SpanRecord

Bodies = dict[tuple[bytes, bytes], bytes]

_NOT_COLUMNS = ("payload", "start_may_change")
# Where the record's fields end in a line. In the place of those that are no columns stands NULL.
_AFTER = len(fields(SpanRecord))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOT_READ = Payload()


def _microseconds(column: str) -> str:
    """A moment as a whole number: to read moments, Django takes six times as long as all other columns together."""
    return f"(extract(epoch FROM {column}) * 1000000)::bigint"


def _selected(name: str) -> str:
    if name in _NOT_COLUMNS:
        return "NULL"
    return _microseconds("s.started_at") if name == "started_at" else f"s.{name}"


_SELECTED = [_selected(field.name) for field in fields(SpanRecord)]

SPANS = Statement.of(f"""
    SELECT {", ".join(_SELECTED)}, {_microseconds("s.happened_at")}, {_microseconds("s.received_at")}, s.payload_bytes
    FROM traces_summary t
    CROSS JOIN LATERAL {day_by_day.rows("traces_span", "s", bounded=True)}
    WHERE t.project_id = %(project)s AND t.trace_id = ANY(%(traces)s::bytea[])
""")


def _payloads(only: str) -> Statement:
    return Statement.of(f"""
    SELECT p.trace_id, p.span_id, p.codec, p.body
    FROM traces_summary t
    CROSS JOIN LATERAL {day_by_day.rows("traces_payload", "p", only=only, bounded=True)}
    WHERE t.project_id = %(project)s AND t.trace_id = ANY(%(traces)s::bytea[])
""")


# Two, since one plan for both would read all payloads of a trace to find that of one span.
PAYLOADS = _payloads("")
PAYLOADS_OF_SPANS = _payloads("span_id = ANY(%(spans)s::bytea[])")


@dataclass(slots=True)  # a frozen one takes three times as long to make, and a trace may have 32,000
class StoredSpan:
    """A span as it stands in the hot row; its payload is read apart. `payload_bytes` is its size before compression.

    `happened_us` and `received_us` say the moments in microseconds since 1970, in which they are counted quickly.
    """

    record: SpanRecord
    happened_at: datetime
    received_at: datetime
    payload_bytes: int
    happened_us: int
    received_us: int

    @property
    def span_id(self) -> bytes:
        return self.record.span_id

    @property
    def parent_id(self) -> bytes | None:
        return self.record.parent_id

    @property
    def kind(self) -> str:
        return self.record.kind

    @property
    def input_tokens(self) -> int | None:
        return self.record.input_tokens

    @property
    def output_tokens(self) -> int | None:
        return self.record.output_tokens

    @property
    def failed(self) -> bool:
        return self.record.status == "error"

    @property
    def shown_id(self) -> str:
        """The span's id as its sender wrote it."""
        return ids.shown(self.record.span_id, self.record.span_text)

    @property
    def address(self) -> str:
        """The span's id as it stands in addresses."""
        return ids.address(self.record.span_id, self.record.span_text)


def spans_of(project_id: int, trace_ids: Iterable[bytes]) -> list[StoredSpan]:
    """The spans of these traces of the project, in no order."""
    return stored_spans(planned.rows_of_traces(SPANS, project_id, trace_ids))


def asked_spans(project_id: int, trace_ids: Iterable[bytes], days: Days) -> Asked:
    """For `stored_spans`, where the days of the traces are known."""
    return planned.of_traces(SPANS, project_id, trace_ids, days)


def stored_spans(lines: Lines) -> list[StoredSpan]:
    return [_stored(line) for line in lines]


def payloads_of(
    project_id: int, trace_ids: Iterable[bytes], span_ids: Iterable[bytes] | None = None
) -> dict[tuple[bytes, bytes], Payload]:
    """The payloads of these traces, by trace and span id; of these spans only where they are named."""
    if span_ids is None:
        lines = planned.rows_of_traces(PAYLOADS, project_id, trace_ids)
    else:
        spans = arrays.array("bytea", list(span_ids))
        lines = planned.rows_of_traces(PAYLOADS_OF_SPANS, project_id, trace_ids, spans=spans)
    return {(trace, span): _payload(codec, body) for trace, span, codec, body in lines}


def payload_of(project_id: int, trace_id: bytes, span_id: bytes) -> Payload:
    """The payload of one span; an empty one when there is none."""
    return payloads_of(project_id, [trace_id], [span_id]).get((trace_id, span_id)) or Payload()


def asked_bodies(project_id: int, spans: Iterable[StoredSpan], days: Days) -> Asked:
    """For `bodies_in`: the payloads of these spans, the days of whose traces are known."""
    chosen = list(spans)
    traces = {span.record.trace_id for span in chosen}
    named = arrays.array("bytea", [span.span_id for span in chosen])
    return planned.of_traces(PAYLOADS_OF_SPANS, project_id, traces, days, spans=named)


def bodies_in(lines: Lines) -> Bodies:
    """Payloads as JSON, by trace and span id."""
    return {(trace, span): payload.decompress(codec, body) for trace, span, codec, body in lines}


def payload_in(bodies: Bodies, span: StoredSpan) -> Payload:
    """The payload of one of these spans; an empty one when there is none."""
    body = bodies.get((span.record.trace_id, span.span_id))
    return Payload() if body is None else with_contents(payload.decode(body))


def _payload(codec: int, body: bytes) -> Payload:
    return with_contents(payload.decode(payload.decompress(codec, body)))


def _stored(line: tuple[Any, ...]) -> StoredSpan:
    happened_us, received_us, payload_bytes = line[_AFTER:]
    record = SpanRecord(*line[:_AFTER])
    record.payload, record.start_may_change = _NOT_READ, False
    happened_at = _EPOCH + timedelta(microseconds=happened_us)
    sent: Any = record.started_at
    if sent is not None:
        record.started_at = happened_at if sent == happened_us else _moment(sent)
    return StoredSpan(record, happened_at, _moment(received_us), payload_bytes, happened_us, received_us)


@lru_cache(maxsize=1024)  # the spans of one request were received at one moment
def _moment(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
