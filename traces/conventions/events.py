"""GenAI contents that come beside the attributes of their span: in log records, and in the events of a span.

Old conventions have an event per message, whose name alone may tell the role; newer ones one event with all of them.
https://github.com/open-telemetry/semantic-conventions/blob/v1.36.0/docs/gen-ai/gen-ai-events.md
https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-events/
"""

from collections.abc import Mapping
from typing import Final

from traces.conventions.contents import json_list, json_or_text
from traces.message_parts import first
from traces.messages import messages, text_message
from traces.records import Json
from traces.wire.jsontext import embedded

# What one event says: "input" and "output" (messages), "tools", "system"; "whole" where it says all of its span.
Said = dict[str, Json]

_ROLES: Final[Mapping[str, str]] = {
    "gen_ai.system.message": "system",
    "gen_ai.developer.message": "developer",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
_CHOICE: Final = "gen_ai.choice"
# Whole conversations as attributes, whatever the event is called; those of the last two are often plain texts.
_WHOLE: Final = (
    ("input", "gen_ai.input.messages", "user"),
    ("output", "gen_ai.output.messages", "assistant"),
    ("input", "gen_ai.prompt", "user"),
    ("output", "gen_ai.completion", "assistant"),
)
_NAME: Final = "event.name"  # where it stood before log records had a field for it
_BODIES: Final = ("gen_ai.event.content", "event_body", "body")  # a body as an attribute, of events that have none
_MEMBERS: Final = (
    "role", "content", "parts", "tool_calls", "tool_call_id", "name", "reasoning", "reasoning_content", "finish_reason",
)  # fmt: skip
_SAYING: Final = frozenset({"tool_calls", "reasoning", "finish_reason"})


def said(event: str, body: Json, attributes: Mapping[str, Json]) -> Said | None:
    """The contents that an event holds; None for one that holds none, or is about something else."""
    name = event or str(attributes.get(_NAME) or "")
    if name in _ROLES or name == _CHOICE:
        return _message(name, _members(body, attributes))
    found = _whole(attributes)
    return {**found, "whole": True} if found else None


def _members(body: Json, attributes: Mapping[str, Json]) -> Mapping[str, Json]:
    """The members of a message: the body, its JSON, or the attributes of an event that has no body."""
    told = first(attributes, *_BODIES) if body is None else body
    found = embedded(told) if isinstance(told, str) else told
    if isinstance(found, dict):
        return found
    return attributes if told is None else {"content": told}


def _message(name: str, members: Mapping[str, Json]) -> Said | None:
    """One message, if it says anything: senders that keep contents to themselves send it empty."""
    shape = _choice(members) if name == _CHOICE else dict(members)
    if not isinstance(shape.get("role"), str):
        shape["role"] = _ROLES.get(name, "assistant")
    if name == "gen_ai.tool.message":
        shape.setdefault("tool_call_id", shape.get("id"))
    kept = {member: shape[member] for member in _MEMBERS if shape.get(member) is not None}
    spoken = [message for message in messages([kept]) or [] if message.get("content") or message.keys() & _SAYING]
    return {"output" if name == _CHOICE else "input": spoken} if spoken else None


def _choice(members: Mapping[str, Json]) -> dict[str, Json]:
    """The message of a choice, with why it ended, which stands beside it."""
    inner = members.get("message")
    found = embedded(inner) if isinstance(inner, str) else inner
    shape = {"content": inner} if isinstance(inner, str) and found is None else found
    return {"finish_reason": members.get("finish_reason"), **(shape if isinstance(shape, dict) else members)}


def _whole(attributes: Mapping[str, Json]) -> Said:
    found: Said = {}
    for slot, name, role in _WHOLE:
        if slot not in found and (spoken := _spoken(attributes.get(name), role)):
            found[slot] = spoken
    if (system := json_or_text(attributes.get("gen_ai.system_instructions"), {}, True)) is not None:
        found["system"] = system.value
    if (tools := json_list(attributes.get("gen_ai.tool.definitions"), {}, True)) is not None:
        found["tools"] = tools.value
    return found


def _spoken(value: Json, role: str) -> Json:
    """Messages; a text that is none becomes one."""
    read = json_or_text(value, {}, True)
    if read is None:
        return None
    if isinstance(read.value, list):
        return messages(read.value) or read.value
    return [text_message(role, read.value)]
