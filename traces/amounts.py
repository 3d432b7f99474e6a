"""What the spans of a trace come to: sums over its calls, and how long it took. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from traces import calls
from traces.queries.spans import StoredSpan
from traces.records import SpanRecord


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


def totals_of(spans: list[StoredSpan], among: set[tuple[bytes, bytes]] | None = None) -> Totals:
    """Sums over the calls among `spans`; wrappers' tokens repeat their children's and are left out.

    `among`: what `calls_among` says of them, where it is known already.
    """
    among = calls_among(spans) if among is None else among
    records = [span.record for span in spans]
    counted = [record for record in records if (record.trace_id, record.span_id) in among]
    costs = [call.cost_usd for call in counted if call.cost_usd is not None]
    return Totals(
        spans=len(spans),
        calls=len(counted),
        errors=sum(record.status == "error" for record in records),
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
    by_trace: dict[bytes, list[SpanRecord]] = {}
    for span in spans:
        record = span.record
        if not record.is_placeholder:
            by_trace.setdefault(record.trace_id, []).append(record)
    return {(trace_id, span_id) for trace_id, members in by_trace.items() for span_id in calls.call_ids(members)}


def extent_us(spans: list[StoredSpan]) -> int | None:
    """How long the whole took: the root's own duration, else from the first start to the last end that is known."""
    roots = [span for span in spans if span.record.parent_id is None and span.record.duration_us is not None]
    if roots:
        return min(roots, key=lambda span: (span.happened_us, span.span_id)).record.duration_us
    ends = [span.happened_us + span.record.duration_us for span in spans if span.record.duration_us is not None]
    return max(ends) - min(span.happened_us for span in spans) if ends else None


def _sum(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
