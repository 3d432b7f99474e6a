"""Ids: what senders write, and the fixed-size bytes that rows are keyed by. No Django.

Any string may be an id. Hex and UUIDs are kept as their bytes, so that every spelling of one finds the same row; any
other string is kept by its digest, and its own text beside it.
"""

import re
from hashlib import blake2b

# 32 hex digits, with a UUID's dashes or without, in any case.
_HEX_32 = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")
_HEX_16 = re.compile(r"[0-9a-f]{16}")
# Characters that no part of an address changes.
_PLAIN = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,199}")
MAX_ID_CHARACTERS = 2_000


def trace_key(text: str) -> bytes:
    """The 16 bytes of a trace's id: those it spells in hex, else the digest of the text."""
    lower = text.strip().lower()
    if _HEX_32.fullmatch(lower):
        return bytes.fromhex(lower.replace("-", ""))
    return _digest(text, 16)


def span_key(text: str) -> bytes:
    """The 8 bytes of a span's id. A UUID is hashed, because the first half of a UUIDv7 is only a moment in time."""
    lower = text.strip().lower()
    if _HEX_16.fullmatch(lower):
        return bytes.fromhex(lower)
    if _HEX_32.fullmatch(lower):
        return _digest(lower.replace("-", ""), 8)
    return _digest(text, 8)


def kept_text(text: str, key: bytes) -> str | None:
    """The sender's spelling where `key`'s lower-case hex does not already say it, else None."""
    return None if text == key.hex() else text


def shown(key: bytes, text: str | None) -> str:
    """An id as its sender wrote it."""
    return key.hex() if text is None else text


def _digest(text: str, size: int) -> bytes:
    return blake2b(text.strip().encode("utf-8", "surrogatepass"), digest_size=size).digest()


def address(key: bytes, text: str | None) -> str:
    """An id as it can stand in any address: the sender's own where its characters allow, else the key's hex.

    Both find the same row. A slash would split the path, and a browser takes `..` for a step up.
    """
    return text if text and _PLAIN.fullmatch(text) else key.hex()
