"""Traces for tests of what is said about them: made of records, without a database."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests import make
from traces.amounts import calls_among
from traces.queries.spans import StoredSpan
from traces.queries.traces import Summary, Trace
from traces.tree import pre_order

NOW = datetime(2026, 11, 10, 15, 0, tzinfo=UTC)
BEGAN = NOW - timedelta(hours=2) + timedelta(milliseconds=250)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TRACE = b"\x11" * 16


def step(
    number: int, parent: int | None = None, *, at_ms: int = 0, arrived: timedelta | None = None, **fields: Any
) -> StoredSpan:
    """The step `number`, which begins `at_ms` after BEGAN and comes in 2 s (or `arrived`) after its end."""
    begun = BEGAN + timedelta(milliseconds=at_ms)
    defaults = {
        "trace_id": TRACE,
        "span_id": number.to_bytes(8, "big"),
        "parent_id": parent.to_bytes(8, "big") if parent else None,
        "started_at": begun,
        "duration_us": 500_000,
    }
    record = make.span(**{**defaults, **fields})
    came = begun + timedelta(microseconds=max(record.duration_us or 0, 0))
    came += timedelta(seconds=2) if arrived is None else arrived
    return StoredSpan(record, begun, came, 100, *((at - EPOCH) // timedelta(microseconds=1) for at in (begun, came)))


def call(number: int, parent: int | None = None, **fields: Any) -> StoredSpan:
    """The same, as a priced call of gpt-4o-mini."""
    defaults = {"kind": "llm", "name": "chat", "model_requested": "gpt-4o-mini", "input_tokens": 9, "output_tokens": 3}
    return step(number, parent, **{**defaults, **fields})


def trace(*spans: StoredSpan, **summary: Any) -> Trace:
    """A trace of these spans; `summary` holds fields of its summary."""
    told: dict[str, Any] = dict.fromkeys(Summary.__slots__)
    told |= {
        "trace_id": TRACE,
        "happened_at": min(span.happened_at for span in spans),
        "has_root": any(span.record.is_root for span in spans),
        "name": spans[0].record.name,
        "feature": "billing",
    }
    return Trace([Summary(**{**told, **summary})], pre_order(spans), calls_among(spans))
