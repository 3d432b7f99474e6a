"""The piece of an input or output that a search found, with the found words marked. Pure; the text stays hostile."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from traces.records import Json, Payload
from traces.search.grammar import Term
from traces.search.texts import strings
from traces.search.words import BEGINS, ENDS, TOKEN

BEFORE: Final = 48  # characters before the first word that was found
WHOLE: Final = 180
_TOLD: Final = ("system", "developer")
_MOST_READ: Final = 400_000  # characters of a payload


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of an excerpt; `found` is what was searched for."""

    text: str
    found: bool


def excerpt(payload: Payload, terms: Sequence[Term]) -> list[Piece]:
    """Where the text of `terms` first stands in the payload, answers first; empty where it is not found."""
    pattern = _pattern(terms)
    if pattern is None:
        return []
    read = 0
    for text in strings([payload.output, payload.parsed_output, *_said_first(payload.input), payload.documents]):
        if found := pattern.search(text):
            return _pieces(text, found, pattern)
        read += len(text)
        if read > _MOST_READ:
            return []
    return []


def _pattern(terms: Sequence[Term]) -> re.Pattern[str] | None:
    """What the wanted texts look like, the longest first; None where no text is wanted."""
    looks = [_look(term) for term in terms if term.field is None and not term.negated]
    found = sorted(filter(None, looks), key=len, reverse=True)
    return re.compile("|".join(found), re.IGNORECASE) if found else None


def _look(term: Term) -> str:
    """Any blanks and signs may stand between the words of a phrase; a whole word does not go on on either side."""
    words = re.findall(r"\w+|[^\w\s]+", term.sought)
    if not words:
        return ""
    first, last = TOKEN.match(words[0]), TOKEN.match(words[-1][-1])
    begins = BEGINS if first and first["word"] and not term.is_part else ""
    ends = ENDS if last and last["word"] and not (term.is_part or term.is_prefix) else ""
    return begins + r"[\W_]*?".join(re.escape(word) for word in words) + ends


def _said_first(said: Json) -> list[Json]:
    """What people and models wrote, and then what they were told to do."""
    told = [one for one in said if isinstance(one, dict) and one.get("role") in _TOLD] if isinstance(said, list) else []
    return [[one for one in said if one not in told], told] if told else [said]


def _pieces(text: str, found: re.Match[str], pattern: re.Pattern[str]) -> list[Piece]:
    start = max(found.start() - BEFORE, 0)
    if start and " " in text[start : found.start()]:  # at the beginning of a word
        start = text.index(" ", start) + 1
    end = min(max(start + WHOLE, found.end()), found.start() + 2 * WHOLE, len(text))
    pieces, at = [], start
    for match in pattern.finditer(text, start, end):
        pieces += [Piece(_one_line(text[at : match.start()]), False), Piece(_one_line(match[0]), True)]
        at = match.end()
    pieces.append(Piece(_one_line(text[at:end]), False))
    cut = [Piece("… ", False)] if start else []
    return [piece for piece in [*cut, *pieces, *([Piece(" …", False)] if end < len(text) else [])] if piece.text]


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text)
