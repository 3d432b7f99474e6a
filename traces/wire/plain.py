"""The plain record of `POST /api/v1/traces`: JSON that people write by hand, to RawSpan.

A body is one record, a trace (a record with `spans`), a list of both, or one of these per line. What a record says by
the names of `SpanRecord` lands in `RawSpan.fields`, checked; all other keys land in `attributes`.
"""

from collections.abc import Callable, Iterator
from typing import Final

from traces.errors import Unreadable
from traces.records import Json, RawSpan, Rejection
from traces.wire.decoded import Decoded
from traces.wire.jsontext import TooDeep, loads
from traces.wire.plain_record import Refused, raw_span
from traces.wire.plain_trace import flattened

_LINES: Final = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")
_LINES_SHORT: Final = ("ndjson", "jsonl")
_NO_LINE: Final = "No line of the body is JSON; send one JSON record per line."


def decode(body: bytes, content_type: str | None) -> Decoded:
    """The records of a body, in order; a trace counts as its spans.

    JSON is read under any content type that is not one of JSON lines, because curl says form data of it unless told
    otherwise. A record that cannot be taken is a rejection with a sentence, and the others are stored. Raises
    Unreadable when there is nothing to read at all.
    """
    return decoded(_flattened(items(body, content_type)), raw_span)


def decoded(items: Iterator[Json | Refused], read: Callable[[int, Json], RawSpan]) -> Decoded:
    """What `read` makes of each item; of what it refuses, a rejection."""
    done = Decoded()
    for index, item in enumerate(items):
        try:
            if isinstance(item, Refused):
                raise item
            done.spans.append(read(index, item))
        except Refused as refused:
            done.rejected.append(Rejection(index, f"records[{index}]: {refused}"))
    return done


def items(body: bytes, content_type: str | None) -> Iterator[Json | Refused]:
    """The JSON values of a body in order: one, those of a list, or one per line; Refused for a line that is no JSON.

    Raises Unreadable when there is nothing to read at all.
    """
    if not body.strip():
        raise Unreadable("The body is empty; send a JSON record, a list of them, or one per line.")
    word = (content_type or "").partition(";")[0].strip().lower()
    return _lines(body) if word in _LINES or word in _LINES_SHORT else _values(body, word)


def _flattened(items: Iterator[Json | Refused]) -> Iterator[Json | Refused]:
    for item in items:
        if isinstance(item, dict) and "spans" in item:
            yield from flattened(item)
        else:
            yield item


def _values(body: bytes, word: str) -> Iterator[Json | Refused]:
    try:
        value = loads(body)
    except TooDeep:
        raise
    except Unreadable as error:
        why = f"The body is no JSON: {str(error).removeprefix('The JSON cannot be read: ')}"
        if word != "application/json" and b"\n" in body.strip():
            return _lines(body, f"{why} Nor is one of its lines.")  # a file of lines, sent by `curl --data-binary`
        raise Unreadable(why) from error
    if not isinstance(value, (dict, list)):
        raise Unreadable("The body is neither a JSON object nor a list of them.")
    if value == []:
        raise Unreadable("The list is empty; send at least one record.")
    return iter(value if isinstance(value, list) else [value])


def _lines(body: bytes, none: str = _NO_LINE) -> Iterator[Json | Refused]:
    """One value per line; blank lines count for nothing. A line that is no JSON is one refused record.

    Raises Unreadable, with the words `none`, where no line is JSON.
    """
    items: list[Json | Refused] = []
    for line in body.splitlines():
        if line.strip():
            try:
                items.append(loads(line))
            except Unreadable as error:
                items.append(Refused(f"the line is no JSON; {str(error)[0].lower()}{str(error)[1:]}"))
    if all(isinstance(item, Refused) for item in items):
        raise Unreadable(none)
    return iter(items)
