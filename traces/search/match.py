"""From the conditions of a query line to what the index is asked, what SQL compares, and what is checked in the text.

The index answers single words, beginnings of words, pairs and facts by itself. Phrases, longer runs of Chinese and the
like are narrowed down by it and then compared with the text of each entry that is left. Parts of words are first
looked for among the words of the day. Pure.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from traces.search import facts, scored
from traces.search.grammar import Term
from traces.search.words import BEGINS, ENDS, LONGEST, OVERLAP, TOKEN, normalised, pairs

# What is compared in the entry's own columns.
COLUMNS: Final = {
    "latency": "duration_us",
    "cost": "cost_usd",
    "tokens": "tokens",
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "retries": "retries",
    "spans": "spans",
}
_OPERATORS: Final = {":": "=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_SHORTEST_PART: Final = 2  # characters; a single one stands in most words

# For each part of a word that is sought: the words that hold it, None where they are too many to ask for.
Holding = Mapping[str, set[str] | None]


@dataclass(frozen=True, slots=True)
class Text:
    """A condition on the text.

    `asked` is what the index is asked, `parts` what is looked for among the words first. `exact`: what the index
    answers need not be compared with the text.
    """

    needle: str
    pattern: re.Pattern[str]
    negated: bool
    asked: tuple[str, ...]
    parts: tuple[str, ...]
    exact: bool

    def found_in(self, text: str) -> bool:
        """Whether it stands in a normalised text."""
        return self.needle in text and self.pattern.search(text) is not None

    def query(self, holding: Holding) -> str | None:
        """What the index is asked, as a tsquery; None where it cannot help."""
        asked = list(self.asked)
        for part in self.parts:
            words = holding.get(part)
            if words is not None:
                asked.append(f"({' | '.join(map(quoted, sorted(words)))})" if words else NOTHING)
            elif self.exact:
                return None
        return " & ".join(asked) or None

    def is_answered(self, holding: Holding) -> bool:
        """Whether the index alone answers it."""
        return self.exact and all(holding.get(part) is not None for part in self.parts)


@dataclass(slots=True)
class Plan:
    """What is sought: operands of a tsquery, texts, and SQL conditions on an entry `e` with their values."""

    asked: list[str] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def parts(self) -> list[str]:
        """The parts of words that are to be looked for."""
        return sorted({part for text in self.texts for part in text.parts})

    def query(self, holding: Holding) -> str | None:
        """The tsquery for what the index can answer of it; None where that is nothing."""
        asked = list(self.asked)
        for text in self.texts:
            query = text.query(holding)
            if query is not None and (not text.negated or text.is_answered(holding)):
                asked.append(f"!({query})" if text.negated else f"({query})")
        return " & ".join(asked) or None

    def unanswered(self, holding: Holding) -> list[Text]:
        """What is to be compared with the text of each entry that the index finds."""
        return [text for text in self.texts if not text.is_answered(holding)]


def plan_of(terms: Sequence[Term]) -> Plan:
    """What is sought by conditions that must all hold."""
    plan = Plan()
    for number, term in enumerate(terms):
        if term.field is None:
            plan.texts.append(text_of(term))
        elif term.field in COLUMNS:
            _compare(plan, term, COLUMNS[term.field], number)
        elif term.field.startswith("score.") or (term.field, term.value) == ("has", "score"):
            condition, values = scored.condition(term, number)
            plan.conditions.append(condition)
            plan.values |= values
        else:
            plan.asked.append(("!" if term.negated else "") + _fact(term, term.field))
    return plan


def text_of(term: Term) -> Text:
    """A condition on the text, taken apart into what the index knows."""
    needle = normalised(term.sought)
    asked: list[str] = []
    parts: list[str] = []
    exact = True
    for token in TOKEN.finditer(needle):
        open_left = term.is_part and token.start() == 0
        open_right = (term.is_part or term.is_prefix) and token.end() == len(needle)
        exact &= token[0] == needle
        if token["run"]:
            asked += [quoted(needle[token.start()]) + ":*"] if len(token[0]) == 1 else _pairs(token[0])
            exact &= len(token[0]) <= 2
        elif open_left:
            exact &= open_right and _SHORTEST_PART <= len(token[0]) <= OVERLAP
            parts += [token[0][:OVERLAP]] if len(token[0]) >= _SHORTEST_PART else []
        else:
            asked.append(quoted(token[0][:LONGEST]) + (":*" if open_right and len(token[0]) <= LONGEST else ""))
            exact &= len(token[0]) < LONGEST
    exact &= bool(asked or parts)
    return Text(needle, _pattern(needle, term), term.negated, tuple(asked), tuple(parts), exact)


def quoted(lexeme: str) -> str:
    """A lexeme as a tsquery writes it."""
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


# An empty lexeme is not allowed; no entry has this one.
NOTHING: Final = quoted(":")


def _pairs(run: str) -> list[str]:
    return [quoted(pair) for pair in pairs(run) if len(pair) == 2]


def _pattern(needle: str, term: Term) -> re.Pattern[str]:
    """The needle where it does not begin or end inside a word, unless the condition says that it may."""
    pattern = re.escape(needle)
    first, last = TOKEN.match(needle), TOKEN.match(needle[-1:])
    if first and first["word"] and not term.is_part:
        pattern = BEGINS + pattern
    if last and last["word"] and not (term.is_part or term.is_prefix):
        pattern += ENDS
    return re.compile(pattern)


def _fact(term: Term, name: str) -> str:
    if term.is_prefix:
        return quoted(facts.beginning(name, term.sought)) + ":*"
    return quoted(facts.fact(name, term.sought))


def _compare(plan: Plan, term: Term, column: str, number: int) -> None:
    """What is unknown fulfils no comparison, and every negated one."""
    condition = f"coalesce(e.{column} {_OPERATORS[term.compare]} %(amount_{number})s, false)"
    plan.conditions.append(f"NOT {condition}" if term.negated else condition)
    plan.values[f"amount_{number}"] = term.amount
