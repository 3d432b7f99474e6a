"""Facts of two traces, or of two steps, side by side: those that differ first. Pure.

Whether two values differ is said of what is shown of them: nobody is helped by 1.2 s beside 1.2 s.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from llmobs.lib.templatetags import figures
from traces.ratios import dearer, longer
from traces.sentences import visible
from traces.sides import Side

_LONGEST: Final = 400  # characters of a value
_MOST_LISTED: Final = 12  # of the values of one fact


@dataclass(frozen=True, slots=True)
class Value:
    """What one side says. `known` is false where `text` is the word for what is not known; `full` is all of it."""

    text: str
    known: bool = True
    full: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the table. `change` says how the second stands to the first, '' where nothing more can be said."""

    name: str
    a: Value
    b: Value
    change: str = ""
    machine: bool = False  # a text that machines wrote, to be set like code

    @property
    def differs(self) -> bool:
        return (self.a.text, self.a.full) != (self.b.text, self.b.full)


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of two things, told apart."""

    different: list[Fact]
    same: list[Fact]


def sorted_out(facts: Iterable[Fact]) -> Facts:
    """The facts that differ, and those that do not; what neither side knows is left out."""
    told = [fact for fact in facts if fact.a.known or fact.b.known]
    return Facts([fact for fact in told if fact.differs], [fact for fact in told if not fact.differs])


def of_traces(a: Side, b: Side) -> Facts:
    """The facts of two traces."""
    return sorted_out([*_course(a, b), *_versions(a, b), *_made_of(a, b), *_amounts(a, b), *_found(a, b)])


def fact(name: str, a: str | None, b: str | None, unknown: str = "not sent", *, machine: bool = False) -> Fact:
    """A fact of two texts of senders, None where one was not sent."""
    return Fact(name, text(a, unknown), text(b, unknown), machine=machine)


def text(said: str | None, unknown: str = "not sent") -> Value:
    """A sender's text: at most so much of it, with what is invisible made visible."""
    if said is None or not said.strip():
        return Value(unknown, known=False)
    seen = visible(said[: _LONGEST + 1])
    return Value(seen) if len(said) <= _LONGEST else Value(seen[: _LONGEST - 1] + "…", full=said[: 10 * _LONGEST])


def duration(name: str, a: int | None, b: int | None, unknown: str) -> Fact:
    """A fact of two lengths in microseconds."""
    one, other = (Value(unknown, known=False) if us is None else Value(figures.duration_us(us)) for us in (a, b))
    return Fact(name, one, other, longer(a, b))


def number(name: str, a: int | None, b: int | None, unknown: str = "not sent") -> Fact:
    """A fact of two counts."""
    one, other = (Value(unknown, known=False) if said is None else Value(figures.count(said)) for said in (a, b))
    change = "" if a is None or b is None or a == b else f"{'+' if b > a else '−'}{figures.count(abs(b - a))}"
    return Fact(name, one, other, change)


def cost(name: str, a: tuple[Decimal | None, int, int], b: tuple[Decimal | None, int, int]) -> Fact:
    """A fact of two costs, each with the calls that have no price, and all calls."""
    known = [one[0] if not one[1] else None for one in (a, b)]
    return Fact(name, _money(*a), _money(*b), dearer(*known))


def by_name(
    a: Mapping[str, str] | None, b: Mapping[str, str] | None, unknown: str, named: Callable[[str], str] = str
) -> Iterator[Fact]:
    """A fact for each name that either side has; `unknown` is said where the other has none."""
    for name in dict.fromkeys([*(a or {}), *(b or {})]):
        yield fact(named(visible(name[:80])), (a or {}).get(name), (b or {}).get(name), unknown, machine=True)


def _course(a: Side, b: Side) -> Iterator[Fact]:
    yield Fact(
        "When",
        Value(a.happened_at.isoformat(), at=a.happened_at),
        Value(b.happened_at.isoformat(), at=b.happened_at),
        _since(a, b),
    )
    yield Fact("Outcome", Value(a.outcome, full=a.why), Value(b.outcome, full=b.why))
    yield fact("Fallback", a.fallback or "none", b.fallback or "none")
    yield fact("Feature", a.feature, b.feature)
    yield fact("User", a.user, b.user)
    yield fact("Asked", a.asked, b.asked)
    yield fact("Answered", a.answered, b.answered, "no answer sent")


def _versions(a: Side, b: Side) -> Iterator[Fact]:
    for part, name in dict.fromkeys([*a.versions, *b.versions]):
        label = f"{part.capitalize()} {visible(name[:80])}".strip()
        yield fact(label, a.versions.get((part, name)), b.versions.get((part, name)), "not used")
    yield fact("Models", _listed(a.models), _listed(b.models), "none called")
    if a.responded != a.models or b.responded != b.models:
        yield fact("Answered by", _listed(a.responded), _listed(b.responded))
    yield fact("Release", _listed(a.releases), _listed(b.releases))
    yield fact("Environment", _listed(a.environments), _listed(b.environments))
    if a.parameters is not None and b.parameters is not None:
        yield from by_name(a.parameters, b.parameters, "not set")


def _made_of(a: Side, b: Side) -> Iterator[Fact]:
    yield number("Steps", a.steps, b.steps)
    yield number("Failed steps", a.failed_steps, b.failed_steps)
    yield number("Model calls", a.calls, b.calls)
    yield number("Retries", a.retries, b.retries)


def _amounts(a: Side, b: Side) -> Iterator[Fact]:
    yield duration("Took", a.duration_us, b.duration_us, "not ended")
    yield duration("First token after", a.first_token_us, b.first_token_us, "not sent")
    none = "no calls" if not (a.calls or b.calls) else "not sent"
    yield number("Tokens in", a.input_tokens, b.input_tokens, none)
    yield number("Of them cached", a.cached_tokens, b.cached_tokens, none)
    yield number("Tokens out", a.output_tokens, b.output_tokens, none)
    yield cost("Cost", (a.cost_usd, a.calls_without_price, a.calls), (b.cost_usd, b.calls_without_price, b.calls))


def _found(a: Side, b: Side) -> Iterator[Fact]:
    if a.documents is not None or b.documents is not None:
        yield fact("Documents", _names(a.documents), _names(b.documents), "no look-up")
    yield from by_name(_by_name(a.scores), _by_name(b.scores), "not scored", lambda name: f"Score {name}")


def _names(documents: tuple[str, ...] | None) -> str | None:
    return None if documents is None else _listed(documents) or "none"


def _money(usd: Decimal | None, without_price: int, calls: int) -> Value:
    if usd is None:
        return Value("no calls" if not calls else "unknown", known=False)
    return Value((figures.at_least if without_price else figures.money)(usd), full=f"${usd}")


def _since(a: Side, b: Side) -> str:
    """How long the second began after the first."""
    length = (b.happened_at - a.happened_at).total_seconds()
    words = figures.duration_us(round(abs(length) * 1_000_000))
    return f"{words} later" if length > 0 else f"{words} earlier" if length < 0 else ""


def _by_name(scores: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Scores by their name; several of one are listed together, the latest first."""
    found: dict[str, list[str]] = {}
    for name, words in scores:
        found.setdefault(name, []).append(words)
    return {name: _listed(several) or "" for name, several in found.items()}


def _listed(several: Iterable[str]) -> str | None:
    """Several values in one line; None without any."""
    all_ = list(several)
    more = [f"{len(all_) - _MOST_LISTED} more"] if len(all_) > _MOST_LISTED else []
    return ", ".join([*all_[:_MOST_LISTED], *more]) or None
