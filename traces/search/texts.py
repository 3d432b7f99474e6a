"""What of a span is read as text: what was said, asked of tools, looked up, answered, and what went wrong. Pure."""

from collections.abc import Iterable, Iterator
from typing import Final

from traces.queries.spans import StoredSpan
from traces.records import Json, Payload

# Members of messages and their parts that nobody wrote.
_UNSAID: Final = frozenset({"role", "type", "finish_reason", "media_type", "tool_call_id"})
_MEDIA: Final = frozenset({"image", "audio", "video", "file"})


def texts_of(span: StoredSpan, payload: Payload, sent: Iterable[tuple[str, str]]) -> list[str]:
    """The texts of a span, each a stretch that a phrase may stand in. `sent`: its `facts.metadata`."""
    record = span.record
    found = [name for name in (record.name, record.tool_name, record.status_message) if name]
    for said in (payload.output, payload.parsed_output, payload.input, payload.documents):
        found.extend(strings(said))
    for event in payload.events or ():
        found.extend(strings(event.get("attributes")))
    found += [value for _, value in sent]
    return found


def strings(value: Json) -> Iterator[str]:
    """Every text in a value, and every number; a member of an object as `name: value`."""
    stack = [value]
    while stack:
        one = stack.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, list):
            stack += reversed(one)
        elif isinstance(one, dict):
            stack += reversed(list(_members(one)))
        elif one is not None and not isinstance(one, bool):
            yield str(one)


def _members(one: dict[str, Json]) -> Iterator[Json]:
    """What an object says: of messages and parts only the words, else the names of its members too."""
    if "role" in one or "type" in one or "arguments" in one:
        hidden = _UNSAID | {"data"} if one.get("type") in _MEDIA else _UNSAID
        yield from (value for name, value in one.items() if name not in hidden)
        return
    for name, value in one.items():
        if isinstance(value, dict | list):
            yield name
            yield value
        elif value is not None:
            yield f"{name}: {_plain(value)}"


def _plain(value: Json) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
