"""A model call as the API took it: from the record in our shape back to OpenAI's request body. Pure.

Chat completions and embeddings, which every OpenAI-compatible server knows. What cannot be said again, such as an image
that is a file here, leaves a remark. https://platform.openai.com/docs/api-reference/chat/create
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import orjson

from traces.conversation import is_messages
from traces.records import Json, Payload, SpanRecord

NO_MODEL: Final = "MODEL"
_ROLES: Final = ("system", "developer", "user", "assistant", "tool")
_FORMATS: Final = {"text": "text", "json": "json_object", "json_object": "json_object"}
_OTHER_NAMES: Final = {"max_output_tokens": "max_tokens", "stop_sequences": "stop"}
_ONLY_OF_EMBEDDINGS: Final = frozenset({"encoding_format", "dimensions"})
# What clients record among a call's parameters but is no part of its body; some of it may hold a secret.
_NOT_SENT: Final = frozenset(
    {"model", "model_name", "messages", "input", "prompt", "tools", "functions", "stream", "stream_options", "timeout"}
    | {"api_key", "api_base", "api_version", "base_url", "headers", "extra_headers", "extra_body", "extra_query"}
    | {"organization", "max_retries", "request_timeout"}
)


@dataclass(frozen=True, slots=True)
class Request:
    """`body` goes to `path` below the API's address. `remarks` say how it differs from what was sent."""

    path: str
    body: dict[str, Json]
    remarks: list[str] = field(default_factory=list)


def can_be_asked(record: SpanRecord, payload: Payload) -> bool:
    """Whether such an API knows calls of this kind, and the input is there."""
    return record.kind in ("llm", "embedding") and payload.input not in (None, "", [])


def request_of(record: SpanRecord, payload: Payload) -> Request | None:
    """The request that asks the same again; None for what cannot be asked."""
    if not can_be_asked(record, payload):
        return None
    remarks = _remarks(record, payload)
    body: dict[str, Json] = {"model": record.model_requested or record.model or NO_MODEL}
    embedding = record.kind == "embedding"
    if embedding:
        body["input"] = _texts(payload.input)
    else:
        body["messages"] = _Messages(remarks).of(payload.input)
        if tools := [tool for one in payload.tools or [] if (tool := _tool(one))]:
            body["tools"] = tools
    body |= dict(_parameters(payload.parameters or {}, embedding))
    return Request("embeddings" if embedding else "chat/completions", _sayable(body), remarks)


def _remarks(record: SpanRecord, payload: Payload) -> list[str]:
    remarks = []
    if not record.model_requested and not record.model:
        remarks.append(f"Which model it was, was not sent: write its name in place of {NO_MODEL}.")
    if record.provider and record.provider.lower() not in ("openai", "openai_compatible"):
        remarks.append(
            f"It went to {record.provider}: let OPENAI_BASE_URL name an address that understands OpenAI's API."
        )
    if (payload.parameters or {}).get("stream"):
        remarks.append("It was streamed; the copy asks for the whole answer at once.")
    return remarks


def _parameters(said: dict[str, Json], embedding: bool) -> Iterator[tuple[str, Json]]:
    for name, value in said.items():
        if value is None or name in _NOT_SENT or name.startswith("_"):
            continue
        if name in _ONLY_OF_EMBEDDINGS and not embedding:
            continue
        if name == "response_format" and not isinstance(value, dict):
            if not isinstance(value, str) or value not in _FORMATS:
                continue
            value = {"type": _FORMATS[value]}
        yield _OTHER_NAMES.get(name, name), value


def _tool(one: Json) -> Json:
    """A tool's definition, from OpenAI's two shapes, OpenTelemetry's, Anthropic's or a bare function."""
    if not isinstance(one, dict):
        return None
    inner = one["function"] if isinstance(one.get("function"), dict) else one
    name = inner.get("name")
    if not isinstance(name, str) or not name:
        return None
    schema = next((inner[key] for key in ("parameters", "input_schema", "inputSchema") if inner.get(key)), None)
    told = {"name": name, "description": inner.get("description"), "parameters": schema, "strict": inner.get("strict")}
    return {"type": "function", "function": {key: value for key, value in told.items() if value is not None}}


def _texts(said: Json) -> Json:
    """What an embedding is asked for: one text, or a list of them."""
    if isinstance(said, str):
        return said
    if not isinstance(said, list):
        return _text(said)
    if said and all(type(one) is int for one in said):
        return said  # tokens
    return [_text(one.get("text", one.get("content", one))) if isinstance(one, dict) else _text(one) for one in said]


class _Messages:
    """One pass over the messages of a call, which pairs the results of tools with their calls."""

    def __init__(self, remarks: list[str]) -> None:
        self.remarks = remarks
        self.unanswered: list[str] = []
        self.called: set[str] = set()
        self.made = 0
        self.media = 0

    def of(self, said: Json) -> list[Json]:
        if not is_messages(said):
            if not isinstance(said, str):
                self.remarks.append("Its input is no list of messages; it stands here as the JSON that was sent.")
            return [{"role": "user", "content": _text(said)}]
        messages: list[Json] = []
        for one in said:
            message = self._message(one)
            if message["role"] == "tool" and message["tool_call_id"] not in self.called:
                messages.append(self._call_of(message["tool_call_id"], one))
            messages.append(message)
        if self.media:
            what = "1 medium is" if self.media == 1 else f"{self.media} media are"
            self.remarks.append(f"{what} left out: a note stands in each place. The step offers the files.")
        return messages

    def _call_of(self, call_id: str, result: dict[str, Json]) -> Json:
        """The call that a result needs before it, where none was sent."""
        self.called.add(call_id)
        self.remarks.append("A tool's result came without its call; a call without arguments stands before it.")
        function = {"name": str(result.get("name") or "tool"), "arguments": "{}"}
        return {"role": "assistant", "content": None, "tool_calls": [_call(call_id, function)]}

    def _message(self, said: dict[str, Json]) -> dict[str, Json]:
        role = next((known for known in _ROLES if known == said.get("role")), "user")
        message: dict[str, Json] = {"role": role, "content": self._content(said.get("content"))}
        if calls := self._calls(said.get("tool_calls")):
            message |= {"role": "assistant", "tool_calls": calls}
        elif message["content"] is None:
            message["content"] = ""
        if role == "tool":
            message["tool_call_id"] = self._answered(said.get("tool_call_id"))
        elif isinstance(said.get("name"), str):
            message["name"] = said["name"]
        return message

    def _content(self, content: Json) -> Json:
        if content is None or isinstance(content, str):
            return content
        if not isinstance(content, list):
            return _text(content)
        return [self._part(one) for one in content]

    def _part(self, one: Json) -> Json:
        if not isinstance(one, dict):
            return {"type": "text", "text": _text(one)}
        kind, url, data = one.get("type"), one.get("url"), one.get("data")
        if kind == "image" and isinstance(url, str) and url.startswith(("https://", "http://")):
            return {"type": "image_url", "image_url": {"url": url}}
        if kind == "image" and isinstance(data, str) and data:
            return {
                "type": "image_url",
                "image_url": {"url": f"data:{one.get('media_type') or 'image/png'};base64,{data}"},
            }
        if kind in ("image", "audio", "video", "file"):
            self.media += 1
            return {"type": "text", "text": f"[{one.get('media_type') or kind}, left out]"}
        return {"type": "text", "text": _text(one.get("text") if kind == "text" else one.get("value", one))}

    def _calls(self, calls: Json) -> list[Json]:
        found = []
        for one in calls if isinstance(calls, list) else []:
            if not isinstance(one, dict):
                continue
            arguments = one.get("arguments")
            function = {
                "name": str(one.get("name") or "tool"),
                "arguments": "{}" if arguments is None else _text(arguments),
            }
            found.append(_call(self._call_id(one.get("id")), function))
        return found

    def _call_id(self, sent: Json) -> str:
        call_id = sent if isinstance(sent, str) and sent else self._new_id()
        self.unanswered.append(call_id)
        self.called.add(call_id)
        return call_id

    def _new_id(self) -> str:
        self.made += 1
        return f"call_{self.made}"

    def _answered(self, sent: Json) -> str:
        """The id of the call that a result answers: as sent, else that of the first call without a result."""
        first = self.unanswered[0] if self.unanswered else ""
        call_id = sent if isinstance(sent, str) and sent else first or self._new_id()
        if call_id in self.unanswered:
            self.unanswered.remove(call_id)
        return call_id


def _call(call_id: str, function: dict[str, Json]) -> dict[str, Json]:
    return {"id": call_id, "type": "function", "function": function}


def _text(value: Json) -> str:
    if isinstance(value, str):
        return value
    try:
        return orjson.dumps(_sayable(value)).decode()
    except TypeError:  # an integer past 64 bits
        return str(value)


def _sayable(value: Json) -> Json:
    """`value` with what no server could read replaced: halves of characters, and numbers that are none."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_sayable(str(key)): _sayable(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_sayable(one) for one in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
