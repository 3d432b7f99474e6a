"""Messages, as any sender writes them, to the one shape that pages and answers use. Pure.

The shape: a list of {"role", "content": str | list of parts | null, "tool_calls"?: [{"id", "name", "arguments"}],
"tool_call_id"?, "name"?, "reasoning"?, "finish_reason"?}, parts as in `message_parts`. Content that is only text is
one string. What a message says beyond the shape stays on it under its own name.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from traces.message_parts import call_of, first, kind_of, part_of, result_of, text_of
from traces.records import Json

Message = dict[str, Json]
_ROLES: Final[Mapping[str, str]] = {
    "human": "user",
    "ai": "assistant",
    "aimessagechunk": "assistant",
    "model": "assistant",
    "function": "tool",
    "developer": "developer",
}
_LANGCHAIN_TYPES: Final = frozenset({"human", "ai", "system", "tool", "function", "chat", "AIMessageChunk"})
_PLACED: Final = frozenset({"role", "content", "contents", "parts"})
_CALLS: Final = ("tool_calls", "toolCalls")
_SIMPLE: Final = ("tool_call_id", "name", "finish_reason")
_REASONING: Final = ("reasoning", "reasoning_content")
# What the shape holds, or what says nothing beyond it.
_SHAPED: Final = frozenset(
    {"role", "content", "contents", "parts", "tool_calls", "tool_call_id", "name", "reasoning", "finish_reason"}
    | {"reasoning_content", "type", "object", "toolCalls", "tool_call", "id", "status"}
)


def messages(value: Json) -> list[Message] | None:
    """The messages that a list, or one object, spells; None where anything in it is no message."""
    if isinstance(value, dict):
        value = [value]
    if not isinstance(value, list) or not value:
        return None
    if len(value) == 1 and isinstance(value[0], list) and not _is_pair(value[0]):
        value = value[0]  # LangChain sends a list of conversations
    found: list[Message] = []
    for item in value:
        said = _item(item)
        if not said:
            return None
        found.extend(said)
    return found


def shaped(value: Json) -> Json:
    """A list of messages in the one shape; anything else, a single string included, as it is."""
    if not isinstance(value, list):
        return value
    found = messages(value)
    return value if found is None else found


def text_message(role: str, text: Json) -> Message:
    """One message that is one text."""
    return {"role": role, "content": text}


def with_system(system: Json, spoken: Json) -> Json:
    """`spoken` with a system prompt in front that was sent beside it, unless it is among them already."""
    parts = system if isinstance(system, list) else [system]
    content = _content([part_of(part) for part in parts])
    if content in (None, "") or not (spoken is None or isinstance(spoken, (list, str))):
        return spoken
    turns = [text_message("user", spoken)] if isinstance(spoken, str) else spoken or []
    if any(isinstance(turn, dict) and turn.get("content") == content for turn in turns):
        return turns
    return [text_message("system", content), *turns]


def _item(item: Json) -> list[Message]:
    if isinstance(item, list):
        return [text_message(_role(item[0]), item[1])] if _is_pair(item) else []
    if not isinstance(item, dict):
        return []
    bare = item if "role" in item and item.keys() <= _SHAPED else _bare(item)
    role = bare.get("role")
    if not isinstance(role, str):
        return _of_no_role(bare)
    return _with_role(_role(role), bare)


def _is_pair(item: list[Json]) -> bool:
    """("user", "Hello"), which LangChain takes for a message."""
    return len(item) == 2 and all(isinstance(one, str) for one in item)


def _bare(item: Mapping[str, Json]) -> Mapping[str, Json]:
    """The message itself, out of what OpenInference and LangChain wrap it in."""
    if isinstance(inner := item.get("message"), dict):
        return {"finish_reason": item.get("finish_reason"), **inner} if "finish_reason" in item else inner
    if isinstance(inner := item.get("kwargs"), dict) and "lc" in item:
        return _langchain(inner, inner.get("type") or _class_of(item))
    if isinstance(inner := item.get("data"), dict) and item.get("type") in _LANGCHAIN_TYPES:
        return _langchain(inner, item["type"])
    if "role" not in item and item.get("type") in _LANGCHAIN_TYPES and "content" in item:
        return _langchain(item, item["type"])
    return item


def _class_of(item: Mapping[str, Json]) -> str:
    path = item.get("id")
    name = str(path[-1]) if isinstance(path, list) and path else ""
    return name.removesuffix("Chunk").removesuffix("Message").lower()


def _langchain(inner: Mapping[str, Json], kind: Json) -> Mapping[str, Json]:
    """A LangChain message without its bookkeeping, which other fields of the span hold."""
    kept = {name: inner.get(name) for name in ("content", "tool_calls", "tool_call_id", "name") if inner.get(name)}
    return {"role": str(kind), "content": "", **kept}


def _role(role: str) -> str:
    lower = role.lower()
    return _ROLES.get(lower, lower)


def _of_no_role(item: Mapping[str, Json]) -> list[Message]:
    """The items of OpenAI's responses that are no messages, and messages that a client cut."""
    kind = kind_of(item) if "type" in item else ""
    if kind == "call":
        return [{"role": "assistant", "content": None, "tool_calls": [call_of(item)]}]
    if kind == "result":
        call_id, result = result_of(item)
        return [_result(call_id, result)]
    if kind == "reasoning":
        return [{"role": "assistant", "content": None, "reasoning": text_of(item) or ""}]
    if "type" not in item and ("content" in item or "tool_calls" in item) and set(item) <= _SHAPED:
        return _with_role("", item)
    return []


def _with_role(role: str, item: Mapping[str, Json]) -> list[Message]:
    parts = item.get("parts")
    if parts is None:
        parts = first(item, "contents", "content")
    message: Message = {"role": role, "content": parts}
    others: list[Message] = []
    if isinstance(parts, list):
        others = _sort_parts(parts, message)
    elif isinstance(parts, dict):
        message["content"] = _content([part_of(parts)])
    if more := item.keys() - _PLACED:
        _add_more(more, item, message)
    return others if others and message["content"] is None and "tool_calls" not in message else [message, *others]


def _add_more(names: AbstractSet[str], item: Mapping[str, Json], message: Message) -> None:
    """Put into `message` what `item` says beside its role and content: its members `names`."""
    if not names.isdisjoint(_CALLS):
        _add_calls(message, first(item, *_CALLS))
    for name in _SIMPLE:
        if name in names and item[name] not in (None, ""):
            message[name] = item[name]
    if not names.isdisjoint(_REASONING):
        reasoning = first(item, *_REASONING)
        if isinstance(reasoning, str) and reasoning:
            message["reasoning"] = reasoning
    if not names <= _SHAPED:
        message.update({name: said for name, said in item.items() if name not in _SHAPED and said})


def _only_text(parts: list[Json]) -> str | None:
    """The text of parts that are one text and nothing else, as nearly all are."""
    part = parts[0] if len(parts) == 1 else None
    if type(part) is not dict or len(part) != 2 or part.get("type") != "text":
        return None
    text = part.get("content") if "content" in part else part.get("text")
    return text if type(text) is str else None


def _sort_parts(parts: list[Json], message: Message) -> list[Message]:
    """Put each part where it belongs in `message`; the answers of tools become messages of their own."""
    if (text := _only_text(parts)) is not None:
        message["content"] = text
        return []
    content: list[Json] = []
    calls: list[Json] = []
    reasoning: list[str] = []
    results: list[Message] = []
    for part in parts:
        one = part["message_content"] if isinstance(part, dict) and "message_content" in part else part
        kind = kind_of(one) if isinstance(one, dict) else "text"
        if kind == "call":
            calls.append(one)
        elif kind == "result":
            results.append(_result(*result_of(one)))
        elif kind == "reasoning":
            reasoning.append(text_of(one) or "")
        else:
            content.append(part_of(one))
    message["content"] = _content(content)
    if reasoning:
        message["reasoning"] = "\n".join(reasoning)
    _add_calls(message, calls)
    return results


def _content(parts: list[Json]) -> Json:
    """Parts as one string where they are only text, null where there are none."""
    if not parts:
        return None
    if all(part["type"] == "text" for part in parts):
        return parts[0]["text"] if len(parts) == 1 else "\n".join(part["text"] for part in parts)
    return parts


def _add_calls(message: Message, calls: Json) -> None:
    found = [call for one in calls if (call := call_of(one))] if isinstance(calls, list) else []
    if found:
        message.setdefault("tool_calls", []).extend(found)


def _result(call_id: Json, result: Json) -> Message:
    content = result
    if result is not None and not isinstance(result, str):
        content = _content([part_of(one) for one in (result if isinstance(result, list) else [result])])
    message: Message = {"role": "tool", "content": content}
    return {**message, "tool_call_id": call_id} if call_id is not None else message
