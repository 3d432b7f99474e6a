"""Opening a file that is to be imported: plain, gzip or standard input, read once from the beginning to the end."""

import gzip
import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase, BufferedReader, RawIOBase
from pathlib import Path
from typing import Any, Final

from traces.wire.pieces import Place, Split, splitter

STDIN: Final = "-"
HEAD_BYTES: Final = 1024 * 1024
# What a file begins with that no reader of ours takes, and what its owner can do.
_OTHERS: Final = {
    b"PAR1": "It is Parquet. Make JSON lines of it where pandas is: "
    "pandas.read_parquet(NAME).to_json('spans.jsonl', orient='records', lines=True).",
    b"\x28\xb5\x2f\xfd": "It is compressed with zstd. Send it by standard input: zstd -dc NAME | … import_traces -",
    b"PK\x03\x04": "It is a zip archive. Unpack it, and import the files in it.",
    b"BZh": "It is compressed with bzip2. Send it by standard input: bzip2 -dc NAME | … import_traces -",
    b"\xfd7zXZ": "It is compressed with xz. Send it by standard input: xz -dc NAME | … import_traces -",
}
BROKEN: Final = (EOFError, gzip.BadGzipFile, zlib.error, OSError)


class NotImportable(Exception):
    """A file that cannot be read at all; says why and what to do."""


@dataclass(slots=True)
class Source:
    """An open file: its content and how that is split; `size_bytes` as it lies there, None for standard input."""

    name: str
    split: Split
    content: BufferedIOBase
    raw: Any
    size_bytes: int | None

    def done_bytes(self) -> int:
        """How much of the file, as it lies there, was read."""
        return int(self.raw.tell()) if self.size_bytes is not None else 0

    def stands_at(self, place: Place, tail: bytes) -> bool:
        """Whether `tail` stands before `place`: whether this is the file that was read up to there."""
        self.content.seek(place.byte - len(tail))
        return self.content.read(len(tail)) == tail


class _Forward(RawIOBase):
    """Standard input with a `seek` that goes forward only, past what is read; to the beginning once, for the head."""

    def __init__(self, stream: BufferedIOBase, head: bytes) -> None:
        self._stream, self._head, self._at = stream, head, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part = self._head[self._at : self._at + len(buffer)] or self._stream.read1(len(buffer))
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_SET and (offset == self._at or (offset < len(self._head) >= self._at)):
            self._at = offset
        return self._at

    def tell(self) -> int:
        return self._at


@contextmanager
def opened(name: str) -> Iterator[Source]:
    """The file of this name, or standard input for `-`. Raises NotImportable."""
    if name == STDIN:
        yield _standard_input()
        return
    path = Path(name)
    try:
        size = path.stat().st_size
        with path.open("rb") as raw:
            begins = raw.read(6)
            raw.seek(0)
            _check(begins, name)
            packed = begins[:2] == b"\x1f\x8b"
            content: BufferedIOBase = gzip.GzipFile(fileobj=raw) if packed else raw
            head = _head(content)
            content.seek(0)
            yield Source(name, splitter(head), content, raw, size)
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise NotImportable(f"{error.strerror}.") from error


def _standard_input() -> Source:
    stream = sys.stdin.buffer
    begins = stream.peek(6) if isinstance(stream, BufferedReader) else b""
    _check(begins[:6], STDIN)
    plain: Any = gzip.GzipFile(fileobj=stream) if begins[:2] == b"\x1f\x8b" else stream
    head = _head(plain)
    return Source("standard input", splitter(head), BufferedReader(_Forward(plain, head)), stream, None)


def _head(content: BufferedIOBase) -> bytes:
    """How the content begins; of an archive that breaks off before that, what is in it."""
    head = b""
    try:
        while len(head) < HEAD_BYTES and (more := content.read1(HEAD_BYTES)):
            head += more
    except BROKEN:
        pass  # whoever reads the pieces meets it again, and says so
    return head


def _check(begins: bytes, name: str) -> None:
    for magic, cure in _OTHERS.items():
        if begins.startswith(magic):
            raise NotImportable(cure.replace("NAME", repr(name) if magic == b"PAR1" else name))
