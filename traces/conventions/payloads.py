"""From the places where a payload's fields may stand to the fields: the best place that can be read wins."""

from collections.abc import Mapping, Sequence
from typing import Final

from traces.conventions.gather import Gathered, gather_more
from traces.conventions.plans import Place
from traces.conventions.table import Reading
from traces.conventions.values import finish_reason
from traces.message_parts import first
from traces.messages import with_system
from traces.records import Json, Payload

_OBJECTS: Final = ("metadata", "usage", "costs")


def payload_of(found: Gathered, attributes: Mapping[str, Json], model_call: bool) -> Payload:
    """The payload of a span, with what is left in `attributes`. Adds to `found.fields` what only a content says."""
    payload = Payload(attributes=found.kept)
    if found.places:
        _fill(payload, found, attributes, model_call)
    payload.parameters = found.parameters or None
    if model_call and "finish_reason" not in found.fields:
        _finish_reason(payload.output, found)
    return payload


def _finish_reason(output: Json, found: Gathered) -> None:
    """A stream's answer may say why it ended when its span does not."""
    last = output[-1] if isinstance(output, list) and output else None
    reason = finish_reason(last.get("finish_reason")) if isinstance(last, dict) else None
    if reason is not None:
        found.fields["finish_reason"] = reason


def _fill(payload: Payload, found: Gathered, attributes: Mapping[str, Json], model_call: bool) -> None:
    for slot, places in found.places.items():
        reading = _best(places, found, attributes, model_call)
        if reading is None:
            continue
        if slot == "settings":
            _settings(reading.value, payload, found)
        elif slot in _OBJECTS:
            gather_more(found.fields, f"{slot}.", reading.value)
        elif slot == "system":
            payload.input = with_system(reading.value, payload.input)
        else:
            setattr(payload, slot, reading.value)
            if reading.tools or reading.fields:
                _beside(reading, payload, found)


def _best(places: Sequence[Place], found: Gathered, attributes: Mapping[str, Json], model_call: bool) -> Reading | None:
    if len(places) > 1 and not model_call:
        places = sorted(places, key=lambda place: place.content.after_plain)
    best: Reading | None = None
    for place in places:
        reading = place.content.read(place.value(attributes), attributes, model_call)
        if reading is None:
            found.kept.update(place.attributes(attributes))
        elif best is None:
            best = reading
            if reading.rest is not None:
                _keep_rest(place, reading.rest, found)
        else:
            _keep_beyond(place, reading, best, attributes, found)
            best = Reading(best.value, None, {**reading.fields, **best.fields}, best.tools or reading.tools)
    return best


def _keep_beyond(
    place: Place, reading: Reading, best: Reading, attributes: Mapping[str, Json], found: Gathered
) -> None:
    """Keep of a second place what the first does not say."""
    if reading.value == best.value or (place.content.copies and reading.rest is not None):
        _keep_rest(place, reading.rest, found)
    elif not _repeats(reading.value, best.value):
        found.kept.update(place.attributes(attributes))


def _repeats(value: Json, best: Json) -> bool:
    """Whether every message, or the one text, is among the messages of the best place."""
    if not isinstance(best, list):
        return False
    if isinstance(value, str):
        return any(isinstance(turn, dict) and turn.get("content") == value for turn in best)
    return isinstance(value, list) and all(turn in best for turn in value)


def _keep_rest(place: Place, rest: Json, found: Gathered) -> None:
    """What a body says beyond its messages, without the parameters that are known already."""
    if not isinstance(rest, dict):
        return
    known = found.parameters | {"model": found.fields.get("model_requested")}
    beyond = {name: said for name, said in rest.items() if said is not None and known.get(name) != said}
    if beyond:
        found.kept[place.content.name] = beyond


def _settings(settings: dict[str, Json], payload: Payload, found: Gathered) -> None:
    model = first(settings, "model", "model_name")
    if isinstance(model, str) and model:
        found.fields.setdefault("model_requested", model[:1000])
    tools = settings.get("tools")
    if isinstance(tools, list) and tools:
        payload.tools = tools
    asked = found.fields.get("model_requested")
    for name, said in settings.items():
        if said is not None and name != "tools" and not (name in ("model", "model_name") and said == asked):
            found.parameters.setdefault(name, said)


def _beside(reading: Reading, payload: Payload, found: Gathered) -> None:
    if reading.tools and payload.tools is None:
        payload.tools = reading.tools
    for name, said in reading.fields.items():
        found.fields.setdefault(name, said)
