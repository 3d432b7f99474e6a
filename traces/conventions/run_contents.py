"""How the inputs and outputs of LangSmith's runs are read: bodies of model calls, or what a function took and gave."""

from collections.abc import Mapping

from traces.conventions.contents import body_in, body_out
from traces.conventions.table import Reading
from traces.conventions.values import finish_reason, text
from traces.message_parts import first
from traces.records import Json


def run_inputs(value: Json, attributes: Mapping[str, Json], model_call: bool) -> Reading | None:
    """A model's request as its messages; else the arguments of a function, or what LangChain took them for."""
    reading = body_in(value if model_call else _unwrapped(value, "input"), attributes, model_call)
    if reading is None or not model_call or not isinstance(reading.rest, dict):
        return reading
    asked = text(first(reading.rest, "model", "model_name"))
    return Reading(reading.value, reading.rest, {"model_requested": asked} if asked else {}, reading.tools)


def run_outputs(value: Json, attributes: Mapping[str, Json], model_call: bool) -> Reading | None:
    """A model's response as its messages; else what a function gave, which the SDK calls `output`."""
    found = _unwrapped(value, "output")
    reading = body_out(found, attributes, model_call)
    if reading is None or not model_call or not isinstance(found, dict):
        return reading
    info = _of_first_generation(found)
    said: dict[str, Json] = {
        "model": text(found.get("model")) or text(first(info, "model_name", "model")),
        "finish_reason": finish_reason(info.get("finish_reason")),
    }
    fields = {name: one for name, one in said.items() if one is not None}
    rest = {**reading.rest, "generation_info": info} if info and isinstance(reading.rest, dict) else reading.rest
    return Reading(reading.value, rest, {**fields, **reading.fields}, reading.tools)


def first_generation(outputs: Json) -> Mapping[str, Json]:
    """The first answer in what LangChain's models give, {"generations": [[…]]}; empty where there is none."""
    found = outputs.get("generations") if isinstance(outputs, dict) else None
    for _ in range(2):
        found = found[0] if isinstance(found, list) and found else found
    return found if isinstance(found, dict) else {}


def message_of(generation: Mapping[str, Json]) -> Mapping[str, Json]:
    """The members of a generation's message, which LangChain writes as a constructor and its arguments."""
    message = generation.get("message")
    inner = message.get("kwargs", message) if isinstance(message, dict) else None
    return inner if isinstance(inner, dict) else {}


def _of_first_generation(outputs: Mapping[str, Json]) -> dict[str, Json]:
    """What is said of the first generation beside its message."""
    one = first_generation(outputs)
    told = [outputs.get("llm_output"), message_of(one).get("response_metadata"), one.get("generation_info")]
    return {name: said for part in told if isinstance(part, dict) for name, said in part.items() if said is not None}


def _unwrapped(value: Json, name: str) -> Json:
    """The one member of an object that has no other, if it has this name."""
    return value[name] if isinstance(value, dict) and value.keys() == {name} else value
