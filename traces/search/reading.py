"""What the index is made of: where traces begin, their spans, and their payloads in pieces of bounded size."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import psycopg

from traces import arrays, payload
from traces.logged import with_contents
from traces.queries.spans import StoredSpan
from traces.records import Payload
from traces.rows import day_of

# Of payloads before compression, held at a time.
MOST_BYTES = 16_000_000

# A trace that grows has an entry already; the larger it is, the longer it is left alone: a second for 1,000 spans.
BEGINNINGS = """
    SELECT t.trace_id, t.happened_at, t.first_day, t.last_day, e.indexed_at + e.spans * interval '1 millisecond'
    FROM traces_summary t
    LEFT JOIN LATERAL (
        SELECT indexed_at, spans FROM traces_entry
        WHERE project_id = %(project)s AND day = t.first_day AND trace_id = t.trace_id AND t.revision > 0
            AND spans >= 1000 OFFSET 0
    ) e ON true
    WHERE t.project_id = %(project)s AND t.trace_id = ANY(%(traces)s)
"""
PAYLOADS = """
    SELECT p.codec, p.body
    FROM unnest(%(days)s::date[], %(traces)s::bytea[], %(spans)s::bytea[])
        WITH ORDINALITY AS sought (day, trace_id, span_id, place)
    LEFT JOIN LATERAL (
        SELECT codec, body FROM traces_payload
        WHERE project_id = %(project)s AND day = sought.day AND trace_id = sought.trace_id
            AND span_id = sought.span_id OFFSET 0
    ) p ON true
    ORDER BY sought.place
"""


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where a trace begins. Its entry stands on `first_day`; `due_at`: when it may be written again, None for now."""

    trace_id: bytes
    happened_at: datetime
    first_day: date
    last_day: date
    due_at: datetime | None


def beginnings_of(cursor: "psycopg.Cursor[Any]", project_id: int, traces: Iterable[bytes]) -> list[Beginning]:
    """Those of `traces` that are still there."""
    cursor.execute(BEGINNINGS, {"project": project_id, "traces": arrays.array("bytea", list(traces))})
    return [Beginning(*line) for line in cursor.fetchall()]


def payloads_of(
    cursor: "psycopg.Cursor[Any]", project_id: int, spans: Iterable[StoredSpan]
) -> Iterator[tuple[StoredSpan, Payload]]:
    """Each of `spans` with its payload, in their order; read as it is asked for, some megabytes at a time."""
    for some in _pieces(spans):
        values = {
            "days": arrays.array("date", [day_of(span.happened_at) for span in some]),
            "traces": arrays.array("bytea", [span.record.trace_id for span in some]),
            "spans": arrays.array("bytea", [span.span_id for span in some]),
        }
        cursor.execute(PAYLOADS, {"project": project_id, **values}, binary=True)
        for span, (codec, body) in zip(some, cursor.fetchall(), strict=True):
            yield span, _payload(codec, body)


def _payload(codec: int | None, body: bytes | None) -> Payload:
    if codec is None or body is None:
        return Payload()
    return with_contents(payload.decode(payload.decompress(codec, body)))


def _pieces(spans: Iterable[StoredSpan]) -> Iterator[list[StoredSpan]]:
    some: list[StoredSpan] = []
    size = 0
    for span in spans:
        if some and size + span.payload_bytes > MOST_BYTES:
            yield some
            some, size = [], 0
        some.append(span)
        size += span.payload_bytes
    if some:
        yield some
