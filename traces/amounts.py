"""What the spans of a trace come to: sums over its calls, and how long it took. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from traces import calls
from traces.queries.spans import StoredSpan


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


def _sum(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
