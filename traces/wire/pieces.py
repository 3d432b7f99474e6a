"""A file of any size in pieces: the lines of JSON lines, the values of a JSON list, the rows of a CSV. Pure reading.

Each piece says where it ends in the (inflated) file, so that reading can begin again behind it. No more than one piece
of LONGEST bytes is held at once; a piece that is longer, or cannot be read, is given as a problem and passed over.
"""

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BufferedIOBase
from typing import Final

from traces.errors import Unreadable
from traces.records import Json
from traces.wire.jsontext import loads

LONGEST: Final = 64 * 1024 * 1024
TAIL: Final = 4096
_CHUNK: Final = 1024 * 1024
_TOO_LONG: Final = f"It is over {LONGEST:,} bytes long, more than is read at once."
_BOM: Final = b"\xef\xbb\xbf"
_BETWEEN: Final = re.compile(rb"(?:[\s,\[\]]|\xef\xbb\xbf)*")
_MARK: Final = re.compile(rb'["{}\[\]]')
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_SCALAR_ENDS: Final = re.compile(rb"[,\n\]]")


@dataclass(frozen=True, slots=True)
class Place:
    """Where reading begins: a byte of the inflated file, and the number of the line that it is in, from 1."""

    byte: int = 0
    line: int = 1


@dataclass(frozen=True, slots=True)
class Piece:
    """One value of a file, or why there is none. `line` is where it begins, from 1; `after` is the place behind it.

    `raw` is the piece as it stood there, for a row of a CSV with the header above it; of one that is too long its
    beginning. `tail` is the last of what stands before `after`, by which the place is known again. `whole` is False for
    a last piece without an end, which may be one that is being written.
    """

    line: int
    after: Place
    raw: bytes
    tail: bytes
    value: Json = None
    problem: str | None = None
    whole: bool = True


Split = Callable[[BufferedIOBase, Place], Iterator[Piece]]


def splitter(head: bytes) -> Split:
    """How a file that begins with `head`, at least its first line, is split."""
    begins = head.removeprefix(_BOM).lstrip()
    if begins[:1] == b"[":
        return json_values
    if begins[:1] != b"{":
        return csv_rows
    first, ended, _ = begins.partition(b"\n")
    try:
        loads(first)
    except Unreadable:
        # A line that is longer than the head ends in no newline; a broken first line begins another on the next.
        return json_lines if not ended or _second_begins_a_record(begins) else json_values
    return json_lines


def _second_begins_a_record(begins: bytes) -> bool:
    return len(begins.partition(b"\n")[0]) > 2 and begins.partition(b"\n")[2][:1] == b"{"


def json_lines(file: BufferedIOBase, start: Place) -> Iterator[Piece]:
    """One JSON value a line; blank lines count for nothing."""
    file.seek(start.byte)
    at, number = start.byte, start.line
    while line := file.readline(LONGEST + 1):
        at += len(line)
        if len(line) > LONGEST and not line.endswith(b"\n"):
            skipped, tail = _skip_line(file)
            at += skipped
            yield Piece(number, Place(at, number + 1), line[:_CHUNK], tail, problem=_TOO_LONG)
        elif line.strip(_BOM + b" \t\r\n"):
            yield _json_piece(number, Place(at, number + 1), line.removeprefix(_BOM), whole=line.endswith(b"\n"))
        number += 1


def _skip_line(file: BufferedIOBase) -> tuple[int, bytes]:
    """How long the rest of a line is, and the last of it."""
    skipped, part = 0, b""
    while part[-1:] != b"\n" and (more := file.readline(_CHUNK)):
        part = more
        skipped += len(part)
    return skipped, part[-TAIL:]


def _json_piece(line: int, after: Place, raw: bytes, whole: bool = True) -> Piece:
    try:
        return Piece(line, after, raw, raw[-TAIL:], loads(raw))
    except Unreadable as error:
        return Piece(line, after, raw, raw[-TAIL:], problem=str(error), whole=whole)


def json_values(file: BufferedIOBase, start: Place) -> Iterator[Piece]:
    """The values of a JSON list, or JSON values one after the other, however they are broken into lines."""
    file.seek(start.byte)
    buffer, at, line = b"", start.byte, start.line
    while buffer or (buffer := file.read(_CHUNK)):
        between = _BETWEEN.match(buffer)
        skipped = between.end() if between else 0
        line += buffer.count(b"\n", 0, skipped)
        at += skipped
        buffer = buffer[skipped:]
        if not buffer:
            continue
        buffer, length = _grown(file, buffer)
        if length is None:
            problem = _TOO_LONG if len(buffer) > LONGEST else "The file ends inside of it."
            yield Piece(line, Place(at, line), buffer[:_CHUNK], b"", problem=problem, whole=False)
            return
        raw = buffer[:length]
        after = Place(at + length, line + raw.count(b"\n"))
        yield _json_piece(line, after, raw)
        at, line = after.byte, after.line
        buffer = buffer[length:]


def _grown(file: BufferedIOBase, buffer: bytes) -> tuple[bytes, int | None]:
    """`buffer` with as much of the file as its first value needs, and that value's length; None where it has no end."""
    length = _length(buffer)
    while length is None and len(buffer) <= LONGEST:
        more = file.read(max(len(buffer), _CHUNK))
        if not more:
            return buffer, len(buffer) if buffer[:1] not in b'{["' else None
        buffer += more
        length = _length(buffer)
    return buffer, length


def _length(buffer: bytes) -> int | None:
    """The length of the JSON value that `buffer` begins with; None where its end is not there."""
    if buffer[:1] not in (b"{", b"["):
        end = _SCALAR_ENDS.search(buffer)
        return max(end.start(), 1) if end else None
    depth, at = 0, 0
    while mark := _MARK.search(buffer, at):
        at = mark.end()
        sign = mark.group()
        if sign == b'"':
            string = _STRING.match(buffer, mark.start())
            if string is None:
                return None
            at = string.end()
        else:
            depth += 1 if sign in b"{[" else -1
            if not depth:
                return at
    return None


def csv_rows(file: BufferedIOBase, start: Place) -> Iterator[Piece]:
    """The rows of a CSV as objects of its header's names; empty cells are left out."""
    csv.field_size_limit(LONGEST)
    file.seek(0)
    taken: list[bytes] = []
    names = next(csv.reader(_noted(file, taken)), [])
    header = b"".join(taken).removeprefix(_BOM)
    names[:1] = [name.removeprefix("\ufeff") for name in names[:1]]
    at, line = sum(map(len, taken)), 1 + len(taken)
    if start.byte > at:
        file.seek(start.byte)
        at, line = start.byte, start.line
    while True:
        taken.clear()
        try:
            cells = next(csv.reader(_noted(file, taken)), None)
            problem = None if cells is None or len(cells) <= len(names) else f"The row has {len(cells)} cells."
        except csv.Error as error:
            cells, problem = [], f"The row cannot be read: {error}."
        if cells is None:
            return
        lines = b"".join(taken)
        at += len(lines)
        row = {name: cell for name, cell in zip(names, cells, strict=False) if cell}
        if row or problem:
            after = Place(at, line + len(taken))
            yield Piece(line, after, header + lines, lines[-TAIL:], None if problem else row, problem)
        line += len(taken)


def _noted(file: BufferedIOBase, taken: list[bytes]) -> Iterator[str]:
    """The file's lines as text, each kept in `taken` as it is read."""
    while line := file.readline(LONGEST):
        taken.append(line)
        yield line.decode("utf-8", "replace")
