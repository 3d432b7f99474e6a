"""Files that Opik's SDK sends beside its spans: large base64 in a span is taken out, and a word for it left there."""

import mimetypes
import re
from hashlib import sha256
from typing import Final

from traces.records import Json

# What the SDK leaves where a file stood: [input-attachment-8261-1795227312247-sdk.png]
_LEFT: Final = re.compile(r"\[((?:input|output|metadata)-attachment-\d+-\d+-sdk\.\w+)\]")
_DEEPEST: Final = 100


def file_name(entity_id: str, name: str) -> str:
    """The name under which the file `name` of a trace or span is kept, 64 hex digits, whichever of them comes first.

    Not that of its contents, which are not known where the span is read.
    """
    return sha256(f"opik\0{entity_id.strip().lower()}\0{name}".encode("utf-8", "replace")).hexdigest()


def part(entity_id: str, name: str, media_type: str | None = None) -> dict[str, Json]:
    """The part of a message that stands for a file of a trace or span."""
    media_type = media_type or mimetypes.guess_type(name)[0] or ""
    kind = media_type.partition("/")[0]
    said: dict[str, Json] = {"type": kind if kind in ("image", "audio", "video") else "file"}
    if media_type:
        said["media_type"] = media_type
    return {**said, "name": name, "media": file_name(entity_id, name)}


def with_files(value: Json, entity_id: str, depth: int = 0) -> Json:
    """`value` with the parts of its files where only a word for each was left."""
    if isinstance(value, str):
        left = _LEFT.fullmatch(value)
        return part(entity_id, left[1]) if left else value
    if depth == _DEEPEST:
        return value
    if isinstance(value, list):
        return [with_files(one, entity_id, depth + 1) for one in value]
    if isinstance(value, dict):
        return {name: with_files(one, entity_id, depth + 1) for name, one in value.items()}
    return value
