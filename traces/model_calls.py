"""The body of a model's request or response, as the providers' APIs and LangChain have it, to messages. Pure.

Some clients record these bodies whole. What they say beyond the messages is handed back as `rest`.
"""

from dataclasses import dataclass, field
from typing import Final

from traces.messages import Message, messages, text_message, with_system
from traces.records import Json

_INPUTS: Final = ("messages", "input", "contents", "prompt", "prompts")
_OUTPUTS: Final = ("choices", "generations", "output", "candidates", "content", "messages", "message")


@dataclass(frozen=True, slots=True)
class Body:
    """What a body says: its messages, and everything else by name. `tools` is left out of `rest`."""

    spoken: list[Message]
    rest: dict[str, Json] = field(default_factory=dict)
    tools: list[Json] | None = None


def request(value: Json) -> Body | None:
    """A request to a model; None for what is none."""
    if not isinstance(value, dict):
        return None
    name = next((name for name in _INPUTS if name in value), None)
    spoken = None if name is None else _asked(value[name])
    if spoken is None:
        return None
    system = next((value[key] for key in ("instructions", "system") if isinstance(value.get(key), (str, list))), None)
    if system is not None:
        spoken = with_system(system, spoken)
    tools = value.get("tools")
    left_out = (name, "instructions", "system", "tools") if system is not None else (name, "tools")
    rest = {key: said for key, said in value.items() if key not in left_out}
    return Body(spoken, rest, tools if isinstance(tools, list) and tools else None)


def response(value: Json) -> Body | None:
    """A model's response; None for what is none."""
    if not isinstance(value, dict):
        return None
    name = next((name for name in _OUTPUTS if name in value), None)
    if name is None:
        return None
    spoken = _answered(name, value)
    if spoken is None:
        return None
    return Body(spoken, {key: said for key, said in value.items() if key not in (name, "role")})


def _asked(value: Json) -> list[Message] | None:
    if isinstance(value, str):
        return [text_message("user", value)]
    if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
        return [text_message("user", one) for one in value]
    return messages(value)


def _answered(name: str, value: dict[str, Json]) -> list[Message] | None:
    said = value[name]
    if name == "choices":
        return messages([_choice(choice) for choice in said]) if isinstance(said, list) else None
    if name == "generations":
        return messages([_generation(one) for one in _flat(said)]) if isinstance(said, list) else None
    if name == "candidates":
        return messages([_candidate(one) for one in said]) if isinstance(said, list) else None
    if name == "content":
        return messages([{"role": value.get("role") or "assistant", "content": said}])
    return messages(said)


def _flat(value: list[Json]) -> list[Json]:
    return [one for group in value for one in (group if isinstance(group, list) else [group])]


def _choice(choice: Json) -> Json:
    """A chat's choice holds a message; the older completion's only a text."""
    if isinstance(choice, dict) and "message" not in choice and isinstance(choice.get("text"), str):
        return {"role": "assistant", "content": choice["text"], "finish_reason": choice.get("finish_reason")}
    return choice


def _generation(one: Json) -> Json:
    if not isinstance(one, dict):
        return one
    inner = one.get("message")
    if isinstance(inner, dict):
        return inner
    return {"role": "assistant", "content": one.get("text")}


def _candidate(one: Json) -> Json:
    if isinstance(one, dict) and isinstance(content := one.get("content"), dict):
        return {"role": "model", **content, "finish_reason": one.get("finishReason")}
    return one
