"""Media that Langfuse's SDKs take out of inputs and outputs, and the words they leave for them. Pure.

@@@langfuseMedia:type=image/png|id=a3-kNPkqi4CqsC2b8aEuSf|source=base64_data_uri@@@
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from traces.conventions.table import ContentReader, Reading
from traces.media import KINDS
from traces.records import Json

MARK: Final = "@@@langfuseMedia:"
_LEFT: Final = re.compile(r"@@@langfuseMedia:type=([\w.+-]{1,60}/[\w.+-]{1,60})\|id=([\w-]{1,100})\|source=\w{1,40}@@@")
_DEEPEST: Final = 60


def file_name(media_id: str) -> str:
    """The name that a medium is kept by, 64 hex digits: of its id, which says only a part of its contents' hash."""
    return sha256(f"langfuse\0{media_id}".encode("utf-8", "replace")).hexdigest()


def with_media(read: ContentReader) -> ContentReader:
    """`read`, and in what it gives a part that names its file for each word that stands for one."""

    def reader(value: Json, attributes: Mapping[str, Json], model_call: bool) -> Reading | None:
        reading = read(value, attributes, model_call)
        if reading is not None and (not isinstance(value, str) or MARK in value):
            reading.value = _told(reading.value)
        return reading

    return reader


def _told(value: Json, depth: int = 0) -> Json:
    if isinstance(value, str):
        return _part(value) or value
    if depth == _DEEPEST:
        return value
    if isinstance(value, list):
        return [_told(one, depth + 1) for one in value]
    if isinstance(value, dict):
        for place in ("url", "data") if value.get("type") in KINDS else ():
            if part := _part(value.get(place)):
                return {**{name: one for name, one in value.items() if name != place}, **part}
        return {name: _told(one, depth + 1) for name, one in value.items()}
    return value


def _part(word: Json) -> dict[str, Json] | None:
    left = _LEFT.fullmatch(word) if isinstance(word, str) and word.startswith(MARK) else None
    if left is None:
        return None
    kind = left[1].partition("/")[0]
    return {"type": kind if kind in KINDS else "file", "media_type": left[1], "media": file_name(left[2])}
