"""Reasons and bodies of what was refused, made for reading. Pure."""

import re
import unicodedata
import zlib
from collections.abc import Iterable
from typing import Final

import zstandard

LONGEST_REASON: Final = 300
# What differs between two refusals of the same kind: the value that was sent, ids, numbers.
_SENT = re.compile(r'(" is ).*(; write )', re.DOTALL)
_ID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f-]{27}\b|\b(?=[a-f]*[0-9])[0-9a-f]{8,}\b", re.IGNORECASE)
_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)*(?:e[+-]?\d+)?")
_GZIP_OR_ZLIB: Final = 47  # zlib's word for "whichever of both it is"
_RAW: Final = -15
_ZSTD: Final = b"\x28\xb5\x2f\xfd"  # what each of its frames begins with. RFC 8878, 3.1.1
_ZSTD_WINDOW_BYTES: Final = 8 * 1024 * 1024
_SEARCHED_BYTES: Final = 1_000_000


def alike(reason: str) -> str:
    """A reason without what differs from one refusal to the next, so that all of its kind are counted together."""
    shorter = _SENT.sub(r"\1…\2", reason)
    return _NUMBER.sub("…", _ID.sub("…", shorter))[:LONGEST_REASON]


def readable(body: bytes, encoding: str, most: int) -> str:
    """The first `most` characters of a body as text, inflated where it is compressed, even if its end is missing.

    A dot stands for each character that cannot be seen, so that what is shown is what was sent: no direction is
    turned around, no line is hidden.
    """
    text = _inflated(body, encoding, most * 4).decode("utf-8", "replace")[:most]
    return "".join(one if one in "\n\t" or unicodedata.category(one)[0] != "C" else "·" for one in text)


def names_any(body: bytes, encoding: str, words: Iterable[bytes]) -> bool:
    """Whether one of `words` stands in the first megabyte of a body, inflated where it is compressed, in any case."""
    text = _inflated(body, encoding, _SEARCHED_BYTES)
    lower = text.lower()
    return any(word in text or word.lower() in lower for word in words)


def _inflated(body: bytes, encoding: str, most: int) -> bytes:
    """At most `most` bytes, of which a bomb makes no more either."""
    if body.startswith(_ZSTD):
        try:
            return zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES).stream_reader(body).read(most)
        except zstandard.ZstdError:
            return body[:most]
    for wbits in (_GZIP_OR_ZLIB, _RAW):
        if wbits == _RAW and encoding.strip().lower() != "deflate":
            continue  # almost anything can be read as a few bytes of bare deflate
        try:
            return zlib.decompressobj(wbits).decompress(body, most)
        except zlib.error:
            pass  # not compressed in this way
    return body[:most]
