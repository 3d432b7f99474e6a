"""What the templates of the facets beside a list of traces are given. Pure but for the list's address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote_plus

from llmobs.lib.templatetags.figures import count
from traces.search import facets, facts
from traces.search.asked import Asked
from traces.search.counting import Counted, Sure
from traces.search.grammar import Term, exactly, line_of
from traces.search.populations import MAIN, facet_of, without

SHOWN: Final = 8  # values of a facet; up to MOST stand behind "12 more"
MOST: Final = 30
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
    """One value of a facet. `url` asks for it, or no longer where it is asked for; None: no line can hold it.

    `number` is in words, None where it was not counted. `share` is of all that were counted, 0 to 100.
    """

    text: str
    number: str | None
    share: int
    url: str | None
    not_url: str | None
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """One facet. `asked` are the values that conditions ask for or refuse, `values` the commonest of the others.

    `further` ones are shown on request; `unlisted` says how many more there are at least, None for none.
    """

    name: str
    title: str
    metadata: bool
    open: bool
    asked: list[Value]
    values: list[Value]
    further: list[Value]
    unlisted: str | None


@dataclass(frozen=True, slots=True)
class _Seen:
    fact: str
    text: str
    many: int


@dataclass(frozen=True, slots=True)
class _Links:
    """The addresses of lists with other conditions, of which a page has hundreds: what they share is encoded once.

    `kept` are the conditions beside those that ask a value of the facet at hand, `line` are all of them; these and
    what is given are encoded.
    """

    here: str
    rest: str
    line: str
    kept: str = ""

    def to(self, *conditions: str) -> str:
        line = "+".join(filter(None, conditions))
        return f"{self.here}?q={line}&{self.rest}" if line else f"{self.here}?{self.rest}"

    def only(self, condition: str) -> str:
        """Asks for this value in the place of the one that is asked for."""
        return self.to(self.kept, condition)

    def without(self, condition: str) -> str:
        """Asks for all but this value, of what is listed now."""
        return self.to(self.line, f"-{condition}")


def _encoded(terms: Sequence[Term]) -> str:
    return quote_plus(line_of(terms))


def number_words(number: int, sure: Sure) -> str:
    """A count as it is written: extrapolated ones with two digits, as nobody knows more of them."""
    if sure == "exactly":
        return count(number)
    rounded = round(number, 2 - len(str(number))) if number >= 100 else number
    return f"{'over' if sure == 'over' else 'about'} {count(rounded)}"


def groups(counted: Mapping[str, Counted], asked: Asked, keys: Sequence[str], here: str) -> list[Group]:
    """The facets that have a value, or of which one is asked for. `keys` are those of metadata that are facets."""
    names = [*_TITLES, *(f"{facets.METADATA}{key}" for key in keys)]
    links = _Links(here, asked.with_terms(()).query(), _encoded(asked.terms))
    found = [_group(name, counted, asked.terms, links) for name in names]
    return [one for one in found if one.asked or one.values]


def _group(name: str, counted: Mapping[str, Counted], terms: Sequence[Term], links: _Links) -> Group:
    own = counted.get(name.lower()) or counted.get(MAIN)
    seen = _seen(name, own.elements) if own else []
    mine = {facts.fact(name, term.sought): term for term in terms if facet_of(term) == name.lower()}
    texts = {one.fact: one.text for one in seen}
    asked = [_asked(term, texts.get(fact, term.sought), counted.get(MAIN), terms, links) for fact, term in mine.items()]
    here = replace(links, kept=_encoded(without(terms, name.lower())))
    others = [_value(name, one, own, here) for one in [one for one in seen if one.fact not in mine][:MOST] if own]
    first = max(SHOWN - len(asked), 0)
    known = max(own.known.get(name, 0) if own else 0, len(seen))
    unlisted = known - len(mine.keys() & texts) - len(others)
    title, is_open = _TITLES.get(name, (name.removeprefix(facets.METADATA), False))
    return Group(
        name,
        title,
        name not in _TITLES,
        is_open or bool(asked),
        asked,
        others[:first],
        others[first:],
        count(unlisted) if unlisted > 0 else None,
    )


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


def _value(name: str, one: _Seen, own: Counted, links: _Links) -> Value:
    """A value that may be asked for: in the place of the one that is, as its number is counted so."""
    number, share = number_words(one.many, own.sure), _share(one.many, own)
    if facts.fact(name, one.text) != one.fact:  # cut: only its beginning is known
        return Value(one.text, number, share, None, None)
    condition = _encoded([exactly(name, one.text)])
    return Value(one.text, number, share, links.only(condition), links.without(condition))


def _asked(term: Term, text: str, main: Counted | None, terms: Sequence[Term], links: _Links) -> Value:
    """A value that a condition asks for or refuses, which its link takes back."""
    others = [kept for kept in terms if kept != term]
    url = links.to(_encoded(others))
    if term.negated:
        return Value(text, None, 0, url, None, negated=True)
    not_url = links.to(_encoded([*others, replace(term, negated=True)]))
    if main is None:
        return Value(text, None, 0, url, not_url)
    return Value(text, number_words(main.total, main.sure), _share(main.total, main), url, not_url)


def _share(many: int, own: Counted) -> int:
    return min(round(100 * many / own.total), 100) if own.total else 0
