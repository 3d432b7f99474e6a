"""Images, sounds, films and files in what people and models wrote: found where they stand as base64. Pure.

A part {"type", "media_type"?, "data"} of a message, or a value that is a data: URL, becomes a part that names its file:
{"type", "media_type"?, "media": SHA-256 of the bytes, "size_bytes"}. Of a file that is sent apart from its span `media`
is a digest of what it is called, and its size is not said: the span may be there before it.
"""

import binascii
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final

from traces.records import Json, Payload

KINDS: Final = ("image", "audio", "video", "file")
LEAST_BYTES: Final = 2_048  # what is smaller stays where it is: a file costs more than it saves
_DEEPEST: Final = 8
_DIGITS: Final = frozenset("0123456789abcdef")
_LINE_ENDS: Final = str.maketrans("", "", "\r\n")
_OF_URLS: Final = str.maketrans("-_", "+/")


Found = tuple[bytes, dict[str, Json]] | None  # the bytes, and what else is said of them


@dataclass(frozen=True, slots=True)
class Medium:
    """A medium where it stands: `part` is what is said of it, in the place `key` of `holder`.

    `name` is that of its file: the same bytes are the same file.
    """

    name: str
    data: bytes
    part: dict[str, Json]
    holder: Any  # a Payload, an object or a list
    key: Any

    def leave(self) -> None:
        """Let the part name the file instead of holding its bytes."""
        part = {**self.part, "media": self.name, "size_bytes": len(self.data)}
        if isinstance(self.holder, Payload):
            setattr(self.holder, self.key, part)
        else:
            self.holder[self.key] = part


def found(payload: Payload, least_bytes: int = LEAST_BYTES) -> list[Medium]:
    """The media in a payload that are no smaller than `least_bytes`."""
    search = _Search(least_bytes)
    for slot in ("input", "output"):
        value = getattr(payload, slot)
        if value is not None:
            search.look(payload, slot, value)
    search.look_into(payload.attributes)
    if payload.logged is not None:
        search.look_into(payload.logged)
    return search.media


class _Search:
    """One pass over a payload, of every span that is taken in: most values are short texts and done with at once."""

    __slots__ = ("least", "least_bytes", "media")

    def __init__(self, least_bytes: int) -> None:
        self.least_bytes = least_bytes
        self.least = least_bytes * 4 // 3  # characters of base64
        self.media: list[Medium] = []

    def look_into(self, holder: Any, depth: int = 0) -> None:
        least = self.least
        for key, value in holder.items() if type(holder) is dict else enumerate(holder):
            kind = type(value)
            if kind is str:
                if len(value) > least:
                    self.take(_of_url(value), holder, key)
            # The resource is shared by spans, and holds none.
            elif (kind is dict or kind is list) and (depth or key != "resource"):
                self.look(holder, key, value, depth)

    def look(self, holder: Any, key: Any, value: Json, depth: int = 0) -> None:
        kind = type(value)
        if kind is str:
            self.take(_of_url(value) if len(value) > self.least else None, holder, key)
            return
        if kind is dict:
            if self.take(_of_part(value, self.least), holder, key):
                return
        elif kind is not list or not value or type(value[0]) is float:  # a vector
            return
        if depth < _DEEPEST:
            self.look_into(value, depth + 1)

    def take(self, found: Found, holder: Any, key: Any) -> bool:
        if found is None or len(found[0]) < self.least_bytes:
            return False
        data, part = found
        self.media.append(Medium(sha256(data).hexdigest(), data, part, holder, key))
        return True


def with_urls(payload: Payload, url: Callable[[str], str]) -> Payload:
    """A copy of `payload` in which every part that names a file says its address too."""
    told = {slot: _with_urls(getattr(payload, slot), url) for slot in ("input", "output", "attributes")}
    return replace(payload, **told)


def named(part: Json) -> str | None:
    """The name of the file that a part says it is in; None where it says none that could be."""
    name = part.get("media") if isinstance(part, dict) else None
    return name if isinstance(name, str) and len(name) == 64 and _DIGITS.issuperset(name) else None


def _of_part(part: dict[str, Json], least: int) -> Found:
    """The bytes of a part of a message that is a medium, and the rest of it."""
    encoded = part.get("data")
    if encoded is None or type(encoded) is not str or len(encoded) <= least or part.get("type") not in KINDS:
        return None
    data = _decoded(encoded)
    return None if data is None else (data, {name: said for name, said in part.items() if name != "data"})


def _of_url(url: str) -> Found:
    """The bytes of a text that is a data: URL in base64, and the part to stand for it."""
    head, _, encoded = url.partition(",") if url.startswith("data:") else ("", "", "")
    data = _decoded(encoded) if head.endswith(";base64") else None
    if data is None:
        return None
    media_type = head.removeprefix("data:").partition(";")[0]
    kind = media_type.partition("/")[0]
    part: dict[str, Json] = {"type": kind if kind in KINDS else "file"}
    return data, {**part, "media_type": media_type} if media_type else part


def _decoded(encoded: str) -> bytes | None:
    """The bytes; None where the text is no base64, in either alphabet, with line ends or without."""
    try:
        return b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        pass
    try:
        text = encoded.translate(_LINE_ENDS).translate(_OF_URLS)
        return b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _with_urls(value: Json, url: Callable[[str], str], depth: int = 0) -> Json:
    if depth == _DEEPEST:
        return value
    if isinstance(value, list):
        return [_with_urls(inner, url, depth + 1) for inner in value]
    if isinstance(value, dict):
        if (name := named(value)) is not None:
            return {**value, "url": url(name)}
        return {key: _with_urls(inner, url, depth + 1) for key, inner in value.items()}
    return value
