"""Files that Opik's SDK sends beside its spans: large base64 in a span is taken out, and a word for it left there."""

import binascii
import mimetypes
import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from traces.errors import Unreadable
from traces.ids import MAX_ID_CHARACTERS
from traces.records import Json, RawSpan
from traces.wire.jsontext import loads

# What the SDK leaves where a file stood: [input-attachment-8261-1795227312247-sdk.png]
_LEFT: Final = re.compile(r"\[((?:input|output|metadata)-attachment-\d+-\d+-sdk\.\w+)\]")
_DEEPEST: Final = 100
_LONGEST: Final = 500  # characters of a file's name, and of its type
_FIRST: Final = 1  # nanoseconds since 1970: it says nothing that another version of its span says


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of the trace or span (`entity`) of this id, as its sender names it."""

    entity: str
    entity_id: str
    name: str
    media_type: str

    @property
    def file(self) -> str:
        """The name under which it is kept."""
        return file_name(self.entity_id, self.name)

    @property
    def is_named_by_its_span(self) -> bool:
        """Whether the SDK took it out of what its trace or span says, and left a word for it there."""
        return _LEFT.fullmatch(f"[{self.name}]") is not None

    def query(self) -> dict[str, str]:
        """What the address for it says; `asked` reads it."""
        told = {"entity_type": self.entity, "entity_id": self.entity_id, "file_name": self.name}
        return {**told, "mime_type": self.media_type}

    def raw_span(self, trace_id: str) -> RawSpan:
        """A version of its trace or span that says only that it has this file."""
        raw = RawSpan(0, trace_id, self.entity_id, start_may_change=True, said_at_ns=_FIRST)
        raw.attributes[f"opik.attachment.{self.name}"] = part(self.entity_id, self.name, self.media_type)
        return raw


def announced(body: bytes) -> tuple[Attachment, str | None]:
    """The file that is to come, and the address that the SDK speaks to, with a slash at its end; None: it says none.

    `{"file_name", "entity_type", "entity_id", "mime_type", "path": the address in base64, …}`. Raises Unreadable.
    """
    said = loads(body)
    if not isinstance(said, dict):
        raise Unreadable("The body is no JSON object.")
    return asked(said), _address(said.get("path"))


def asked(said: Mapping[str, Json]) -> Attachment:
    """The file that is asked for by these words. Raises Unreadable."""
    entity, media_type = said.get("entity_type"), said.get("mime_type")
    if entity not in ("trace", "span"):
        raise Unreadable('"entity_type" is neither trace nor span.')
    entity_id = _text(said, "entity_id", MAX_ID_CHARACTERS)
    return Attachment(entity, entity_id, _text(said, "file_name", _LONGEST), str(media_type or "")[:_LONGEST])


def _text(said: Mapping[str, Json], name: str, longest: int) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not 0 < len(value.strip()) <= longest:
        raise Unreadable(f'"{name}" is no text of up to {longest:,} characters.')
    return value.strip()


def _address(encoded: Json) -> str | None:
    try:
        address = b64decode(encoded, validate=True).decode() if isinstance(encoded, str) else ""
    except (binascii.Error, ValueError):
        return None
    return address.rstrip("/") + "/" if address.startswith(("http://", "https://")) else None


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
