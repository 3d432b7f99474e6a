"""What went wrong in a trace, where and why, and what was done about it, in sentences. Pure: from the spans alone."""

from collections.abc import Iterable, Sequence
from operator import attrgetter

from traces.queries.spans import StoredSpan
from traces.sentences import Piece, Sentence, listed, name, quoted, say

# Why a step failed: as the end of a sentence, and as what is said of the step by its name.
_WHY = {
    "model_error": ("the model's provider answered with an error", "answered with an error"),
    "rate_limited": ("the provider refused it because of too many requests", "had too many requests and refused"),
    "timeout": ("it took too long", "took too long"),
    "context_length": ("the text was too long for the model", "was given more text than it can take"),
    "content_filter": ("the provider's content filter stopped it", "was stopped by its provider's content filter"),
    "parser_failed": ("the answer could not be read", "could not read the model's answer"),
    "retrieval_failed": ("the look-up of documents failed", "did not work"),
    "tool_failed": ("a tool failed", "did not work"),
    "guardrail_blocked": ("a check stopped it", "stopped the request"),
    "budget_blocked": ("the budget was used up", "was stopped because its budget was used up"),
    "cancelled": ("it was cancelled", "was cancelled"),
    "other": ("a step failed", "failed"),
}
_WHO = {
    **dict.fromkeys(("llm", "embedding", "rerank"), "The model {}"),
    "retrieval": "The look-up “{}”",
    "tool": "The tool {}",
    "parser": "The reader {}",
    "guardrail": "The check “{}”",
    "evaluator": "The check “{}”",
}
FALLBACKS = {
    "retry": "Answered after another try",
    "other_model": "Answered by another model",
    "cached": "Answered from a cache",
    "default_answer": "Answered with the default answer",
    "human": "Handed to a person",
}
_DONE = {
    "cached": "An answer that was kept from before was given instead.",
    "default_answer": "The answer that is kept for such cases was given instead.",
    "human": "The request was handed to a person.",
}
_MOST_SENTENCES = 3
_MOST_VERSIONS = 8
PARTS = ("prompt", "template", "retriever", "parser", "tool")
_TOLD = {part: attrgetter(f"{part}_name", f"{part}_version") for part in PARTS}


def failure_words(span: StoredSpan) -> str:
    """Why a span failed, as the end of a sentence."""
    return _WHY.get(span.record.failure or "other", _WHY["other"])[0]


def model_of(span: StoredSpan) -> str | None:
    """The model that was asked."""
    return span.record.model_requested or span.record.model


def fallback_of(spans: Iterable[StoredSpan]) -> StoredSpan | None:
    """The first span that says what was done instead."""
    return next((span for span in spans if span.record.fallback in FALLBACKS), None)


def retries(spans: Iterable[StoredSpan]) -> int:
    """Tries beyond the first: as told on one span, or as spans that carry the number of their try."""
    told = again = 0
    for span in spans:
        record = span.record
        told = max(told, record.retries) if record.retries else told
        again += 1 if record.attempt and record.attempt > 1 else 0
    return max(told, again)


def causes(spans: Sequence[StoredSpan]) -> list[StoredSpan]:
    """The spans that failed by themselves, in the order they began; wrappers only pass on what failed below them."""
    failed = [span for span in spans if span.failed]
    below: dict[tuple[bytes, bytes | None], set[str | None]] = {}
    for span in failed:
        below.setdefault((span.record.trace_id, span.parent_id), set()).add(span.record.failure)
    own = [span for span in failed if _is_own(span, below.get((span.record.trace_id, span.span_id)))]
    return sorted(own or failed, key=lambda span: span.happened_us)


def _is_own(span: StoredSpan, below: set[str | None] | None) -> bool:
    return below is None or span.record.failure not in {None, "other", *below}


def main_cause(spans: Sequence[StoredSpan]) -> StoredSpan:
    """The failure that tells most: a root's own, else one with a kind, the latest of them. Something has failed."""
    return max(
        causes(spans),
        key=lambda span: (span.parent_id is None, span.record.failure not in (None, "other"), span.happened_at),
    )


def troubles(spans: Sequence[StoredSpan]) -> list[Sentence]:
    """A sentence for each kind of trouble, in the order that it happened; equal ones are counted."""
    told: dict[tuple[str, str], list[StoredSpan]] = {}
    for span in causes(spans) if any(span.failed for span in spans) else []:
        told.setdefault((_named(span), span.record.failure or "other"), []).append(span)
    sentences = [_trouble(group) for group in list(told.values())[:_MOST_SENTENCES]]
    if more := len(told) - len(sentences):
        sentences.append(say(f"{some(more, 'other step', 'other steps')} failed too."))
    return sentences


def _trouble(group: list[StoredSpan]) -> Sentence:
    first = group[0]
    said = _WHY.get(first.record.failure or "other", _WHY["other"])[1]
    words = f"{_WHO.get(first.kind, 'The step “{}”')} {said}{_times(len(group))}"
    if first.kind in ("llm", "agent", "chain") and first.record.failure == "parser_failed":
        words = f"What {{}} answered could not be read{_times(len(group))}"
    step = name(_named(first), span=first.address)
    message = next((span.record.status_message for span in reversed(group) if span.record.status_message), None)
    if message and message.strip():
        return say(f"{words}. It said: “{{}}”.", step, quoted(message))
    return say(f"{words}.", step)


def remedies(spans: Sequence[StoredSpan]) -> list[Sentence]:
    """What was done about it: tried again, answered by something else."""
    sentences = []
    if again := retries(spans):
        sentences.append(say(f"It was tried again{_times(again) or ' once'}."))
    other = fallback_of(spans)
    if other is None:
        return sentences
    if other.record.fallback in _DONE:
        sentences.append(say(_DONE[other.record.fallback]))
    elif other.record.fallback == "other_model":
        model = model_of(other)
        who = name(model, span=other.address) if model else "Another model"
        sentences.append(say("{} answered instead.", who))
    return sentences


def versions(spans: Sequence[StoredSpan]) -> Sentence | None:
    """Which versions of its parts were live, in one sentence; None where none was told."""
    releases = dict.fromkeys(span.record.release for span in spans if span.record.release)
    found = [name(f"release {release}") for release in releases]
    found += [name(" ".join((part, *words))) for part, words in live(spans)]
    if not found:
        return None
    if len(found) > _MOST_VERSIONS:
        found = [*found[:_MOST_VERSIONS], Piece(f"{len(found) - _MOST_VERSIONS} more")]
    return (Piece("It ran with "), *listed(found), Piece("."))


def live(spans: Iterable[StoredSpan]) -> list[tuple[str, tuple[str, ...]]]:
    """(part, its name and version as far as they were told), each once, in the order of PARTS."""
    records = [span.record for span in spans]
    found = (
        (part, tuple(filter(None, pair)))
        for part, told in _TOLD.items()
        for pair in dict.fromkeys(map(told, records))  # few, however many spans
        if pair[1]
    )
    return list(dict.fromkeys(found))


def _named(span: StoredSpan) -> str:
    """What a step is called: a model by its name, a tool or reader by its own, all others by their step's."""
    record = span.record
    if record.kind in ("llm", "embedding", "rerank"):
        return model_of(span) or record.name or record.kind
    own = {"tool": record.tool_name, "parser": record.parser_name, "retrieval": record.retriever_name}.get(record.kind)
    return own or record.name or record.kind


def _times(count: int) -> str:
    return "" if count == 1 else " twice" if count == 2 else f" {count} times"


def some(count: int, one: str, many: str) -> str:
    """`1 retry`, `2 retries`."""
    return f"{count:,} {one if count == 1 else many}"
