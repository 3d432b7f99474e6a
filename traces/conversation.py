"""What was said in a step, cut into pieces that a page can show: long ones folded, media as placeholders. Pure.

Every text here is hostile; it leaves as text, and templates escape it.
"""

from dataclasses import dataclass, field, replace

import orjson

from traces import media
from traces.records import Json

FOLD_BYTES = 20_000  # longer texts are loaded when they are opened
OPEN_BYTES = 100_000  # of a conversation; what stands before its last so many is folded too
SHOWN_CHARACTERS = 2_000  # of a folded text, enough for its first line
_NOT_WORTH_FOLDING = 500  # bytes

_ROLE_WORDS = {
    "system": "System",
    "developer": "System",
    "user": "Customer",
    "human": "Customer",
    "assistant": "Assistant",
    "ai": "Assistant",
    "model": "Assistant",
    "tool": "Tool",
    "function": "Tool",
}
_TONES = {"System": "system", "Customer": "user", "Assistant": "assistant", "Tool": "tool"}
_MEDIA = ("image", "audio", "video", "file")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a message. `text` is cut when `folded`; `size_bytes` is that of the whole; `part` names it."""

    kind: str  # text, code, reasoning, tool_call, tool_result, image or media
    text: str
    size_bytes: int
    part: str
    title: str = ""
    folded: bool = False
    media: str | None = None  # the name of the file that a medium is in


@dataclass(frozen=True, slots=True)
class Message:
    """One turn: who spoke, in a word and as the sender named the role, and what."""

    role: str
    role_word: str
    tone: str
    pieces: list[Piece] = field(default_factory=list)


def conversation(value: Json, part: str, alone: str) -> list[Message]:
    """`value` (a payload's input or output) as messages; what is not messages becomes one of the role word `alone`.

    `part` is the payload's field, and begins the name of every piece: `input.2` is the third message.
    """
    if value is None or value == "" or value == []:
        return []
    if is_messages(value):
        return folded([message_of(message, f"{part}.{place}") for place, message in enumerate(value)])
    tone = "user" if part == "input" else "assistant"
    return [Message("", alone, tone, [piece_of("text" if isinstance(value, str) else "code", value, part)])]


def attached(attributes: dict[str, Json]) -> list[Message]:
    """The files among the attributes of a step, which its sender gave it beside what was said; none or one message."""
    pieces = [_media(one, name) for name, one in attributes.items() if is_attached(one)]
    return [Message("", "Attached", "documents", pieces)] if pieces else []


def is_attached(value: Json) -> bool:
    """Whether an attribute is a file that is kept."""
    return media.named(value) is not None and value.get("type") in _MEDIA


def folded(messages: list[Message]) -> list[Message]:
    """`messages`, open from the last one back as far as a page stays quick."""
    left = OPEN_BYTES
    for message in reversed(messages):
        for place, piece in reversed(list(enumerate(message.pieces))):
            if piece.folded or piece.kind in ("image", "media"):
                continue
            left -= piece.size_bytes
            if left < 0 and piece.size_bytes > _NOT_WORTH_FOLDING:
                message.pieces[place] = replace(piece, text=piece.text[:SHOWN_CHARACTERS], folded=True)
    return messages


def is_messages(value: Json) -> bool:
    """Whether `value` is a list of messages in the one shape."""
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) and "role" in one for one in value)


def text_at(payload: dict[str, Json], part: str) -> str | None:
    """The whole text of the piece that `part` names, such as `input.0.content.1.text`; None when there is none."""
    value: Json = payload
    for step in part.split("."):
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isascii() and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return None if value is None else as_text(value)


def as_text(value: Json) -> str:
    """A text as it is, anything else as indented JSON."""
    if isinstance(value, str):
        return value
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    except TypeError:  # an integer past 64 bits
        return str(value)


def message_of(message: dict[str, Json], part: str) -> Message:
    """One message of the one shape. `part` begins the names of its pieces."""
    role = str(message.get("role") or "")
    word = _ROLE_WORDS.get(role.lower(), role or "Unknown role")
    tone = _TONES.get(word, "documents")
    title = str(message.get("name") or message.get("tool_call_id") or "") if tone == "tool" else ""
    pieces = [piece_of("reasoning", message["reasoning"], f"{part}.reasoning")] if message.get("reasoning") else []
    content = message.get("content")
    if isinstance(content, list):
        pieces += [_part_piece(one, f"{part}.content.{place}") for place, one in enumerate(content)]
    elif content not in (None, ""):
        kind = "tool_result" if tone == "tool" else "text" if isinstance(content, str) else "code"
        pieces.append(piece_of(kind, content, f"{part}.content", title))
    for place, call in enumerate(message.get("tool_calls") or []):
        if isinstance(call, dict):
            name = str(call.get("name") or "a tool")
            pieces.append(piece_of("tool_call", call.get("arguments"), f"{part}.tool_calls.{place}.arguments", name))
    return Message(role, word, tone, pieces)


def _part_piece(one: Json, part: str) -> Piece:
    if not isinstance(one, dict):
        return piece_of("text" if isinstance(one, str) else "code", one, part)
    kind = one.get("type")
    if kind == "text":
        return piece_of("text", one.get("text"), f"{part}.text")
    if kind in _MEDIA:
        return _media(one, part)
    if kind == "reasoning":
        return piece_of("reasoning", one.get("text"), f"{part}.text")
    return piece_of("code", one.get("value", one), f"{part}.value" if "value" in one else part)


def _media(one: dict[str, Json], part: str) -> Piece:
    kind = str(one.get("type"))
    title = f"{kind.capitalize()} {one.get('media_type') or ''}".strip()
    url = one.get("url")
    text = str(url) if url and not str(url).startswith("data:") else str(one.get("name") or "")
    data = one.get("data") or (str(url).partition(",")[2] if url else "")
    name, size = media.named(one), one.get("size_bytes")
    size_bytes = size if name and isinstance(size, int) else _decoded_size(data)
    return Piece("image" if kind == "image" else "media", text, size_bytes, part, title, media=name)


def _decoded_size(data: Json) -> int:
    """The bytes that base64 text stands for, without decoding it."""
    text = data if isinstance(data, str) else ""
    return max(len(text) * 3 // 4 - text[-2:].count("="), 0)


def piece_of(kind: str, value: Json, part: str, title: str = "") -> Piece:
    """A stretch that shows `value`, folded when it is long."""
    text = as_text(value) if value is not None else ""
    size = len(text.encode("utf-8", "replace"))
    if size > FOLD_BYTES:
        return Piece(kind, text[:SHOWN_CHARACTERS], size, part, title, folded=True)
    return Piece(kind, text, size, part, title)
