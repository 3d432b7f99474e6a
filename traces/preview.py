"""What was asked and what was answered, in one short line for lists and headings. Pure; the text stays hostile."""

from traces.logged import with_contents
from traces.records import Json, SpanRecord

PREVIEW_CHARACTERS = 300
# Where programs put the one text that matters when their input is an object, likeliest first.
ASKED_KEYS = ("question", "query", "input", "message", "user_message", "text", "prompt", "content")
ANSWERED_KEYS = ("answer", "output", "reply", "response", "result", "message", "text", "content")
_DEEPEST = 4
_NEARLY_ALWAYS_ENOUGH = PREVIEW_CHARACTERS + 50


def asked(record: SpanRecord) -> str | None:
    """What the customer's side said last: the newest user message, or the text that was given; None if neither is."""
    said = with_contents(record.payload).input
    messages = _messages(said)
    if messages is None:
        return _cut(_text(said, ASKED_KEYS))
    asking = [message for message in messages if message.get("role") == "user"] or messages
    return next((text for message in reversed(asking) if (text := _cut(message_text(message)))), None)


def answered(record: SpanRecord) -> str | None:
    """What was answered, None while nothing was."""
    said = with_contents(record.payload).output
    messages = _messages(said)
    if messages is None:
        return _cut(_text(said, ANSWERED_KEYS))
    return next((text for message in reversed(messages) if (text := _cut(message_text(message)))), None)


def message_text(message: dict[str, Json]) -> str:
    """The words of one message; what is not text is left out."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    texts = (part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text")
    return "\n".join(text for text in texts if isinstance(text, str))


def _messages(value: Json) -> list[dict[str, Json]] | None:
    if isinstance(value, list) and value and all(isinstance(one, dict) and "role" in one for one in value):
        return value
    return None


def _text(value: Json, keys: tuple[str, ...], depth: int = 0) -> str:
    if isinstance(value, str):
        return value
    if depth == _DEEPEST:
        return ""
    if isinstance(value, dict):
        return next((text for key in keys if (text := _text(value.get(key), keys, depth + 1))), "")
    if isinstance(value, list) and value:
        messages = _messages(value)
        return message_text(messages[-1]) if messages else _text(value[-1], keys, depth + 1)
    return ""


def _cut(text: str) -> str | None:
    line = _line(text[:_NEARLY_ALWAYS_ENOUGH])
    if len(line) <= PREVIEW_CHARACTERS and len(text) > _NEARLY_ALWAYS_ENOUGH:  # many blanks: more of it fits
        line = _line(text[: PREVIEW_CHARACTERS * 4])
    return (line[: PREVIEW_CHARACTERS - 1] + "…" if len(line) > PREVIEW_CHARACTERS else line) or None


def _line(text: str) -> str:
    """`text` in one line that a column can hold."""
    line = " ".join(text.split())
    if "\0" in line:
        line = line.replace("\0", "")
    return line if line.isascii() else line.encode("utf-8", "replace").decode()
