"""How content attributes are read: messages, bodies of model calls, documents, tool definitions, JSON of any kind."""

from collections.abc import Mapping
from typing import Final

from traces import model_calls
from traces.conventions.table import ContentReader, Reading
from traces.conventions.values import count, finish_reason, text
from traces.errors import Unreadable
from traces.message_parts import first
from traces.messages import messages as read_messages
from traces.messages import shaped
from traces.records import Json
from traces.wire.jsontext import embedded, loads

_JSON_TYPES: Final = ("application/json", "json")


def messages(value: Json, attributes: Mapping[str, Json], model_call: bool) -> Reading | None:
    """A list of messages, structured or as JSON; a text that is no JSON is kept as the text."""
    found = embedded(value) if isinstance(value, str) else value
    if found is None:
        return Reading(value) if value else None
    return Reading(shaped(found)) if found else None


def flat_messages(value: Json, attributes: Mapping[str, Json], model_call: bool) -> Reading | None:
    """Messages whose every member is an attribute of its own: `….0.message.role`."""
    found = read_messages(value)
    return None if found is None else Reading(found)


def json_or_text(value: Json, attributes: Mapping[str, Json], model_call: bool) -> Reading | None:
    """Whatever it is, decoded where it is JSON."""
    if value in (None, ""):
        return None
    if isinstance(value, str) and value[0] == value[-1] == '"':
        return json_value(value, attributes, model_call)
    found = embedded(value) if isinstance(value, str) else value
    return Reading(value if found is None else found)


def flat_tools(value: Json, attributes: Mapping[str, Json], model_call: bool) -> Reading | None:
    """Tool definitions, each a JSON text in an attribute of its own."""
    whole = [one.get("tool", one) if isinstance(one, dict) else one for one in _listed(value)]
    return Reading([_decoded(one.get("json_schema", one)) if isinstance(one, dict) else one for one in whole])


def json_object(value: Json, attributes: Mapping[str, Json], model_call: bool) -> Reading | None:
    """A JSON object, structured or as its text; what its members mean is looked up, and it is kept whole."""
    found = embedded(value) if isinstance(value, str) else value
    return Reading(found, rest=found) if isinstance(found, dict) and found else None


def json_settings(value: Json, attributes: Mapping[str, Json], model_call: bool) -> Reading | None:
    """A JSON object of parameters, structured or as its text."""
    found = embedded(value) if isinstance(value, str) else value
    return Reading(found) if isinstance(found, dict) and found else None


def json_value(value: Json, attributes: Mapping[str, Json], model_call: bool) -> Reading | None:
    """From senders that write every value as JSON: decoded, a text in quotes included."""
    if not isinstance(value, str):
        return json_or_text(value, attributes, model_call)
    try:
        return Reading(loads(value)) if value else None
    except Unreadable:
        return Reading(value)


def body_in(value: Json, attributes: Mapping[str, Json], model_call: bool) -> Reading | None:
    """Input that is JSON where it looks so. A model's request becomes its messages."""
    return _body_in(_any_json(value), model_call)


def body_out(value: Json, attributes: Mapping[str, Json], model_call: bool) -> Reading | None:
    """Output that is JSON where it looks so. A model's response, or its one message, becomes messages."""
    found = _any_json(value)
    if model_call and isinstance(found, dict) and "role" in found and (spoken := read_messages(found)):
        return Reading(spoken)
    return _body_out(found, model_call)


def json_list(value: Json, attributes: Mapping[str, Json], model_call: bool) -> Reading | None:
    """A JSON list, structured or as its text; of strings that are JSON themselves, what they spell."""
    found = embedded(value) if isinstance(value, str) else value
    if not isinstance(found, list) or not found:
        return None
    return Reading([_decoded(one) for one in found])


def documents(value: Json, attributes: Mapping[str, Json], model_call: bool) -> Reading | None:
    """What a retrieval found, as a list of {"id", "text", "score", "metadata"}, each member only where it was sent."""
    found = embedded(value) if isinstance(value, str) else value
    if not isinstance(found, list) or not found:
        return None
    return Reading([_document(one) for one in found])


def documents_of(output: Json) -> list[Json] | None:
    """The documents that a retrieval gave back as its output, alone or under a name; None where it is none."""
    found = first(output, "documents", "results", "matches") if isinstance(output, dict) else output
    if not isinstance(found, list) or not found or not all(isinstance(one, dict) for one in found):
        return None
    return [_document(one) for one in found]


def ai_sdk_answer(value: Json, attributes: Mapping[str, Json], model_call: bool) -> Reading | None:
    """A text, tool calls or both, of which the AI SDK makes two attributes."""
    text_said, calls = attributes.get("ai.response.text"), _any_json(attributes.get("ai.response.toolCalls"))
    content = text_said if text_said not in (None, "") else None
    if not isinstance(calls, list) or not calls:
        return None if content is None else Reading(_assistant(content, None) if model_call else content)
    return Reading(_assistant(content, calls))


def _assistant(content: Json, calls: Json) -> Json:
    return shaped([{"role": "assistant", "content": content, "tool_calls": calls}])


def typed_input(mime_type: str) -> ContentReader:
    """Input whose media type is said by another attribute. A model's request becomes its messages."""

    def read(value: Json, attributes: Mapping[str, Json], model_call: bool) -> Reading | None:
        told = _typed(value, attributes.get(mime_type))
        if type(told) is str:  # most often
            return Reading(told) if told else None
        return _body_in(told, model_call)

    return read


def typed_output(mime_type: str) -> ContentReader:
    """Output whose media type is said by another attribute. A model's response becomes its messages."""

    def read(value: Json, attributes: Mapping[str, Json], model_call: bool) -> Reading | None:
        told = _typed(value, attributes.get(mime_type))
        if type(told) is str:
            return Reading(told) if told else None
        return _body_out(told, model_call)

    return read


def labelled_in(value: Json, attributes: Mapping[str, Json], model_call: bool) -> Reading | None:
    """LangWatch's `{"type", "value"}`, as JSON: its value. A model's request becomes its messages."""
    return _body_in(_value_in(value), model_call)


def labelled_out(value: Json, attributes: Mapping[str, Json], model_call: bool) -> Reading | None:
    """The same of output. A model's response becomes its messages."""
    return _body_out(_value_in(value), model_call)


def _value_in(value: Json) -> Json:
    found = _any_json(value)
    return found["value"] if isinstance(found, dict) and found.keys() == {"type", "value"} else found


def _body_in(found: Json, model_call: bool) -> Reading | None:
    body = model_calls.request(found)
    if body is None or not (model_call or not body.rest):
        return _as_it_is(found)
    return Reading(body.spoken, body.rest, tools=body.tools)


def _body_out(found: Json, model_call: bool) -> Reading | None:
    body = model_calls.response(found) if model_call or _only_messages(found) else None
    if body is None:
        return _as_it_is(found)
    return Reading(body.spoken, body.rest, _said_beside(body.rest) if model_call else {})


def _any_json(value: Json) -> Json:
    found = embedded(value) if isinstance(value, str) else None
    return value if found is None else found


def _as_it_is(found: Json) -> Reading | None:
    return None if found in (None, "") else Reading(shaped(found))


def _only_messages(found: Json) -> bool:
    return isinstance(found, dict) and found.keys() in ({"messages"}, {"choices"})


def _typed(value: Json, mime_type: Json) -> Json:
    """Decoded where its type says JSON; where nothing says, a text is a text."""
    if not isinstance(value, str) or mime_type not in _JSON_TYPES:
        return value
    found = embedded(value)
    return value if found is None else found


def _said_beside(rest: Mapping[str, Json]) -> dict[str, Json]:
    """What a response says of itself in fields of the record."""
    said: dict[str, Json] = {
        "response_id": text(rest.get("id")),
        "finish_reason": finish_reason(rest.get("stop_reason")),
    }
    usage = rest.get("usage")
    if isinstance(usage, dict):
        said["input_tokens"] = count(first(usage, "prompt_tokens", "input_tokens"))
        said["output_tokens"] = count(first(usage, "completion_tokens", "output_tokens"))
    return {name: value for name, value in said.items() if value is not None}


def _listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value]


def _decoded(one: Json) -> Json:
    found = embedded(one) if isinstance(one, str) else None
    return one if found is None else found


def _document(one: Json) -> Json:
    whole = one.get("document", one) if isinstance(one, dict) else one
    if not isinstance(whole, dict):
        return {"text": whole} if isinstance(whole, str) else {"metadata": whole}
    if whole.keys() <= _PLAIN_DOCUMENT:
        return {"text" if name == "content" else name: said for name, said in whole.items() if said is not None}
    metadata = whole.get("metadata")
    said = {
        "id": first(whole, "id", "document_id"),
        "text": first(whole, "content", "text", "page_content", "pageContent"),
        "score": first(whole, "score", "relevance_score", "similarity"),
        "metadata": _decoded(metadata) if isinstance(metadata, str) else metadata,
    }
    more = {name: value for name, value in whole.items() if name not in _DOCUMENT_NAMES}
    return {name: value for name, value in {**said, **more}.items() if value is not None}


_PLAIN_DOCUMENT: Final = frozenset({"id", "content", "score"})  # nearly all
_DOCUMENT_NAMES: Final = frozenset(
    {"id", "document_id", "content", "text", "page_content", "pageContent", "score", "relevance_score", "similarity"}
    | {"metadata", "type"}
)
