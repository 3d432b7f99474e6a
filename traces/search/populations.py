"""Of which traces the values of each facet are counted: those that fulfil all conditions but the ones on it. Pure.

So beside `failure:parser_failed` stands how many timeouts there were, and not that none of these is one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from traces.search import facets, facts, match
from traces.search.grammar import Term

MAIN: Final = ""  # the facet that none of the conditions is left out for


def facet_of(term: Term) -> str | None:
    """The facet that a condition asks a value of; None for one that asks something else."""
    name = term.field or ""
    known = name in facets.FIELDS or name.startswith(facets.METADATA)
    return name.lower() if known and term.compare == ":" and not term.is_prefix else None


def own_facets(terms: Iterable[Term]) -> list[str]:
    """The facets that a value is asked of, so that their own values are counted without that."""
    return list(dict.fromkeys(name for term in terms if not term.negated and (name := facet_of(term))))


def without(terms: Sequence[Term], name: str) -> list[Term]:
    """The conditions without those that ask a value of this facet."""
    return [term for term in terms if term.negated or facet_of(term) != name or name == MAIN]


@dataclass(frozen=True, slots=True)
class RowTest:
    """All conditions as SQL on an entry `e`: what any of the populations must fulfil, and the mask of the rest.

    A bit of the mask stands for each of `own`. `texts`: texts must be compared too, which no SQL does.
    """

    conditions: str
    mask: str
    own: list[str]
    values: dict[str, Any]
    reads_words: bool
    texts: bool

    def mask_of(self, name: str) -> set[int]:
        """The masks of the rows that the population without the conditions on `name` counts."""
        full = (1 << len(self.own)) - 1
        return {full} if name == MAIN else {full, full & ~(1 << self.own.index(name))}


def row_test(terms: Sequence[Term]) -> RowTest:
    """How single entries are tried. Parts of words and phrases cannot be."""
    own = own_facets(terms)
    values: dict[str, Any] = {}
    base: list[str] = []
    bits: dict[str, list[str]] = {name: [] for name in own}
    others: list[Term] = []
    for number, term in enumerate(terms):
        name = facet_of(term)
        if name is None or (name == "prompt" and "@" not in term.value):  # counted with its version alone
            others.append(term)
            continue
        values[f"fact_{number}"] = [facts.fact(name, term.sought)]
        condition = f"coalesce(e.facets @> %(fact_{number})s::text[], false)"
        (base if term.negated else bits[name]).append(f"NOT {condition}" if term.negated else condition)
    plan = match.plan_of(without_all(others, bits))
    asked = plan.ask(dict.fromkeys(plan.parts))
    for name in own:
        bits[name] += [_words_test(term, values) for term in others if facet_of(term) == name and not term.negated]
    words = [f"e.words @@ %(words_{number})s::tsquery" for number, _ in enumerate(asked.queries)]
    values |= {f"words_{number}": query for number, query in enumerate(asked.queries)} | plan.values
    conditions = [*base, *plan.conditions, *([f"({' OR '.join(words)})"] if words else [])]
    mask = " + ".join(
        f"CASE WHEN {' AND '.join(tests)} THEN {1 << place} ELSE 0 END" for place, tests in enumerate(bits.values())
    )
    texts = bool(plan.parts or asked.unanswered)
    reads_words = bool(words) or any(facet_of(term) for term in others)
    return RowTest(" AND ".join(conditions) or "true", mask or "0", own, values, reads_words, texts)


def without_all(terms: Sequence[Term], names: Iterable[str]) -> list[Term]:
    """The conditions without those that ask a value of one of these facets."""
    return [term for term in terms if term.negated or facet_of(term) not in set(names)]


def _words_test(term: Term, values: dict[str, Any]) -> str:
    name = f"own_{len(values)}"
    (values[name],) = match.plan_of([term]).asked
    return f"e.words @@ %({name})s::tsquery"
