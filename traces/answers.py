"""A trace as JSON: the fields of the record by their own names, in the order of the tree. Unknown is null, never 0."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from traces import ids
from traces.queries.scores import StoredScore, by_span, of_whole
from traces.queries.spans import StoredSpan
from traces.queries.traces import Trace
from traces.records import Payload

_PLAIN_FIELDS = (
    "kind", "name", "status", "failure", "fallback", "status_message", "finish_reason", "attempt", "retries",
    "cache_hit", "provider", "model", "model_requested", "response_id", "prompt_name", "prompt_version",
    "template_name", "template_version", "retriever_name", "retriever_version", "parser_name", "parser_version",
    "tool_name", "tool_version", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens",
    "reasoning_tokens", "cost_source", "refused", "format_valid", "confidence", "service", "environment", "release",
    "tags",
)  # fmt: skip


def trace_answer(
    trace: Trace,
    payloads: Mapping[tuple[bytes, bytes], Payload],
    request_id: str | None,
    scores: Sequence[StoredScore] = (),
) -> dict[str, Any]:
    """The answer of `GET /api/v1/traces/<id>` and `GET /api/v1/requests/<id>`.

    `request_id` is the one that was asked for; without it the trace's own.
    """
    return {**head_answer(trace, request_id, scores), "spans": span_answers(trace, trace.spans, payloads, scores)}


def head_answer(trace: Trace, request_id: str | None, scores: Sequence[StoredScore] = ()) -> dict[str, Any]:
    """The answer but for its spans."""
    totals = trace.totals
    return {
        "request_id": request_id or trace.summary.request_id,
        "trace_id": trace.summary.shown_id,
        "traces": [summary.shown_id for summary in trace.summaries],
        "complete": trace.complete,
        "notes": [{"code": note.code, "text": note.text} for note in trace.notes],
        "totals": {
            "spans": totals.spans,
            "calls": totals.calls,
            "errors": totals.errors,
            "input_tokens": totals.input_tokens,
            "output_tokens": totals.output_tokens,
            "cost_usd": money(totals.cost_usd),
            "calls_without_price": totals.calls_without_price,
            "duration_ms": milliseconds(totals.duration_us),
        },
        "scores": [_score_answer(one) for one in of_whole(scores, trace)],
    }


def span_answers(
    trace: Trace,
    spans: Iterable[StoredSpan],
    payloads: Mapping[tuple[bytes, bytes], Payload],
    scores: Sequence[StoredScore] = (),
) -> list[dict[str, Any]]:
    """Some of the trace's spans as the answer has them."""
    of_spans = by_span(scores, trace)
    return [
        {
            **_span_answer(span, trace, payloads),
            "scores": [_score_answer(one) for one in of_spans.get((span.record.trace_id, span.span_id), [])],
        }
        for span in spans
    ]


def _score_answer(score: StoredScore) -> dict[str, Any]:
    """`target` says which of the ids is the one that it is a score of."""
    return {
        "id": score.shown_id,
        "target": score.target,
        "trace_id": None if score.trace_id is None else ids.shown(score.trace_id, score.trace_text),
        "span_id": None if score.span_id is None else ids.shown(score.span_id, score.span_text),
        "session_id": score.session_id,
        "request_id": score.request_id,
        "name": score.name,
        "value": score.value,
        "data_type": score.data_type,
        "source": score.source,
        "comment": score.comment,
        "given_at": moment(score.given_at),
        "metadata": score.metadata,
    }


def _span_answer(span: StoredSpan, trace: Trace, payloads: Mapping[tuple[bytes, bytes], Payload]) -> dict[str, Any]:
    record = span.record
    payload = payloads.get((record.trace_id, record.span_id)) or Payload()
    whole = next(one for one in trace.summaries if one.trace_id == record.trace_id)
    parent = None if record.parent_id is None else ids.shown(record.parent_id, record.parent_text)
    return {
        "span_id": span.shown_id,
        "parent_id": parent,
        "trace_id": whole.shown_id,
        **{name: getattr(record, name) for name in _PLAIN_FIELDS},
        "started_at": moment(record.started_at or span.happened_at),
        "received_at": moment(span.received_at),
        "ended": record.ended,
        "duration_ms": milliseconds(record.duration_us),
        "time_to_first_token_ms": milliseconds(record.time_to_first_token_us),
        "cost_usd": money(record.cost_usd),
        "is_call": (record.trace_id, record.span_id) in trace.call_ids,
        # Set on any span of a trace, they hold for the whole of it.
        "request_id": record.request_id or whole.request_id,
        "session_id": record.session_id or whole.session_id,
        "user_id": record.user_id or whole.user_id,
        "feature": record.feature or whole.feature or record.service or whole.service,
        "parameters": payload.parameters or {},
        "input": payload.input,
        "output": payload.output,
        "parsed_output": payload.parsed_output,
        "tools": payload.tools or [],
        "documents": payload.documents or [],
        "events": payload.events or [],
        "links": payload.links or [],
        "attributes": payload.attributes,
        "dropped_attributes": payload.dropped_attributes,
    }


def milliseconds(duration_us: int | None) -> float | None:
    """Microseconds as milliseconds; None stays unknown."""
    return None if duration_us is None else duration_us / 1_000


def money(amount: Decimal | None) -> str | None:
    """A plain decimal text: no exponent, no zeros at the end."""
    return None if amount is None else f"{amount.normalize():f}"


def moment(at: datetime | None) -> str | None:
    """RFC 3339 in UTC with microseconds."""
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
