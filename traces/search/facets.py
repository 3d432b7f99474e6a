"""What a trace is counted by beside a list: some of its facts, and its metadata, in `traces_entry.facets`. Pure.

An element is a fact as the index has it, `:model:gpt-4o`. Where that is not how it was sent, a second one says so:
the fact, a sign that no fact holds, and the value as it was sent. So what is written in several ways is counted as one.
"""

from dataclasses import dataclass
from typing import Final

from traces.search.facts import Told, fact, head

FIELDS: Final = (
    "feature", "model", "provider", "status", "failure", "fallback", "prompt", "release", "env", "user", "tag",
)  # fmt: skip
METADATA: Final = "metadata."
_PLACES: Final = {name: place for place, name in enumerate(FIELDS)}
# Of all in one trace, and of one value as it was sent: a line of conditions is no longer than two of these.
_MOST_CHARACTERS: Final = 4_000
_LONGEST: Final = 1_000
_AS_SENT: Final = "\x1e"
_SEPARATOR: Final = "\x1f"  # see `entry_rows.py`


@dataclass(frozen=True, slots=True)
class Element:
    """One element: a fact, and in a second one how its value was sent."""

    fact: str
    sent: str | None

    @property
    def name(self) -> str:
        """The field, or `metadata.` and a key in small letters."""
        return self.fact[1:].partition(":")[0]

    @property
    def value(self) -> str:
        """The value as the index has it; of a long one the beginning."""
        return self.fact[1:].partition(":")[2]


def elements_of(told: Told) -> tuple[str, ...]:
    """The elements for what the steps of a trace tell; of very many the first."""
    found: list[str] = []
    room = _MOST_CHARACTERS
    counted = [one for one in told if one[0] in _PLACES or one[0].startswith(METADATA)]
    for name, value in sorted(counted, key=_rank):
        if _is_told_better(name, value, told):
            continue
        plain = fact(name, value)
        sent = value.replace("\0", "").replace(_SEPARATOR, " ")
        as_is = plain == head(name) + sent or len(sent) > _LONGEST
        both = [plain] if as_is else [plain, plain + _AS_SENT + sent]
        room -= sum(map(len, both))
        if room < 0:
            break
        found += both
    return tuple(dict.fromkeys(found))


def read(element: str) -> Element:
    """What an element says."""
    plain, found, sent = element.partition(_AS_SENT)
    return Element(plain, sent if found else None)


def _rank(told: tuple[str, str]) -> tuple[int, str, str]:
    """Fields come before metadata, which may be any number."""
    name, value = told
    return (_PLACES.get(name, len(FIELDS)), name, value)


def _is_told_better(name: str, value: str, told: Told) -> bool:
    """A prompt counts with its version where it has one; a status that nobody has told counts as ok."""
    if name == "prompt":
        return any(one == name and other.startswith(f"{value}@") for one, other in told)
    return (name, value) == ("status", "unset")
