"""`multipart/form-data` to its parts, from the bytes of a whole body.

Parts without a file name, in any number up to a limit, of any bytes: what parsers for browsers' forms take for short
texts. https://www.rfc-editor.org/rfc/rfc2046#section-5.1, https://www.rfc-editor.org/rfc/rfc7578
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from traces.errors import TooLarge, Unreadable

MOST_PARTS: Final = 20_000  # LangSmith's clients send 100 runs of up to 10 parts, and attachments
_LONGEST_BOUNDARY: Final = 200  # characters; RFC 2046 says 70
_LONGEST_HEAD: Final = 16_384  # bytes of the headers of one part
_BOUNDARY: Final = re.compile(r';\s*boundary=(?:"([^"]+)"|([^;,\s"]+))', re.IGNORECASE)
_NAME: Final = re.compile(r';\s*name=(?:"((?:[^"\\]|\\.)*)"|([^;\s"]+))', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its name, '' where it has none, its Content-Type in lower case without parameters, and its bytes."""

    name: str
    content_type: str
    data: bytes


def parts(body: bytes, content_type: str | None) -> Iterator[Part]:
    """The parts of a body in their order. Raises Unreadable where it is no multipart or ends too early, or TooLarge.

    A part that tells its length may hold anything, the boundary included.
    """
    delimiter = b"\r\n--" + _boundary(content_type)
    position = _first(body, delimiter)
    for _ in range(MOST_PARTS):
        if body.startswith(b"--", position):
            return
        head_end = body.find(b"\r\n\r\n", position, position + _LONGEST_HEAD)
        if head_end < 0:
            raise Unreadable("The multipart body ends within the headers of a part.")
        headers = _headers(body[position:head_end])
        start = head_end + 4
        end = _end(body, delimiter, start, headers.get("content-length", ""))
        name = _NAME.search(headers.get("content-disposition", ""))
        said_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        yield Part(_unescaped(name) if name else "", said_type, body[start:end])
        position = end + len(delimiter)
    raise TooLarge(f"The multipart body has over {MOST_PARTS:,} parts; send smaller batches.")


def _boundary(content_type: str | None) -> bytes:
    found = _BOUNDARY.search(content_type or "")
    boundary = (found[1] or found[2]) if found else ""
    if not 0 < len(boundary) <= _LONGEST_BOUNDARY:
        raise Unreadable("The Content-Type names no boundary; write multipart/form-data; boundary=….")
    return boundary.encode("utf-8", "surrogateescape")


def _first(body: bytes, delimiter: bytes) -> int:
    """The position after the first delimiter, which may have nothing in front of it."""
    if body.startswith(delimiter[2:]):
        return len(delimiter) - 2
    found = body.find(delimiter)
    if found < 0:
        raise Unreadable("The body does not hold the boundary that its Content-Type names.")
    return found + len(delimiter)


def _end(body: bytes, delimiter: bytes, start: int, length: str) -> int:
    """Where the part ends that begins at `start`: as its length says, if a boundary is there, else before one."""
    if length.isascii() and length.isdigit() and len(length) < 12:
        told = start + int(length)
        if body.startswith(delimiter, told):
            return told
    end = body.find(delimiter, start)
    if end < 0:
        raise Unreadable("The multipart body ends within a part.")
    return end


def _headers(head: bytes) -> dict[str, str]:
    lines = head.decode("utf-8", "replace").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return {name.strip().lower(): value.strip() for name, colon, value in pairs if colon}


def _unescaped(name: re.Match[str]) -> str:
    """A name as its sender meant it: browsers' escapes of quotes undone (RFC 7578, 2), as are backslashes."""
    if name[1] is None:
        return name[2]
    return re.sub(r"\\(.)", r"\1", name[1]).replace("%22", '"')
