"""The query language: a line of conditions to terms and back. Pure.

    model:gpt-4o -status:ok latency:>2s metadata.order_id:77 "exact phrase" words prefix* *part*

Conditions stand between blanks, and all of them hold. `-` before one turns it round. Quotes make a value literal:
blanks, colons and stars in it mean nothing; a backslash stands before a quote or a backslash in it. What begins with a
word and a colon is a field, and an unknown one an error; only addresses (`https://…`) are text without quotes.
"""

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from traces.search.fields import Field, amount, field_of, nearest, wrong_value

LONGEST: Final = 2_000  # characters of a line
MOST_TERMS: Final = 40

_BLANKS: Final = re.compile(r"\s*")
_MINUS: Final = re.compile(r"-(?=[^\s-])")
# An address is text; so is whatever begins with something that no field's name has, such as 12:30.
_HEAD: Final = re.compile(r'(?P<name>[A-Za-z_][A-Za-z0-9_-]*)(?:\.(?P<key>"(?:[^"\\]|\\.)*"|[^\s":]+))?:(?!//)', re.S)
_COMPARE: Final = re.compile(r"<=|>=|<|>|≤|≥|")
_COMPARED_WITHOUT_COLON: Final = re.compile(r"(?P<name>[A-Za-z_]+)(?P<rest>[<>=≤≥]\S*)")
_QUOTED: Final = re.compile(r'"(?P<straight>(?:[^"\\]|\\.)*)"|[“„](?P<curly>[^“”]*)[“”]', re.S)
_BARE: Final = re.compile(r"\S+")
_ESCAPED: Final = re.compile(r'\\(["\\])')
_UNHEARD_OF: Final = re.compile("[\0\ud800-\udfff]")  # no stored text has these, and Postgres takes none
_SIGNS: Final = {"": ":", "≤": "<=", "≥": ">="}
_JOINTS: Final = {
    "AND": "Leave AND out: all conditions hold together.",
    "OR": "There is no OR: all conditions hold together. Search for one after the other.",
    "NOT": "Write a minus directly before a condition instead of NOT, such as -status:ok.",
}


class QueryError(ValueError):
    """A line that cannot be read. `position` counts characters from 0; `length` of them are wrong, at least 1."""

    def __init__(self, message: str, position: int, length: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.position = position
        self.length = max(length, 1)


@dataclass(frozen=True, slots=True)
class Term:
    """One condition. `field` is a name of FIELDS, for keyed ones with the key (`metadata.order_id`); None is text.

    `compare` is one of : < <= > >=. A value that was quoted (`phrase`) is literal; in one that was not, a star at the
    end means any continuation, and, of text alone, a star at the beginning a part of a word.
    """

    field: str | None
    compare: str
    value: str
    negated: bool = False
    phrase: bool = False
    position: int = dataclasses.field(default=0, compare=False)

    @property
    def is_prefix(self) -> bool:
        """Whether more may follow: `refund*`."""
        return not self.phrase and self.value.endswith("*") and not self.is_part

    @property
    def is_part(self) -> bool:
        """Whether more may stand around it: `*fund*`. Only text."""
        return not self.phrase and self.field is None and self.value.startswith("*")

    @property
    def sought(self) -> str:
        """The value without the stars that mean something."""
        bare = self.value.strip("*") if self.is_part else self.value.rstrip("*")
        return bare if self.is_part or self.is_prefix else self.value

    @property
    def amount(self) -> Decimal | None:
        """What the value says in µs, dollars or pieces; None for fields that have no amounts, and for words."""
        known = field_of(self.field.partition(".")[0]) if self.field else None
        return amount(known.kind, self.value) if known else None


def parse(text: str) -> tuple[Term, ...]:
    """The conditions of a line, in its order; none for an empty one. Raises QueryError."""
    _check(text)
    terms: list[Term] = []
    at = _end(_BLANKS, text, 0)
    while at < len(text):
        if len(terms) == MOST_TERMS:
            raise QueryError(f"At most {MOST_TERMS} conditions are taken, and there are more.", at, len(text) - at)
        term, end = _term(text, at)
        terms.append(term)
        at = _end(_BLANKS, text, end)
        if at == end < len(text):
            raise QueryError(f"A space is missing after the quote at character {end}.", end)
    return tuple(terms)


def line_of(terms: Sequence[Term]) -> str:
    """The line that says these conditions: what `parse` reads as the same."""
    return " ".join(_written(term) for term in terms)


def exactly(name: str, value: str) -> Term:
    """The condition that a field has this very value, quoted where it must be."""
    bare = Term(name, ":", value)
    return bare if not bare.is_prefix and _reads_as(bare, f"{_head(bare)}{value}") else replace(bare, phrase=True)


def _check(text: str) -> None:
    if len(text) > LONGEST:
        raise QueryError(f"The line is over {LONGEST:,} characters long.", LONGEST, len(text) - LONGEST)
    if strange := _UNHEARD_OF.search(text):
        raise QueryError(f"Character {strange.start() + 1} cannot occur in any text.", strange.start())


def _term(text: str, start: int) -> tuple[Term, int]:
    """The term that begins at `start`, and where it ends."""
    minus = _MINUS.match(text, start)
    at = minus.end() if minus else start
    head = _HEAD.match(text, at)
    if not head:
        return _text_term(text, at, negated=bool(minus), position=start)
    known = _known(head)
    name = f"{known.name}.{_key(head)}" if known.keyed else known.name
    compare, value, phrase, end = _condition(text, head.end(), known)
    return Term(name, compare, value, bool(minus), phrase, start), end


def _text_term(text: str, at: int, *, negated: bool, position: int) -> tuple[Term, int]:
    _refuse_comparison(text, at)
    value, phrase, end = _value(text, at)
    if not phrase and value in _JOINTS:
        raise QueryError(f'{_JOINTS[value]} To search for the word, write "{value}".', at, len(value))
    if not value.strip() or (not phrase and not value.strip("*")):
        raise QueryError(f"There is nothing to search for at character {at + 1}.", at, end - at)
    return Term(None, ":", value, negated, phrase, position), end


def _refuse_comparison(text: str, at: int) -> None:
    found = _COMPARED_WITHOUT_COLON.match(text, at)
    known = field_of(found["name"]) if found else None
    if found and known:
        raise QueryError(
            f"A colon is missing after {found['name']} at character {at + 1}: write {known.example}. "
            f'To search for the text, write "{found[0]}".',
            at,
            len(found[0]),
        )


def _known(head: re.Match[str]) -> Field:
    """The field that a head names. Raises QueryError where there is none, or its key is missing or too much."""
    at, length = head.start(), len(head[0]) - 1
    known = field_of(head["name"])
    written = head[0][:-1]
    as_text = f'To search for the text, put it in quotes: "{written}: …".'
    if known is None:
        near = nearest(head["name"])
        meant = f" {near} is the nearest." if near else ""
        raise QueryError(f'There is no field "{head["name"]}" (character {at + 1}).{meant} {as_text}', at, length)
    if known.keyed and not _key(head):
        raise QueryError(f"{known.name} needs a name after a dot, such as {known.example}. {as_text}", at, length)
    if head["key"] is not None and not known.keyed:
        raise QueryError(f"{known.name} takes no name after a dot; write {known.example}. {as_text}", at, length)
    return known


def _key(head: re.Match[str]) -> str:
    key = head["key"] or ""
    return _ESCAPED.sub(r"\1", key[1:-1]) if key.startswith('"') else key


def _condition(text: str, start: int, known: Field) -> tuple[str, str, bool, int]:
    """Comparison and value behind a field's colon, whether it was quoted, and where it ends."""
    sign = _COMPARE.match(text, start)
    compare = _SIGNS.get(sign[0], sign[0]) if sign else ":"
    at = sign.end() if sign else start
    if at >= len(text) or text[at].isspace():
        raise QueryError(
            f"{known.name} has no value at character {at + 1}; write it directly behind, such as {known.example}.",
            start - 1,
        )
    if compare != ":" and not known.is_amount:
        raise QueryError(
            f"{known.name} cannot be compared with {compare} (character {start + 1}); write {known.example}, "
            "or put a value that begins so in quotes.",
            start,
            len(compare),
        )
    value, phrase, end = _value(text, at)
    if known.kind == "choice":
        value = value.lower()
    if problem := wrong_value(known, compare, value, at + 1):
        raise QueryError(problem, at, end - at)
    if not value.strip() or (not phrase and not value.strip("*")):
        raise QueryError(f"There is no value at character {at + 1}; write {known.example}.", at, end - at)
    return compare, value, phrase, end


def _value(text: str, at: int) -> tuple[str, bool, int]:
    """The value at `at`, whether it was quoted, and where it ends. Raises QueryError for a quote that is not closed."""
    if text[at] in '"“„':
        quoted = _QUOTED.match(text, at)
        if not quoted:
            raise QueryError(f"The quote at character {at + 1} is not closed.", at, len(text) - at)
        curly = quoted["curly"]
        return (_ESCAPED.sub(r"\1", quoted["straight"]) if curly is None else curly), True, quoted.end()
    end = _end(_BARE, text, at)
    return text[at:end], False, end


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def head_of(name: str) -> str:
    """What stands before the values of a field, its key in quotes where it must be: `metadata."order id":`."""
    field, _, key = name.partition(".")
    if not key:
        return f"{field}:"
    bare = _HEAD.fullmatch(f"{field}.{key}:")
    return f"{field}.{key}:" if bare and bare["key"] == key and not key.startswith('"') else f"{field}.{_quoted(key)}:"


def _written(term: Term) -> str:
    bare = f"{_head(term)}{term.value}"
    return bare if not term.phrase and _reads_as(term, bare) else f"{_head(term)}{_quoted(term.value)}"


def _head(term: Term) -> str:
    compare = "" if term.compare == ":" else term.compare
    return f"{'-' if term.negated else ''}{head_of(term.field) + compare if term.field else ''}"


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _reads_as(term: Term, line: str) -> bool:
    try:
        return parse(line) == (term,)
    except QueryError:
        return False
