"""The tables turned around, once: from the name of an attribute to what is done with it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from traces.conventions.gateways import LITELLM, OPENLIT, PORTKEY, PROMPTLAYER
from traces.conventions.langfuse import LANGFUSE
from traces.conventions.langsmith import LANGSMITH
from traces.conventions.langwatch import LANGWATCH
from traces.conventions.mlflow import MLFLOW
from traces.conventions.openinference import OPENINFERENCE
from traces.conventions.openllmetry import OPENLLMETRY
from traces.conventions.opik import OPIK
from traces.conventions.otel_genai import OTEL_GENAI
from traces.conventions.own import OWN
from traces.conventions.pydantic_ai import PYDANTIC_AI
from traces.conventions.table import Content, Convention, Names
from traces.conventions.values import READERS, Reader, text, word_of
from traces.conventions.vercel import VERCEL
from traces.records import Json

# In order of trust: what an application says by our names comes first.
CONVENTIONS: Final[tuple[Convention, ...]] = (
    OWN,
    OTEL_GENAI,
    OPENINFERENCE,
    LANGFUSE,
    VERCEL,
    OPENLLMETRY,
    PYDANTIC_AI,
    LITELLM,
    OPENLIT,
    MLFLOW,
    LANGWATCH,
    PORTKEY,
    PROMPTLAYER,
    LANGSMITH,
    OPIK,
)
# Attribute names are the sender's: those that are longer than any of ours must not fill the cache.
_LONGEST_NAME: Final = 200
_CACHED_NAMES: Final = 16_384
FIELD, PARAMETER, CONTENT, GROUP, DROP = range(5)


NOWHERE: Final = Content("", lambda value, attributes, model_call: None)


def as_sent(value: Json) -> Json:
    """Any value; the empty text says nothing."""
    return None if value == "" else value


@dataclass(frozen=True, slots=True)
class Use:
    """One thing that an attribute is good for. Of two uses for one slot of one place the lower rank wins.

    `tail` is what follows the name of a group.
    """

    slot: str
    rank: int
    place: int
    read: Reader = as_sent
    content: Content = NOWHERE
    tail: str = ""


def uses_of(name: str) -> tuple[Use, ...]:
    """What an attribute of this name is good for; nothing when no table knows it."""
    return EXACT.get(name) or (_by_ends(name) if len(name) <= _LONGEST_NAME else ())


@lru_cache(maxsize=_CACHED_NAMES)
def _by_ends(name: str) -> tuple[Use, ...]:
    """By the beginning of the name, which is that of a group, else by its end."""
    for prefix, use in _GROUPS:
        if name.startswith(prefix):
            return (Use(use.slot, use.rank, GROUP, content=use.content, tail=name[len(prefix) :]),)
    return tuple(use for end, use in _WILDCARDS if name.endswith(end))


def _named(names: Names, otherwise: Reader) -> Iterator[tuple[str, Reader]]:
    for name in names:
        yield (name, otherwise) if isinstance(name, str) else name


def _uses(convention: Convention) -> Iterator[tuple[str, Use]]:
    """Every exact name and group of a table, in the order of trust; ranks are given afterwards."""
    for attribute, words in convention.kinds.items():
        yield attribute, Use("kind", 0, FIELD, word_of(words))
    for slot, names in convention.fields.items():
        yield from ((name, Use(slot, 0, FIELD, read)) for name, read in _named(names, READERS.get(slot, text)))
    for parameter, names in convention.parameters.items():
        yield from ((name, Use(parameter, 0, PARAMETER, read)) for name, read in _named(names, as_sent))
    for slot, places in convention.contents.items():
        yield from ((content.name, Use(slot, 0, CONTENT, content=content)) for content in places)
    yield from ((name, Use(name, 0, DROP)) for name in convention.dropped)


def _compiled() -> tuple[dict[str, tuple[Use, ...]], list[tuple[str, Use]], list[tuple[str, Use]]]:
    exact: dict[str, list[Use]] = {}
    groups: list[tuple[str, Use]] = []
    wildcards: list[tuple[str, Use]] = []
    rank = 0
    for convention in CONVENTIONS:
        for name, use in _uses(convention):
            rank += 1
            ranked = Use(use.slot, rank, use.place, use.read, use.content)
            if name.endswith("."):
                groups.append((name, ranked))
            elif name.startswith("*"):
                wildcards.append((name[1:], ranked))
            elif not any(one.slot == use.slot and one.place == use.place for one in exact.get(name, ())):
                exact.setdefault(name, []).append(ranked)
    return {name: tuple(uses) for name, uses in exact.items()}, groups, wildcards


EXACT, _GROUPS, _WILDCARDS = _compiled()
SIGNS: Final[Mapping[str, str]] = {name: kind for table in reversed(CONVENTIONS) for name, kind in table.signs.items()}
FIRST_TOKEN: Final = frozenset(name for table in CONVENTIONS for name in table.first_token)
# Words that say no more than the kind that they stand for: the first of each kind. Others are kept beside it.
PLAIN_WORDS: Final = frozenset(
    (attribute, next(word for word, kind in words.items() if kind == wanted))
    for table in CONVENTIONS
    for attribute, words in table.kinds.items()
    for wanted in set(words.values())
)
