"""The rows of a list of traces: a summary and its spans in one line. Pure."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from traces.amounts import totals_of
from traces.queries.spans import StoredSpan
from traces.queries.traces import Summary


@dataclass(frozen=True, slots=True)
class TraceRow:
    """One trace in a list. None means unknown."""

    trace_id: str
    address: str
    name: str
    feature: str | None
    asked: str | None
    user_id: str | None
    session_id: str | None
    prompt: str | None
    model: str | None
    happened_at: datetime
    duration_us: int | None
    spans: int
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: Decimal | None
    calls: int
    calls_without_price: int
    state_word: str
    state_tone: str
    failed: bool


def trace_row(summary: Summary, spans: list[StoredSpan]) -> TraceRow:
    """The line of a trace, its amounts from its spans."""
    totals = totals_of(spans)
    prompted = next((span.record for span in spans if span.record.prompt_name or span.record.prompt_version), None)
    model = next((span.record for span in spans if span.record.kind == "llm" and span.record.model), None)
    word, tone = _state(summary, spans)
    return TraceRow(
        trace_id=summary.shown_id,
        address=summary.address,
        name=summary.name or "no name sent",
        feature=summary.feature or summary.service,
        asked=summary.asked,
        user_id=summary.user_id,
        session_id=summary.session_id,
        prompt=" ".join(filter(None, (prompted.prompt_name, prompted.prompt_version))) if prompted else None,
        model=(model.model_requested or model.model) if model else None,
        happened_at=summary.happened_at,
        duration_us=totals.duration_us,
        spans=totals.spans,
        input_tokens=totals.input_tokens,
        output_tokens=totals.output_tokens,
        cost_usd=totals.cost_usd,
        calls=totals.calls,
        calls_without_price=totals.calls_without_price,
        state_word=word,
        state_tone=tone,
        failed=tone == "bad",
    )


def _state(summary: Summary, spans: list[StoredSpan]) -> tuple[str, str]:
    roots = [span for span in spans if span.parent_id is None]
    if any(root.failed for root in roots) or (not roots and any(span.failed for span in spans)):
        return "No answer", "bad"
    if any(span.record.fallback not in (None, "none") for span in spans):
        return "Fallback", "warn"
    if any(span.failed for span in spans):
        return "A step failed", "warn"
    if any((span.record.retries or 0) > 0 or (span.record.attempt or 1) > 1 for span in spans):
        return "2nd try", "warn"
    if not summary.has_root or any(not span.record.ended for span in spans):
        return "Not finished", "plain"
    return "Answered", "good"
