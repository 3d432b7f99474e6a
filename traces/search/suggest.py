"""What may be meant while a query is typed: fields by name, and values of the field that the cursor is in. Pure."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from traces.search.fields import ALIASES, FIELDS, Field, field_of
from traces.search.grammar import exactly, head_of, line_of

MOST: Final = 12
# Blanks end a word, but not inside quotes.
_WORD: Final = re.compile(r'(?:"(?:[^"\\]|\\.)*"?|[^\s"])*\Z')
_REST: Final = re.compile(r'[^\s"]*"?')
_PARTS: Final = re.compile(
    r'(?P<minus>-?)(?:(?P<name>[A-Za-z_]+)(?:\.(?P<key>"[^"]*"|[^:"\s]*))?(?P<colon>:))?(?P<sign><=|>=|<|>|)(?P<value>.*)',
    re.DOTALL,
)
_AMOUNTS: Final = {
    "latency": (">1s", ">5s", ">30s", "<500ms"),
    "cost": (">0.01", ">0.05", ">1"),
    "tokens": (">8k", ">32k", ">100k"),
    "score": ("<0.5", ">=0.5"),
}
_BY_VALUE: Final = ("feature", "model", "env")  # searched for what is typed without a field


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One that may be chosen: `text` takes the place of the characters from `start` to `end` of the line."""

    text: str
    label: str
    meaning: str
    start: int
    end: int

    @property
    def complete(self) -> bool:
        """Whether it is a whole condition; else a value is still to be chosen."""
        return not self.text.endswith((":", "."))


# field, beginning of the value or key → stored values; of "score." and "metadata." the keys
Values = Callable[[str, str], Iterable[str]]


def suggestions(line: str, at: int, values: Values) -> list[Suggestion]:
    """What may be meant at character `at` of the line, likeliest first; `values` gives what a project has sent."""
    at = max(0, min(at, len(line)))
    word = _WORD.search(line[:at])
    start = word.start() if word else at
    rest = _REST.match(line, at)
    end = rest.end() if rest else at
    typed = line[start:at]
    parts = _PARTS.fullmatch(typed)
    if parts is None:
        return []
    minus, name, key = parts["minus"], parts["name"], parts["key"]
    known = field_of(name) if name else None
    if name and known is None:
        return []
    if known is None:
        found = _fields(minus, typed.removeprefix("-"), values)
    elif known.keyed and key is None:
        return []
    else:
        found = _values(minus, known, (key or "").strip('"'), parts["value"], values)
    return [Suggestion(text, label, meaning, start, end) for text, label, meaning in found][:MOST]


def _fields(minus: str, typed: str, values: Values) -> Iterable[tuple[str, str, str]]:
    name, dot, key = typed.partition(".")
    known = field_of(name)
    if dot and known and known.keyed:
        for one in _matching(values(f"{known.name}.", key), key.strip('"')):
            head = head_of(f"{known.name}.{one}")
            yield f"{minus}{head}", head, known.label
        return
    for field in _named(typed.lower()):
        ending = "." if field.keyed else ":"
        yield f"{minus}{field.name}{ending}", f"{field.name}{ending}", f"{field.label}, such as {field.example}"
    if len(typed) >= 2 and "*" not in typed and '"' not in typed:
        for by_value in _BY_VALUE:
            for value in _matching(values(by_value, typed), typed):
                yield f"{minus}{line_of([exactly(by_value, value)])}", f"{by_value}:{value}", FIELDS[by_value].label


def _named(typed: str) -> list[Field]:
    """The fields whose name or alias begins so."""
    meant = {FIELDS[target].name for alias, target in ALIASES.items() if typed and alias.startswith(typed)}
    return [one for one in FIELDS.values() if one.name.startswith(typed) or one.name in meant]


def _values(minus: str, known: Field, key: str, typed: str, values: Values) -> Iterable[tuple[str, str, str]]:
    name = f"{known.name}.{key}" if known.keyed else known.name
    if known.is_amount:
        for amount in _AMOUNTS.get(known.name, ()):
            if amount.lstrip("<>=").startswith(typed):
                yield f"{minus}{head_of(name)}{amount}", amount, ""
        return
    sought = typed.strip('"')
    for value in _matching(known.choices or values(name, sought), sought):
        yield f"{minus}{line_of([exactly(name, value)])}", value, known.choices.get(value, "")


def _matching(values: Iterable[str], typed: str) -> list[str]:
    """Those that hold what is typed in any case, first those that begin with it."""
    sought = typed.casefold()
    found = [value for value in values if sought in value.casefold()]
    return sorted(found, key=lambda value: not value.casefold().startswith(sought))
