"""What happened in a trace, in words that support understands. Pure: from the spans alone.

The headline is the outcome for the customer; the story names the steps that made it so; badges say what to know
about the record itself.
"""

from dataclasses import dataclass, field

from llmobs.lib.templatetags.figures import duration_us as words_for
from traces.queries.spans import StoredSpan
from traces.queries.traces import Trace

_FAILURES = {
    "model_error": "the model's provider answered with an error",
    "rate_limited": "the provider refused it because of too many requests",
    "timeout": "it took too long",
    "context_length": "the text was too long for the model",
    "content_filter": "the provider's content filter stopped it",
    "parser_failed": "the answer could not be read",
    "retrieval_failed": "the look-up of documents failed",
    "tool_failed": "a tool failed",
    "guardrail_blocked": "a guardrail stopped it",
    "budget_blocked": "the budget was used up",
    "cancelled": "it was cancelled",
    "other": "a step failed",
}
_FALLBACKS = {
    "retry": "Answered after another try",
    "other_model": "Answered by another model",
    "cached": "Answered from a cache",
    "default_answer": "Answered with the default answer",
    "human": "Handed to a person",
}
_MOST_SENTENCES = 3


@dataclass(frozen=True, slots=True)
class Badge:
    """A thing to know about the record, with the tone of its ground and the sign before it."""

    tone: str
    text: str
    sign: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """The top of the page of a trace. `asked` and `answered` are None when nothing says them."""

    headline: str
    asked: str | None
    answered: str | None
    story: list[str] = field(default_factory=list)
    badges: list[Badge] = field(default_factory=list)


def account_of(trace: Trace) -> Account:
    """The account of a trace."""
    return Account(
        headline=_headline(trace),
        asked=trace.summary.asked,
        answered=None if _unanswered(trace) else trace.summary.answered,
        story=_story(trace.spans),
        badges=_badges(trace),
    )


def failure_words(span: StoredSpan) -> str:
    """Why a span failed, as the end of a sentence."""
    return _FAILURES.get(span.record.failure or "other", _FAILURES["other"])


def _headline(trace: Trace) -> str:
    failed = [span for span in trace.spans if span.failed]
    if _unanswered(trace):
        return f"No answer: {failure_words(_cause(failed))}"
    fallback = next((f for span in trace.spans if (f := span.record.fallback) in _FALLBACKS), None)
    if fallback:
        return _FALLBACKS[fallback] + _after(failed)
    if any(span.record.finish_reason == "content_filter" for span in trace.spans):
        return "Stopped by the provider's content filter"
    if any(span.record.refused for span in trace.spans):
        return "The model refused to answer"
    if not trace.complete:
        return "Not finished, as far as its spans tell"
    if failed:
        return f"Answered, though {failure_words(_cause(failed))}"
    if _retries(trace.spans):
        return "Answered after another try"
    return _plain_headline(trace)


def _plain_headline(trace: Trace) -> str:
    duration = trace.totals.duration_us
    took = f" in {words_for(duration)}" if duration is not None else ""
    models = list(dict.fromkeys(m for span in trace.spans if span.record.kind == "llm" and (m := _model(span))))
    if not models:
        return f"{trace.summary.name or 'Done'}, finished{took}"
    return f"Answered by {models[-1]}{took}"


def _unanswered(trace: Trace) -> bool:
    """Whether the customer got nothing: the root failed, or, while no root is there, the last call did."""
    roots = [span for span in trace.spans if span.parent_id is None]
    if roots:
        return any(root.failed for root in roots)
    calls = [span for span in trace.spans if span.record.kind == "llm"]
    return bool(calls) and max(calls, key=lambda span: span.happened_at).failed


def _cause(failed: list[StoredSpan]) -> StoredSpan:
    """The failure that tells most: one with a kind, deepest in time; wrappers only pass on what failed below them."""
    parents = {span.parent_id for span in failed}
    leaves = [span for span in failed if span.span_id not in parents] or failed
    return max(leaves, key=lambda span: (span.record.failure not in (None, "other"), span.happened_at))


def _after(failed: list[StoredSpan]) -> str:
    unreadable = sum(span.record.failure == "parser_failed" for span in failed)
    if unreadable:
        return f" after {_some(unreadable, 'unreadable answer', 'unreadable answers')}"
    calls = sum(span.record.kind == "llm" for span in failed)
    return f" after {_some(calls, 'failed call', 'failed calls')}" if calls else ""


def _story(spans: list[StoredSpan]) -> list[str]:
    """A sentence for each kind of trouble, in the order that it happened; equal ones are counted."""
    told: dict[tuple[str, str], int] = {}
    parents = {span.parent_id for span in spans if span.failed}
    for span in sorted(spans, key=lambda span: span.happened_at):
        if span.failed and span.span_id not in parents:
            who = _model(span) or span.record.name or span.record.kind
            told[who, failure_words(span)] = told.get((who, failure_words(span)), 0) + 1
    sentences = [f"{who} failed{_times(count)}: {why}." for (who, why), count in told.items()]
    if len(sentences) > _MOST_SENTENCES:
        more = len(sentences) - _MOST_SENTENCES
        sentences = [*sentences[:_MOST_SENTENCES], f"{_some(more, 'other step', 'other steps')} failed too."]
    other = next((span for span in spans if span.record.fallback == "other_model"), None)
    if other and _model(other):
        sentences.append(f"{_model(other)} then answered.")
    return sentences


def _badges(trace: Trace) -> list[Badge]:
    badges = []
    fallback = next((f for span in trace.spans if (f := span.record.fallback) in _FALLBACKS), None)
    if fallback:
        badges.append(Badge("warn", f"Fallback: {fallback.replace('_', ' ')}", "swap"))
    if retries := _retries(trace.spans):
        badges.append(Badge("warn", _some(retries, "retry", "retries"), "retry"))
    totals = trace.totals
    if totals.calls_without_price:
        badges.append(Badge("unknown", _some(totals.calls_without_price, "price unknown", "prices unknown")))
    if late := _late(trace.spans):
        badges.append(Badge("note", f"Received {late} late"))
    if any(span.record.cache_hit for span in trace.spans):
        badges.append(Badge("plain", "From a cache"))
    return badges


def _retries(spans: list[StoredSpan]) -> int:
    """Tries beyond the first: as told on one span, or as spans that carry the number of their try."""
    told = max((span.record.retries or 0 for span in spans), default=0)
    return max(told, sum((span.record.attempt or 1) > 1 for span in spans))


def _late(spans: list[StoredSpan]) -> str | None:
    """How long after its end the last span came in, when that is over five minutes."""
    delays = [
        (span.received_at - span.happened_at).total_seconds() * 1e6 - (span.record.duration_us or 0) for span in spans
    ]
    longest = round(max(delays, default=0))
    return words_for(longest) if longest > 300_000_000 else None


def _model(span: StoredSpan) -> str | None:
    return span.record.model_requested or span.record.model


def _times(count: int) -> str:
    return "" if count == 1 else " twice" if count == 2 else f" {count} times"


def _some(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
