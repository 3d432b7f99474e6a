"""What somebody pasted into the box: the ids that may be in it, and the addresses of our own pages. Pure.

A log line, a mail with its headers, a JSON record, an address: nothing is asked for but that the id stands in it. So
this gathers what could be an id, in every reading of the text; the database says what is one.
"""

import html
import quopri
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from traces import ids

SHORTEST_BEGINNING: Final = 6  # characters of an id that are enough to find it
_MOST_CHARACTERS: Final = 50_000  # of a mail with all that it answers to
_MOST_IDS: Final = 80
_MOST_BEGINNINGS: Final = 8
_SHORTEST: Final = 3  # letters; shorter words of a text are no ids. Pasted alone anything may be one

# What machines write into a mail's head for each other: signatures, which are full of what looks like ids.
_HEADERS: Final = re.compile(
    r"^(?:DKIM-Signature|ARC-[\w-]+|X-(?:Google|Gm|MS|Microsoft|Forefront|Proofpoint|Mimecast)[\w-]*|Received(?:-SPF)?"
    r"|Authentication-Results|MIME-Version|Content-[\w-]+|List-[\w-]+):.*(?:\r?\n[ \t]+.*)*",
    re.IGNORECASE | re.MULTILINE,
)
_ANSI: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# Characters that mail programs and documents put into a text and nobody sees, and dashes that they change.
_UNSEEN: Final = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|[\ud800-\udfff]")
_DASHES: Final = str.maketrans({"\u2010": "-", "\u2011": "-"})
_SOFT_BREAK: Final = re.compile(r"=[ \t]*\r?\n|=[0-9A-F]{2}")
_ESCAPED: Final = re.compile(r"\\+(?:[nrt](?![a-z])|(?=\W))|\\+[nrt](?=\w)")
_BETWEEN: Final = re.compile(r"[\s\"'`,;()\[\]{}<>|\\“”„‘’‚«»‹›、。，；：（）「」『』【】]+")
_WITHIN: Final = re.compile(r"[=:/?&#]+")
_ONE_WORD: Final = re.compile(r"[^\s\"'`,;()\[\]{}<>|\\=&?]+")
_EDGES: Final = ".:=!?#*…-_/&@~"
_HEX: Final = re.compile(
    r"(?<![0-9A-Za-z])(?:0x)?((?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})|[0-9a-f]{32}|[0-9a-f]{16})(?![0-9a-f])",
    re.IGNORECASE,
)
_AMAZON: Final = re.compile(r"(?<![0-9a-f])[0-9a-f]-([0-9a-f]{8})-([0-9a-f]{24})(?![0-9a-f])", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"(?:https?://[^\s<>\"'|]+|(?<![\w/.-])/p/[^\s<>\"'|]+)", re.IGNORECASE)
_OURS: Final = re.compile(
    r"/p/(?P<slug>[-a-zA-Z0-9_]+)(?:/(?P<page>traces|sessions|payload)/(?P<id>.+)|/.*)?", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Address:
    """A page of ours that was pasted. `page` is traces or sessions where it is one of these, else empty.

    `ids` are those that the page is of: the trace and its span, or the session.
    """

    slug: str
    path: str  # with its query, as it stands behind any host
    page: str = ""
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pasted:
    """A text that was pasted. `ids` is what may be one in it, the whole first, the likeliest next."""

    text: str
    ids: tuple[str, ...]
    beginnings: tuple[str, ...]  # what may be the first characters of an id
    addresses: tuple[Address, ...]

    @property
    def is_one_word(self) -> bool:
        """Whether nothing but one id can be meant."""
        return len(self.ids) == 1

    @property
    def is_address(self) -> bool:
        """Whether it is one address of ours and nothing else."""
        return len(self.addresses) == 1 and len(self.text.split()) == 1


def read(text: str, slug: str) -> Pasted:
    """What `text` may name in the project `slug`; addresses of other projects' pages give it no ids."""
    text = _cleaned(text[:_MOST_CHARACTERS]).strip()
    readings = list(dict.fromkeys(_readings(text)))
    addresses = tuple(dict.fromkeys(one for reading in readings for one in _addresses(reading)))
    here = [name for address in addresses if address.slug == slug for name in address.ids]
    words = list(dict.fromkeys(word for reading in readings for word in _words(_without_noise(reading))))
    found = dict.fromkeys([*_whole(text, addresses), *here, *sorted(words, key=_unlikely)])
    names = [name for name in found if name and len(name) <= ids.MAX_ID_CHARACTERS][:_MOST_IDS]
    return Pasted(text, tuple(names), tuple(_beginnings(text, names)), addresses)


def _cleaned(text: str) -> str:
    return _CONTROL.sub(" ", _UNSEEN.sub("", _ANSI.sub("", text)))


def _whole(text: str, addresses: tuple[Address, ...]) -> list[str]:
    """The text as one id: its sender may have written anything, blanks and brackets included."""
    is_long = len(text) > ids.MAX_ID_CHARACTERS or "\n" in text
    return [] if is_long or (addresses and len(text.split()) == 1) else [text]


def _readings(text: str) -> Iterator[str]:
    """The text as it stands, and as it was meant: mails are quoted, logs escaped, pages encoded."""
    yield text
    if _SOFT_BREAK.search(text):
        yield _cleaned(quopri.decodestring(text.encode()).decode("utf-8", "replace"))
    if "&" in text and (meant := html.unescape(text)) != text:
        yield _cleaned(meant)
    if "\\" in text:
        yield _ESCAPED.sub(" ", text)
    if (plain := text.translate(_DASHES)) != text:
        yield plain


def _words(text: str) -> Iterator[str]:
    """What might be an id: words without what stands around them, and the parts of `name=value` and of addresses."""
    for found in _HEX.finditer(text):
        yield found[1]
    for found in _AMAZON.finditer(text):  # an id of X-Ray is that of OpenTelemetry in two pieces
        yield found[1] + found[2]
    for chunk in _BETWEEN.split(text):
        for part in (chunk, *_WITHIN.split(chunk)):
            for word in (part, part.strip(_EDGES), _unquoted(part.strip(_EDGES))):
                if len(word) >= _SHORTEST or (len(word) > 1 and word.isalnum() and not word.isalpha()):
                    yield word


def _unquoted(word: str) -> str:
    """What percent signs stand for; a NUL among it would be refused by Postgres."""
    return _cleaned(unquote(word)).strip() if "%" in word else ""


def _unlikely(word: str) -> int:
    """How little a word looks like an id: most hold a digit, or signs that no word of a sentence does."""
    has_digit = any(letter.isdigit() for letter in word)
    has_sign = any(sign in word for sign in "_-@.") and word.strip(_EDGES) == word
    return 0 if has_digit and len(word) >= SHORTEST_BEGINNING else 1 if has_sign else 2 if has_digit else 3


def _beginnings(text: str, names: Iterable[str]) -> list[str]:
    """What may be the first characters of an id: what was pasted alone, else words that hold a digit."""
    long = [name for name in names if len(name) >= SHORTEST_BEGINNING]
    if _ONE_WORD.fullmatch(text):
        return [name for name in long if name == text]
    return [name for name in long if _unlikely(name) == 0 and _ONE_WORD.fullmatch(name)][:_MOST_BEGINNINGS]


def _addresses(text: str) -> Iterator[Address]:
    for found in _ADDRESS.finditer(text):
        # What stands behind an address in a sentence is no part of it; mail programs wrap addresses in their own.
        said = found[0].rstrip(".,;:!?)]}…")
        inner = [value for _, value in parse_qsl(_query_of(said)) if "/p/" in value]
        for one in (said, *inner):
            if (address := _address(one)) is not None:
                yield address
                break


def _address(said: str) -> Address | None:
    try:
        parts = urlsplit(said)
    except ValueError:  # brackets in the host that are no address of IPv6
        return None
    ours = _OURS.fullmatch(parts.path)
    if ours is None or (parts.scheme and not parts.netloc):
        return None
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    if not ours["page"]:
        return Address(ours["slug"], path)
    span = dict(parse_qsl(parts.query)).get("span", "")
    named = tuple(_cleaned(one).strip() for one in (unquote(ours["id"]), span) if one)
    return Address(ours["slug"], path, "sessions" if ours["page"] == "sessions" else "traces", named)


def _query_of(said: str) -> str:
    return said.partition("?")[2].partition("#")[0]


def _without_noise(text: str) -> str:
    return _ADDRESS.sub(_kept, _HEADERS.sub(" ", text))


def _kept(found: re.Match[str]) -> str:
    """Of an address in the text: nothing where it is a trace's or session's, which is read apart."""
    return " " if any(address.page for address in _addresses(found[0])) else found[0]
