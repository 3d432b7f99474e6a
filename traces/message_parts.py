"""One part of a message, as any sender writes it, to the one shape. Pure.

The shape of a part: {"type": "text", "text"}, {"type": "image" | "audio" | "video" | "file", "media_type"?, "data"?
(base64), "url"?, "media"? (the name of a file)}, or {"type": "other", "value"} for what is none of these. Known here:
OpenTelemetry's parts, OpenAI's chat and responses, Anthropic's and Gemini's content, the AI SDK's, LangChain's and
OpenInference's.
"""

import re
from collections.abc import Mapping
from typing import Final

from traces.records import Json
from traces.wire.jsontext import embedded

Part = dict[str, Json]
# The end of an address that was given for an image of Traceloop's: the name of its file.
_KEPT_HERE: Final = re.compile(r"/v2/traces/\d+/spans/\d+/images/[^/]+/([0-9a-f]{64})\Z")
_TEXTS: Final = frozenset({"text", "input_text", "output_text", "summary_text", "refusal"})
_REASONING: Final = frozenset({"reasoning", "thinking", "redacted_thinking"})
_CALLS: Final = frozenset(
    {"tool_call", "tool_use", "tool-call", "function_call", "server_tool_use", "server_tool_call"}
)
_RESULTS: Final = frozenset(
    {"tool_call_response", "tool_result", "tool-result", "function_call_output", "server_tool_call_response"}
)
_MEDIA: Final[Mapping[str, str]] = {
    "image": "image",
    "image_url": "image",
    "input_image": "image",
    "audio": "audio",
    "input_audio": "audio",
    "video": "video",
    "file": "file",
    "input_file": "file",
    "document": "file",
    "blob": "file",
    "uri": "file",
    "inline_data": "file",
}
# Where senders put what a medium is made of, outermost first.
_HOLDERS: Final = ("image", "image_url", "input_audio", "audio", "file", "source", "inline_data", "inlineData")
_DATA: Final = ("data", "content", "file_data", "base64")
_URLS: Final = ("url", "uri", "image_url", "file_uri", "file_url", "file_id", "fileUri")
_MEDIA_TYPES: Final = ("mime_type", "media_type", "mediaType", "mimeType", "format")


def first(value: Mapping[str, Json], *names: str) -> Json:
    """The first of some members that is there and not null."""
    for name in names:
        found = value.get(name)
        if found is not None:
            return found
    return None


def decoded(arguments: Json) -> Json:
    """A tool's arguments: decoded where the text is JSON, else the text."""
    if isinstance(arguments, str):
        found = embedded(arguments)
        return arguments if found is None else found
    return arguments


def kind_of(part: Mapping[str, Json]) -> str:
    """What a part is: text, reasoning, call, result, media or other."""
    kind = part.get("type")
    if not isinstance(kind, str):
        return _kind_untold(part)
    for kinds, word in ((_TEXTS, "text"), (_CALLS, "call"), (_RESULTS, "result"), (_REASONING, "reasoning")):
        if kind in kinds:
            return word
    return "media" if kind in _MEDIA else "other"


def _kind_untold(part: Mapping[str, Json]) -> str:
    """Gemini tells the kind of a part by the member that it has."""
    if isinstance(part.get("text"), str):
        return "text"
    for member, word in (
        ("function_call", "call"),
        ("functionCall", "call"),
        ("inline_data", "media"),
        ("inlineData", "media"),
    ):
        if isinstance(part.get(member), dict):
            return word
    return "other"


def part_of(value: Json) -> Part:
    """Any part that is content: a text, a medium, or something else kept whole."""
    if isinstance(value, str):
        return {"type": "text", "text": value}
    if not isinstance(value, dict):
        return {"type": "other", "value": value}
    kind = kind_of(value)
    if kind == "text":
        text = text_of(value)
        return {"type": "other", "value": value} if text is None else {"type": "text", "text": text}
    if kind == "media" and (medium := _media(value)):
        return medium
    return value if value.keys() == {"type", "value"} else {"type": "other", "value": value}


def text_of(part: Mapping[str, Json]) -> str | None:
    """What a text or reasoning part says."""
    text = first(part, "content", "text", "thinking", "refusal", "reasoning", "data")
    if isinstance(text, str):
        return text
    if text is None and isinstance(summary := part.get("summary"), list):
        return "\n".join(str(one.get("text", "")) for one in summary if isinstance(one, dict))
    return None


def call_of(call: Json) -> dict[str, Json] | None:
    """{"id", "name", "arguments"} of a tool call in any spelling; None for what is no call."""
    if not isinstance(call, dict):
        return None
    whole = call["tool_call"] if isinstance(call.get("tool_call"), dict) else call
    nested = first(whole, "function", "function_call", "functionCall")
    inner: Mapping[str, Json] = nested if isinstance(nested, dict) else whole
    name = first(inner, "name", "toolName", "tool_name") or first(whole, "name")
    arguments = first(inner, "arguments", "args", "input")
    if name is None and arguments is None:
        return None
    call_id = first(whole, "call_id", "id", "toolCallId", "tool_call_id")
    return {"id": call_id, "name": name, "arguments": decoded(arguments)}


def result_of(part: Mapping[str, Json]) -> tuple[Json, Json]:
    """The id of the call that a result answers, and what came back."""
    call_id = first(part, "tool_use_id", "toolCallId", "tool_call_id", "call_id", "id")
    return call_id, first(part, "response", "result", "output", "content")


def _media(part: Mapping[str, Json]) -> Part | None:
    kind = _MEDIA.get(str(part.get("type")), "file")
    holder: Mapping[str, Json] = part
    found: dict[str, Json] = {}
    for _ in range(4):  # {"image": {"image": {"url": …}}} is three deep
        _collect(holder, found)
        inner = next((holder[name] for name in _HOLDERS if isinstance(holder.get(name), (dict, str))), None)
        if isinstance(inner, str):
            _place(inner, found)
        if not isinstance(inner, dict):
            break
        holder = inner
    if found.keys().isdisjoint(("data", "url", "media")):
        return None
    modality = str(part.get("modality") or found.get("media_type") or "").partition("/")[0]
    return {"type": modality if kind == "file" and modality in ("image", "audio", "video") else kind, **found}


def _collect(holder: Mapping[str, Json], found: Part) -> None:
    media_type = first(holder, *_MEDIA_TYPES)
    if isinstance(media_type, str):
        found.setdefault("media_type", media_type)
    url = first(holder, *_URLS)
    if isinstance(url, str):
        _place(url, found)
    data = first(holder, *_DATA)
    if isinstance(data, str):
        _place(data, found) if data.startswith("data:") else found.setdefault("data", data)
    for apart in (url, data):
        if isinstance(apart, dict) and "media" in apart:  # the part of a file that was sent apart
            found.update({name: said for name, said in apart.items() if name != "type"})


def _place(text: str, found: Part) -> None:
    """A data URI is taken apart, so that its bytes stand in one place; anything else is an address."""
    if not text.startswith("data:"):
        found.setdefault("url", text)
        if kept := _KEPT_HERE.search(text):
            found.setdefault("media", kept[1])
        return
    head, _, data = text.partition(",")
    media_type = head.removeprefix("data:").partition(";")[0]
    if media_type:
        found.setdefault("media_type", media_type)
    found.setdefault("data", data)
