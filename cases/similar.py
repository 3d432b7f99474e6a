"""Which failures count as similar to those of a case: a query line, made of what its traces share. Pure."""

from collections.abc import Iterable, Sequence
from typing import Final

from traces.queries.spans import StoredSpan
from traces.records import MODEL_KINDS
from traces.search.grammar import LONGEST, QueryError, Term, exactly, line_of, parse
from traces.story import causes, main_cause

Fact = tuple[str, str]  # a field of the query language, and a value

# In the order of the line. What went wrong comes from TROUBLES alone.
ORDER: Final = ("feature", "failure", "fallback", "has", "parser", "tool", "retriever", "prompt", "model")
TROUBLES: Final = ("failure", "fallback", "has")
# As the end of "A request of …": what went wrong, by the failure's name.
FAILED: Final = {
    "model_error": "the model's provider answered with an error",
    "rate_limited": "the provider refused because of too many requests",
    "timeout": "a step took too long",
    "context_length": "the text was too long for the model",
    "content_filter": "the provider's content filter stopped it",
    "parser_failed": "the answer could not be read",
    "retrieval_failed": "the look-up of documents failed",
    "tool_failed": "a tool failed",
    "guardrail_blocked": "a check stopped it",
    "budget_blocked": "the budget was used up",
    "cancelled": "it was cancelled",
    "other": "a step failed",
}
_FELL_BACK: Final = {
    "retry": "another try was needed",
    "other_model": "another model answered",
    "cached": "an old answer was given",
    "default_answer": "the default answer was given",
    "human": "it was handed to a person",
}
_HAS: Final = {"error": "a step failed", "refusal": "the model refused"}
_PARTS: Final = ("parser", "tool", "retriever")


def line_from(traces: Iterable[Sequence[StoredSpan]]) -> str:
    """The line that all these traces fulfil and that says what went wrong; "" where nothing failed in one of them."""
    told = [facts_of(spans) for spans in traces]
    if not told:
        return ""
    shared = set.intersection(*told)
    if not any(name in TROUBLES for name, _ in shared):
        if not all(any(name == "failure" for name, _ in facts) for facts in told):
            return ""
        shared.add(("has", "error"))
    terms: list[Term] = []
    for name, value in sorted(shared, key=lambda fact: (ORDER.index(fact[0]), fact[1])):
        longer = [*terms, exactly(name, value)]
        if all(term.field != name for term in terms) and len(line_of(longer)) <= LONGEST:
            terms = longer
    return line_of(terms)


def facts_of(spans: Sequence[StoredSpan]) -> set[Fact]:
    """What tells how this trace failed and where, as conditions that it fulfils."""
    records = [span.record for span in spans]
    found: set[tuple[str, str | None]] = {("feature", record.feature) for record in records}
    if not any(record.feature for record in records):
        found |= {("feature", record.service) for record in records}
    found |= {("prompt", record.prompt_name) for record in records}
    if any(span.failed for span in spans):
        found |= _cause(spans)
    else:
        found |= {("fallback", one.fallback) for one in records if one.fallback not in (None, "none")}
        found |= {("has", "refusal") for record in records if record.refused}
    return {(name, value) for name, value in found if value and value.strip()}


def terms_of(line: str) -> tuple[Term, ...]:
    """The conditions of a case's line; none for an empty one, and for one that is no longer understood."""
    try:
        return parse(line)
    except QueryError:
        return ()


def words_of(line: str) -> str:
    """The line as a sentence without its full stop; what has no words of its own stays as it is written."""
    terms = terms_of(line)
    of = "".join(f" of {term.value}" for term in terms if _plain(term, "feature"))
    went = [said for term in terms if (said := _trouble(term))]
    with_ = [f"{term.field} {term.value}" for term in terms if _part(term)]
    rest = [line_of([term]) for term in terms if not (_plain(term, "feature") or _trouble(term) or _part(term))]
    said = f"A request{of}" + (f" in which {' and '.join(went)}" if went else "")
    if with_:
        said += f", with {' and '.join(with_)}"
    return said + (f", and {' '.join(rest)}" if rest else "")


def headline_of(line: str) -> str:
    """What went wrong, as a title: `refund: the answer could not be read`; "" where the line does not say it."""
    terms = terms_of(line)
    went = next((said for term in terms if (said := _trouble(term))), "")
    of = next((term.value for term in terms if _plain(term, "feature")), "")
    if not went:
        return ""
    return f"{of}: {went}" if of else went[:1].upper() + went[1:]


def _cause(spans: Sequence[StoredSpan]) -> set[tuple[str, str | None]]:
    """What failed first of all, and the parts of the step that did."""
    cause = main_cause(spans).record
    found: set[tuple[str, str | None]] = {("failure", cause.failure or "other")}
    if cause.failure is None:
        found = {("has", "error")}
    parts = [span.record for span in causes(spans) if span.record.failure == cause.failure]
    found |= {(part, getattr(record, f"{part}_name")) for record in parts for part in _PARTS}
    found |= {("model", record.model_requested or record.model) for record in parts if record.kind in MODEL_KINDS}
    return found


def _plain(term: Term, field: str) -> bool:
    return term.field == field and not term.negated and term.compare == ":" and not term.is_prefix


def _trouble(term: Term) -> str:
    if term.negated or term.compare != ":":
        return ""
    return {"failure": FAILED, "fallback": _FELL_BACK, "has": _HAS}.get(term.field or "", {}).get(term.value, "")


def _part(term: Term) -> bool:
    return any(_plain(term, field) for field in (*_PARTS, "prompt", "model"))
