"""Text as it is compared and indexed: one spelling for all, and the lexemes that stand for it in the index. Pure.

A *word* is a run of letters, digits, marks and underscores. Scripts that put no spaces between words (Chinese,
Japanese, Korean with its endings, Thai, Lao, Khmer, Burmese) and signs such as emoji have no words: every two
neighbours in a run of them are a lexeme, a *pair*, and the last character of the run is one by itself.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

LONGEST: Final = 120  # characters of a lexeme; longer words are indexed in pieces
_STEP: Final = 80
# What two neighbouring pieces of a long word share: a part of it that is no longer stands in one of them whole.
OVERLAP: Final = LONGEST - _STEP
INNER: Final = "+"  # before a piece that does not begin its word

# Scripts without spaces, and Hangul, whose words carry their endings. What lies beyond is counted among them.
_UNSPACED_BLOCKS: Final = (
    (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1100, 0x11FF), (0x1780, 0x17FF), (0x2E80, 0x2FDF), (0x3005, 0x3007),
    (0x3021, 0x312F), (0x3130, 0x318F), (0x31A0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xA960, 0xA97F),
    (0xA9E0, 0xA9FF), (0xAA60, 0xAA7F), (0xAC00, 0xD7FF), (0xF900, 0xFAFF),
)  # fmt: skip
_BEYOND: Final = 0x10000  # emoji, rare Chinese characters and dead scripts; a class that ends here is also far quicker
_INVISIBLE: Final = re.compile(r"[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]")


def _classes() -> tuple[str, str]:
    """The insides of two regular expressions' classes: characters of words, and of scripts without words and signs."""
    unspaced = {point for first, last in _UNSPACED_BLOCKS for point in range(first, last + 1)}
    words: list[int] = []
    others: list[int] = []
    for point in range(_BEYOND):
        category = unicodedata.category(chr(point))
        if category[0] in "LMN" or category == "Pc":
            (others if point in unspaced else words).append(point)
        elif category == "So":
            others.append(point)
    return _class(words), _class(others) + f"{chr(_BEYOND)}-{chr(0x10FFFF)}"


def _class(points: Iterable[int]) -> str:
    runs = (list(run) for _, run in groupby(enumerate(points), lambda pair: pair[1] - pair[0]))
    return "".join(f"{chr(run[0][1])}-{chr(run[-1][1])}" for run in runs)


_IN_WORDS, _IN_PAIRS = _classes()
# Of normalised text in ASCII all but its words, as blanks: so taken apart in half the time of an expression.
_OF_ASCII_WORDS: Final = b"0123456789abcdefghijklmnopqrstuvwxyz_"
_ASCII_BLANKS: Final = bytes(byte if byte in _OF_ASCII_WORDS else 32 for byte in range(256))
# In ASCII small letters, and every blank a space.
_ASCII_SMALL: Final = bytes(32 if chr(byte).isspace() else byte for byte in bytes(range(128)).lower()) + bytes(128)
_SPACES: Final = re.compile(b"  +")
_WORD: Final = re.compile(f"[{_IN_WORDS}]+")
_RUN: Final = re.compile(f"[{_IN_PAIRS}]+")
# Either of them, to take a text apart in its order.
TOKEN: Final = re.compile(f"(?P<word>[{_IN_WORDS}]+)|(?P<run>[{_IN_PAIRS}]+)")
# Where no word goes on to the left, and to the right.
BEGINS: Final = f"(?<![{_IN_WORDS}])"
ENDS: Final = f"(?![{_IN_WORDS}])"


def normalised(text: str) -> str:
    """`text` as it is compared: in small letters and compatible forms, blanks as one space, nothing invisible."""
    if text.isascii():
        return _SPACES.sub(b" ", text.encode().translate(_ASCII_SMALL)).strip().decode()
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).casefold()
    return " ".join(unicodedata.normalize("NFKC", text).split())


def lexemes(text: str) -> set[str]:
    """What of a normalised text goes into the index."""
    ascii_only = text.isascii()
    found = set(text.encode().translate(_ASCII_BLANKS).decode().split() if ascii_only else _WORD.findall(text))
    if max(map(len, found), default=0) > LONGEST:
        for word in [word for word in found if len(word) > LONGEST]:
            found.discard(word)
            found.update(pieces(word))
    if not ascii_only:
        for run in _RUN.findall(text):
            found.update(pairs(run))
    return found


def pieces(word: str) -> Iterator[str]:
    """A long word as overlapping pieces of LONGEST characters, all but the first marked as INNER."""
    yield word[:LONGEST]
    for start in range(_STEP, len(word) - OVERLAP, _STEP):
        start = min(start, len(word) - LONGEST)
        yield INNER + word[start : start + LONGEST]


def pairs(run: str) -> Iterator[str]:
    """Every two neighbours of a run, and its last character."""
    return (run[at : at + 2] for at in range(len(run)))


def is_word(lexeme: str) -> bool:
    """Whether a lexeme is a word or a piece of one, and no pair."""
    return lexeme.isascii() or not _RUN.match(lexeme)
