"""What Traceloop's SDK asks of its own server beside taking spans: annotations, to Score, and images. Pure.

https://www.traceloop.com/docs/api-reference; read off traceloop-sdk 0.62.4 (annotation/, images/, fetcher.py).
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from traces.errors import Unreadable
from traces.ids import MAX_ID_CHARACTERS
from traces.records import Json, Rejection
from traces.wire import scores
from traces.wire.jsontext import loads
from traces.wire.plain_values import Refused

# Answered to its look-ups of prompts, and of whose contents may be recorded: anything else ends the caller's program.
PROMPTS: Final[Json] = {"prompts": []}
CONTENTS_ALLOWED: Final[Json] = {"associationPropertyAllowList": []}
_MOST_TAGS: Final = 100
_BLANKED: Final = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Annotation:
    """One annotation of `entity`: a value of an association property, and so most often a session or request."""

    entity: str
    tags: dict[str, Json]
    said: dict[str, Json]  # who annotated what, beside the tags


def annotation(body: bytes, task: str) -> Annotation:
    """`{"entity_instance_id", "tags": {…}, "source", "flow", "actor"}` of the task that the address names.

    Raises Unreadable.
    """
    found = loads(body)
    if not isinstance(found, dict):
        raise Unreadable("The body is no JSON object.")
    entity, tags = found.get("entity_instance_id"), found.get("tags")
    named = _BLANKED.sub(" ", entity).strip() if isinstance(entity, str) else ""
    if not 0 < len(named) <= MAX_ID_CHARACTERS:
        raise Unreadable(f'"entity_instance_id" is no id; write a string of up to {MAX_ID_CHARACTERS:,} characters.')
    if not isinstance(tags, dict) or not 0 < len(tags) <= _MOST_TAGS:
        raise Unreadable(f'"tags" is no object with 1 to {_MOST_TAGS} members.')
    said = {name: value for name, value in found.items() if name not in ("entity_instance_id", "tags")}
    return Annotation(named, tags, {"annotation_task": task, **said})


def scores_of(told: Annotation, target: str) -> tuple[list[scores.Score], list[Rejection]]:
    """One score for each tag, and for each value of one that has several; `target` is what the entity turned out to be.

    A tag that is annotated again has the new value; of a list each value is a score of its own.
    """
    return scores.taken(_plain(told, target))


def _plain(told: Annotation, target: str) -> Iterator[Json | Refused]:
    source = "user" if told.said.get("flow") == "user_feedback" else "code"
    shared = {target: told.entity, "source": source, "metadata": told.said}
    for name, value in told.tags.items():
        for place, one in enumerate(value if isinstance(value, list) else [value]):
            key = f"traceloop\0{told.said['annotation_task']}\0{told.entity}\0{name}\0{place}"
            yield {**shared, "id": _digest(key)[:32], "name": name, "value": one}


def image_name(body: bytes) -> str:
    """Of `{"image_name"}`, by which a place for an image is asked for. Raises Unreadable."""
    found = loads(body)
    name = found.get("image_name") if isinstance(found, dict) else None
    if not isinstance(name, str) or not name:
        raise Unreadable('The body has no "image_name".')
    return name


def image_file(trace_id: str, span_id: str, name: str) -> str:
    """The name of the file that an image is kept in, 64 hex digits. Traceloop writes both ids as decimal numbers."""
    return _digest(f"traceloop\0{trace_id}\0{span_id}\0{name}")


def image_data(body: bytes) -> bytes:
    """The image of `{"image_data": base64}`. Raises Unreadable."""
    found = loads(body)
    encoded = found.get("image_data") if isinstance(found, dict) else None
    if not isinstance(encoded, str):
        raise Unreadable('The body has no "image_data".')
    try:
        return b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Unreadable('"image_data" is no base64.') from error


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "replace")).hexdigest()
