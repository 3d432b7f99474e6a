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
# Of so many words in one tsquery each entry is tried with each; several queries of fewer are far quicker.
_WORDS_AT_ONCE: Final = 100
_MOST_WORDS: Final = 500  # where they cannot be divided among queries


@dataclass(frozen=True, slots=True)
class Text:
    """A condition on the text.

    `asked` is what the index is asked, `part` what is looked for among the words first, "" for nothing. `exact`: what
    the index answers need not be compared with the text.
    """

    needle: str
    pattern: re.Pattern[str]
    negated: bool
    asked: tuple[str, ...]
    part: str
    exact: bool

    def found_in(self, text: str) -> bool:
        """Whether it stands in a normalised text."""
        return self.needle in text and self.pattern.search(text) is not None

    def queries(self, holding: Holding, words_at_once: int) -> list[str]:
        """What the index is asked, as tsqueries of which one must hold; none where it cannot help."""
        if not self.part:
            return [" & ".join(self.asked)] if self.asked else []
        words = holding[self.part]
        if words is None:
            return [" & ".join(self.asked)] if self.asked and not self.exact else []
        listed = [quoted(word) for word in sorted(words)] or [NOTHING]
        groups = [listed[at : at + words_at_once] for at in range(0, len(listed), words_at_once)]
        return [" & ".join([*self.asked, f"({' | '.join(group)})"]) for group in groups]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the index is asked, as tsqueries of which one must hold (none: it cannot help), and what it leaves open."""

    queries: list[str]
    unanswered: list[Text]

    def within(self, project_id: int) -> tuple[str, dict[str, str]]:
        """The condition on the words of a project's entry, and its values."""
        project = quoted(facts.project_fact(project_id))
        queries = {f"query_{number}": f"{project} & {query}" for number, query in enumerate(self.queries)}
        return " OR ".join(f"words @@ %({name})s::tsquery" for name in queries) or "true", queries


@dataclass(slots=True)
class Plan:
    """What is sought: operands of a tsquery, texts, and SQL conditions on an entry `e` with their values."""

    asked: list[str] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def parts(self) -> set[str]:
        """The parts of words that are to be looked for."""
        return {text.part for text in self.texts if text.part}

    @property
    def is_exact(self) -> bool:
        """Whether the index answers all that is asked of words by itself, and no words are to be looked for first."""
        return all(text.exact and not text.part for text in self.texts)

    def ask(self, holding: Holding) -> Asked:
        """What the index is asked, and which texts are then to be compared with the text of each entry it finds."""
        everywhere, unanswered = list(self.asked), []
        divided: list[str] = []
        for text in sorted(self.texts, key=lambda text: -len(holding.get(text.part) or ())):
            queries = text.queries(holding, _MOST_WORDS)
            if not divided and not text.negated and len(queries) > 1:
                divided = text.queries(holding, _WORDS_AT_ONCE)
            elif len(queries) == 1 and (text.exact or not text.negated):
                everywhere.append(f"!({queries[0]})" if text.negated else f"({queries[0]})")
            else:
                unanswered.append(text)
                continue
            if not text.exact:
                unanswered.append(text)
        whole = " & ".join(everywhere)
        return Asked(
            [" & ".join(filter(None, [whole, one])) for one in divided] or ([whole] if whole else []), unanswered
        )


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
    part = ""
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
            part = token[0][:OVERLAP] if len(token[0]) >= _SHORTEST_PART else ""
        else:
            asked.append(quoted(token[0][:LONGEST]) + (":*" if open_right and len(token[0]) <= LONGEST else ""))
            exact &= len(token[0]) < LONGEST
    exact &= bool(asked or part)
    return Text(needle, _pattern(needle, term), term.negated, tuple(asked), part, exact)


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
    condition = f"e.{column} {_OPERATORS[term.compare]} %(amount_{number})s"
    plan.conditions.append(f"NOT coalesce({condition}, false)" if term.negated else condition)
    amount = term.amount
    # As a whole number it can be looked up in an index of whole numbers.
    plan.values[f"amount_{number}"] = int(amount) if amount is not None and amount == int(amount) else amount
