"""Sentences with other people's names in them. Pure.

A name that a sender chose may be 3,000 characters long, turn the direction of what follows it, or hold what no eye
sees. So a sentence is kept in pieces: pages isolate the foreign ones, and each is short and shows what it holds.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils import timezone

LONGEST_NAME: Final = 80  # characters of a name inside a sentence
LONGEST_QUOTE: Final = 160
# Invisible, or turning what stands around them: controls (ANSI codes begin with one), overrides and isolates, blanks
# of no width, tags. Joiners and direction marks stay, since scripts and emoji need them; so do tabs and ends of lines.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u180e\u200b\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a sentence. `foreign`: a sender's word; `span`: the step it leads to; `at`: the moment it says."""

    text: str
    foreign: bool = False
    span: str | None = None
    at: datetime | None = None


Sentence = tuple[Piece, ...]


def say(words: str, *pieces: Piece | str) -> Sentence:
    """`words` with each `{}` replaced by a piece, in order. A string is our own word, never a sender's."""
    ours = words.split("{}")
    said = [Piece(ours[0])]
    for piece, after in zip(pieces, ours[1:], strict=True):
        said += [Piece(piece) if isinstance(piece, str) else piece, Piece(after)]
    return tuple(piece for piece in said if piece.text)


def name(text: str, span: str | None = None, most: int = LONGEST_NAME) -> Piece:
    """A sender's word in one short line, with what is invisible made visible."""
    seen = visible(" ".join(text[: 4 * most].split()) or text[:most])
    return Piece(seen if len(seen) <= most else seen[: most - 1] + "…", foreign=True, span=span)


def quoted(text: str) -> Piece:
    """The first line of what a program said."""
    return name(next((line for line in text[:10_000].splitlines() if line.strip()), ""), most=LONGEST_QUOTE)


def moment(at: datetime, now: datetime) -> Piece:
    """`today at 14:07:31`, `yesterday at …`, `on 3 November at …`, in the zone of who reads it."""
    here, today = timezone.localtime(at), timezone.localtime(now).date()
    days = (today - here.date()).days
    year = "" if here.year == today.year else f" {here.year}"
    day = {0: "today", 1: "yesterday"}.get(days, f"on {here.day} {here:%B}{year}")
    return Piece(f"{day} at {here:%H:%M:%S}", at=at)


def listed(pieces: list[Piece]) -> Sentence:
    """`a`, `a and b`, `a, b and c`."""
    joined: list[Piece] = []
    for place, piece in enumerate(pieces):
        joined += [Piece(" and " if place == len(pieces) - 1 else ", ")] if place else []
        joined.append(piece)
    return tuple(joined)


def plain(sentence: Sentence) -> str:
    """The sentence as one text."""
    return "".join(piece.text for piece in sentence)


def visible(text: str) -> str:
    """`text` with what no eye sees written out: ⟨ESC⟩, ⟨U+202E⟩ for an override."""
    return _UNSEEN.sub(_code, text)


def _code(found: re.Match[str]) -> str:
    return "⟨ESC⟩" if found[0] == "\x1b" else f"⟨U+{ord(found[0]):04X}⟩"
