"""What happened in a trace, in words that support understands. Pure: from the spans, and what is known beside them.

The headline is the outcome for the customer; the story names the steps that made it so, with what was done about it;
the amounts stand against what is usual; badges say what to know about the record itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from llmobs.lib.templatetags.figures import duration_us as words_for
from traces.badges import Badge, Cuts, Refused, badges
from traces.notes import complete
from traces.queries.spans import StoredSpan
from traces.queries.traces import Trace
from traces.sentences import Piece, Sentence, moment, name, say, visible
from traces.story import (
    FALLBACKS,
    failure_words,
    fallback_of,
    main_cause,
    model_of,
    remedies,
    retries,
    some,
    troubles,
    versions,
)
from traces.usual import Usual, amounts

# A trace without a model's answer is told by what it did.
_DID = {
    "embedding": "A text was made ready for a search",
    "retrieval": "Documents were looked up",
    "rerank": "Found documents were put in order",
    "guardrail": "A check was passed",
}


@dataclass(frozen=True, slots=True)
class Beside:
    """What is known of a trace but does not stand in its hot rows."""

    usual: Usual | None = None
    cuts: Cuts = field(default_factory=Cuts)
    refused: tuple[Refused, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """The top of the page of a trace. `asked` and `answered` are None when nothing says them.

    `nothing` says what the customer got where there is no answer to show. `has_gaps`: the record lacks something.
    """

    headline: Sentence
    lead: Sentence
    asked: str | None
    answered: str | None
    nothing: str | None
    story: list[Sentence] = field(default_factory=list)
    amounts: list[Sentence] = field(default_factory=list)
    badges: list[Badge] = field(default_factory=list)
    has_gaps: bool = False


def account_of(trace: Trace, now: datetime, beside: Beside | None = None) -> Account:
    """The account of a trace, as of `now`."""
    beside = beside or Beside()
    spans, notes = trace.spans, trace.notes
    whole = complete(notes)
    failed = _unanswered(spans)
    answered = None if failed else trace.summary.answered
    marks = badges(spans, notes, beside.cuts, beside.refused)
    ran = versions(spans)
    return Account(
        headline=_headline(trace, whole),
        lead=_lead(trace, now),
        asked=visible(trace.summary.asked or "") or None,
        answered=visible(answered or "") or None,
        nothing=None if answered else _nothing(failed, whole, spans),
        story=[*troubles(spans), *remedies(spans)],
        amounts=[*amounts(trace.totals, beside.usual), *([ran] if ran else [])],
        badges=marks,
        has_gaps=any(one.is_gap for one in marks),
    )


def _headline(trace: Trace, whole: bool) -> Sentence:
    spans = trace.spans
    failed = [span for span in spans if span.failed]
    if _unanswered(spans):
        return say(f"No answer: {failure_words(main_cause(failed))}")
    if span := fallback_of(spans):
        return say(FALLBACKS[span.record.fallback or ""] + _after(failed))
    if any(span.record.finish_reason == "content_filter" for span in spans):
        return say("Stopped by the provider's content filter")
    if any(span.record.refused for span in spans):
        return say("The model refused to answer")
    if not whole:
        return say("Not finished, as far as its spans tell")
    if failed:
        return say(f"Answered, though {failure_words(main_cause(failed))}")
    if retries(spans):
        return say("Answered after another try")
    return _plain_headline(trace)


def _plain_headline(trace: Trace) -> Sentence:
    duration = trace.totals.duration_us
    took = f" in {words_for(duration)}" if duration is not None else ""
    models = [model for span in trace.spans if span.kind == "llm" and (model := model_of(span))]
    if models:
        return say(f"Answered by {{}}{took}", name(models[-1]))
    kinds = {span.kind for span in trace.spans}
    if len(kinds) == 1 and (did := _DID.get(kinds.pop())):
        return say(did + took)
    if trace.spans[0].kind == "tool" and len(trace.spans) == 1:
        return say(f"The tool {{}} ran{took}", name(trace.spans[0].record.tool_name or trace.summary.name or "no name"))
    return say(f"{{}}, finished{took}", name(trace.summary.name or "Done"))


def _lead(trace: Trace, now: datetime) -> Sentence:
    """When, who and which feature."""
    summary = trace.summary
    at = moment(summary.happened_at, now)
    feature = name(summary.feature) if summary.feature else name(summary.service) if summary.service else None
    who: Piece | str = name(summary.user_id) if summary.user_id else "Somebody"
    if not summary.asked:
        return say("{} ran {}.", feature or "Something without a name", at)
    if feature:
        return say("{} asked {} {}.", who, feature, at)
    return say("{} asked {}, and no service named itself.", who, at)


def _nothing(failed: bool, whole: bool, spans: Sequence[StoredSpan]) -> str | None:
    """What the customer got where no answer is known; None where nobody waits for one."""
    if failed:
        return "no answer"
    if any(span.record.fallback == "human" for span in spans):
        return "the answer of a person, which is not in this record"
    if not whole:
        return "not known: not all steps have come"
    return "not sent with the trace" if any(span.kind == "llm" for span in spans) else None


def _unanswered(spans: Sequence[StoredSpan]) -> bool:
    """Whether the customer got nothing: the root failed, or, while no root is there, the last call did."""
    roots = [span for span in spans if span.record.is_root]
    if roots:
        return any(root.failed for root in roots)
    calls = [span for span in spans if span.kind == "llm"]
    return bool(calls) and max(calls, key=lambda span: span.happened_at).failed


def _after(failed: Sequence[StoredSpan]) -> str:
    unreadable = sum(span.record.failure == "parser_failed" and span.kind != "chain" for span in failed)
    if unreadable:
        return f" after {some(unreadable, 'unreadable answer', 'unreadable answers')}"
    calls = sum(span.kind == "llm" for span in failed)
    return f" after {some(calls, 'failed call', 'failed calls')}" if calls else ""
