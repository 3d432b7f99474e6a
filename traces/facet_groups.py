"""What the templates of the facets beside a list of traces are given. Pure but for the list's address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from llmobs.lib.templatetags.figures import count
from traces.search import facets, facts
from traces.search.asked import Asked
from traces.search.counting import Counted, Sure
from traces.search.grammar import Term, exactly
from traces.search.populations import MAIN, facet_of, without

SHOWN: Final = 8  # values of a facet; up to MOST stand behind "12 others"
MOST: Final = 40
_LONGEST_TITLE: Final = 1_000
# In their order on the page; the second is whether it is open, where no value of it is asked for.
_TITLES: Final = {
    "feature": ("Feature", True),
    "status": ("Status", True),
    "failure": ("Failure", True),
    "fallback": ("Stepped in", True),
    "prompt": ("Prompt", True),
    "model": ("Model", True),
    "provider": ("Provider", False),
    "release": ("Release", True),
    "env": ("Environment", False),
    "user": ("User", False),
    "tag": ("Tag", False),
}


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a facet. `url` asks for it, or no longer where it is `asked`; None: no line can hold it.

    `number` is in words, None where it was not counted. `share` is of all that were counted, 0 to 100.
    """

    text: str
    number: str | None
    share: int
    url: str | None
    not_url: str | None
    asked: bool = False
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """One facet. `further` values are shown on request; `unlisted` says how many more there are, None for none."""

    name: str
    title: str
    metadata: bool
    open: bool
    values: list[Value]
    further: list[Value]
    unlisted: str | None


@dataclass(frozen=True, slots=True)
class _Seen:
    fact: str
    text: str
    many: int


def number_words(number: int, sure: Sure) -> str:
    """A count as it is written: extrapolated ones with two digits, as nobody knows more of them."""
    if sure == "exactly":
        return count(number)
    rounded = round(number, 2 - len(str(number))) if number >= 100 else number
    return f"{'over' if sure == 'over' else 'about'} {count(rounded)}"


def groups(counted: Mapping[str, Counted], asked: Asked, keys: Sequence[str], here: str) -> list[Group]:
    """The facets that have a value, or of which one is asked for. `keys` are those of metadata that are facets."""
    names = [*_TITLES, *(f"{facets.METADATA}{key}" for key in keys)]
    found = [_group(name, counted, asked, here) for name in names]
    return [one for one in found if one.values]


def _group(name: str, counted: Mapping[str, Counted], asked: Asked, here: str) -> Group:
    own = counted.get(name.lower()) or counted.get(MAIN)
    seen = _seen(name, own.elements) if own else []
    wanted, unwanted = _asked_of(name, asked, negated=False), _asked_of(name, asked, negated=True)
    here_now = {one.fact: one for one in _seen(name, counted[MAIN].elements)} if MAIN in counted else {}
    values = [_asked_value(name, fact, term, counted, here_now, asked, here) for fact, term in wanted.items()]
    values += [_refused_value(name, fact, term, asked, here) for fact, term in unwanted.items()]
    others = [_value(name, one, own, asked, here) for one in seen if own and one.fact not in wanted.keys() | unwanted]
    first = max(SHOWN - len(values), 0)
    known = max(own.known.get(name, 0) if own else 0, len(seen))
    unlisted = known - len(values) - min(len(others), MOST)
    title, is_open = _TITLES.get(name, (name.removeprefix(facets.METADATA), False))
    return Group(
        name,
        title,
        name not in _TITLES,
        is_open or bool(values),
        values + others[:first],
        others[first:MOST],
        count(unlisted) if unlisted > 0 and len(others) > first else None,
    )


def _asked_of(name: str, asked: Asked, *, negated: bool) -> dict[str, Term]:
    """The conditions that ask a value of this facet, by the fact of the value."""
    terms = [term for term in asked.terms if facet_of(term) == name.lower() and term.negated is negated]
    return {facts.fact(name, term.sought): term for term in terms}


def _seen(name: str, elements: Mapping[str, int]) -> list[_Seen]:
    """The values of a facet, the commonest first, each as it was mostly sent."""
    start = facts.beginning(name, "")
    many: dict[str, int] = {}
    sent: dict[str, tuple[int, str]] = {}
    for element, number in elements.items():
        if not element.startswith(start):
            continue
        one = facets.read(element)
        if one.sent is None:
            many[one.fact] = number
        else:
            sent[one.fact] = max(sent.get(one.fact, (0, "")), (number, one.sent))
    texts = {fact: sent[fact][1] if fact in sent else fact.removeprefix(start) for fact in many}
    return sorted((_Seen(fact, texts[fact], number) for fact, number in many.items()), key=_rank)


def _rank(one: _Seen) -> tuple[int, str]:
    return -one.many, one.text


def _value(name: str, one: _Seen, own: Counted, asked: Asked, here: str) -> Value:
    """A value that may be asked for: in the place of the one that is, as its number is counted so."""
    number, share = number_words(one.many, own.sure), _share(one.many, own)
    term = exactly(name, one.text)
    if facts.fact(name, one.text) != one.fact:  # cut: only its beginning is known
        return Value(one.text, number, share, None, None)
    url = _url(asked, (*without(asked.terms, name.lower()), term), here)
    return Value(one.text, number, share, url, _url(asked, (*asked.terms, _negative(term)), here))


def _asked_value(  # noqa: PLR0913
    name: str, fact: str, term: Term, counted: Mapping[str, Counted], here_now: Mapping[str, _Seen], asked: Asked,
    here: str,
) -> Value:  # fmt: skip
    main = counted.get(MAIN)
    one = here_now.get(fact)
    others = tuple(kept for kept in asked.terms if kept != term)
    url, not_url = _url(asked, others, here), _url(asked, (*others, _negative(term)), here)
    text = one.text if one else term.sought
    if main is None:
        return Value(text, None, 0, url, not_url, asked=True)
    return Value(text, number_words(main.total, main.sure), _share(main.total, main), url, not_url, asked=True)


def _refused_value(name: str, fact: str, term: Term, asked: Asked, here: str) -> Value:
    url = _url(asked, tuple(kept for kept in asked.terms if kept != term), here)
    return Value(term.sought, None, 0, url, None, asked=True, negated=True)


def _negative(term: Term) -> Term:
    return Term(term.field, term.compare, term.value, negated=True, phrase=term.phrase)


def _share(many: int, own: Counted) -> int:
    return min(round(100 * many / own.total), 100) if own.total else 0


def _url(asked: Asked, terms: tuple[Term, ...], here: str) -> str:
    return f"{here}?{asked.with_terms(terms).query()}"
