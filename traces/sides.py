"""What is known of a whole trace when it is compared with another. Pure: from its spans and a few payloads."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

from traces.changes import live_parts
from traces.conversation import as_text
from traces.listing import TraceSigns, outcome
from traces.queries.scores import StoredScore, of_whole
from traces.queries.spans import StoredSpan
from traces.queries.traces import Trace
from traces.records import Json, Payload
from traces.story import FALLBACKS, failure_words, main_cause, model_of, retries

MOST_BYTES: Final = 1_000_000  # of a payload that is read for the facts of the whole; the open step's is read anyway

_MOST_LOOK_UPS: Final = 5
_LONGEST_BEGINNING: Final = 60  # characters of a document that has no name

Payloads = Mapping[tuple[bytes, bytes], Payload]


@dataclass(frozen=True, slots=True)
class Side:
    """One of two traces. None means unknown; `parameters` and `documents` also where their payload was too large.

    `asked` and `answered` are the beginnings that lists show. `why` is what failed, as the end of a sentence.
    `versions` are by part and its name.
    """

    happened_at: datetime
    outcome: str = "Answered"
    tone: str = "good"
    why: str = ""
    feature: str | None = None
    user: str | None = None
    asked: str | None = None
    answered: str | None = None
    versions: Mapping[tuple[str, str], str] = field(default_factory=dict)
    model: str | None = None
    models: tuple[str, ...] = ()
    responded: tuple[str, ...] = ()
    parameters: Mapping[str, str] | None = None
    releases: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    steps: int = 1
    failed_steps: int = 0
    calls: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    cost_usd: Decimal | None = None
    calls_without_price: int = 0
    duration_us: int | None = None
    first_token_us: int | None = None
    retries: int = 0
    fallback: str | None = None
    documents: tuple[str, ...] | None = None
    scores: tuple[tuple[str, str], ...] = ()


def telling(trace: Trace) -> list[StoredSpan]:
    """The steps whose payloads tell the parameters and the documents: the call that answered, and the look-ups."""
    found = [span for span in trace.spans if span.kind == "retrieval"][:_MOST_LOOK_UPS]
    return [span for span in (deciding_call(trace), *found) if span and span.payload_bytes <= MOST_BYTES]


def deciding_call(trace: Trace) -> StoredSpan | None:
    """The last model call that did not fail, else the last one; None without any."""
    calls = [span for span in trace.spans if span.kind == "llm"]
    return max(calls, key=lambda span: (not span.failed, span.happened_us, span.span_id), default=None)


def side_of(trace: Trace, payloads: Payloads, scores: Sequence[StoredScore]) -> Side:
    """The side of a trace. `payloads` are those of `telling`, by trace and span id."""
    spans, totals, summary, call = trace.spans, trace.totals, trace.summary, deciding_call(trace)
    records = [span.record for span in spans]
    asked = [span.record for span in spans if span.kind == "llm"]
    word, tone = _outcome(trace)
    return Side(
        happened_at=summary.happened_at,
        outcome=word,
        tone=tone,
        why=failure_words(main_cause(spans)) if tone == "bad" else "",
        feature=summary.feature or summary.service,
        user=summary.user_id,
        asked=summary.asked,
        answered=summary.answered if tone != "bad" else None,
        versions=live_parts(spans),
        model=model_of(call) if call else None,
        models=_each(one.model_requested or one.model for one in asked),
        responded=_each(one.model for one in asked),
        parameters=_parameters(call, payloads),
        releases=_each(one.release for one in records),
        environments=_each(one.environment for one in records),
        steps=len(spans),
        failed_steps=totals.errors,
        calls=totals.calls,
        input_tokens=totals.input_tokens,
        output_tokens=totals.output_tokens,
        cached_tokens=totals.cache_read_tokens,
        cost_usd=totals.cost_usd,
        calls_without_price=totals.calls_without_price,
        duration_us=totals.duration_us,
        first_token_us=call.record.time_to_first_token_us if call else None,
        retries=retries(spans),
        fallback=next((FALLBACKS[one.fallback] for one in records if one.fallback in FALLBACKS), None),
        documents=_documents(spans, payloads),
        scores=tuple((one.name, one.words) for one in of_whole(scores, trace)),
    )


def document_name(found: Json) -> str:
    """What a document is called: its title, its id, else how it begins."""
    if not isinstance(found, dict):
        return as_text(found)[:_LONGEST_BEGINNING]
    return str(found.get("title") or found.get("id") or as_text(found.get("text") or "")[:_LONGEST_BEGINNING])


def _outcome(trace: Trace) -> tuple[str, str]:
    """How it went, as lists say it."""
    roots = [span for span in trace.spans if span.parent_id is None]
    step_failed = any(span.failed for span in trace.spans)
    signs = TraceSigns(
        failed=any(root.failed for root in roots) if roots else step_failed,
        step_failed=step_failed,
        fell_back=any((span.record.fallback or "none") != "none" for span in trace.spans),
        tried_again=retries(trace.spans) > 0,
        finished=trace.summary.has_root and all(span.record.ended for span in trace.spans),
    )
    return outcome(signs)


def _parameters(call: StoredSpan | None, payloads: Payloads) -> dict[str, str] | None:
    sent = payloads.get(_key(call)) if call else None
    return {name: as_text(value) for name, value in (sent.parameters or {}).items()} if sent else None


def _documents(spans: Iterable[StoredSpan], payloads: Payloads) -> tuple[str, ...] | None:
    """The names of what was found, in order; None where no look-up was read."""
    read = [payloads[_key(span)] for span in spans if span.kind == "retrieval" and _key(span) in payloads]
    return _each(document_name(one) for sent in read for one in sent.documents or []) if read else None


def _key(span: StoredSpan) -> tuple[bytes, bytes]:
    return span.record.trace_id, span.span_id


def _each(said: Iterable[str | None]) -> tuple[str, ...]:
    """What was said, each once, in the order of first appearance."""
    return tuple(dict.fromkeys(one for one in said if one))
