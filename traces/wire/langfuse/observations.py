"""One event of a trace or an observation to RawSpan, in the attributes that Langfuse's later SDKs send over OTLP.

A trace is an entity of its own: it becomes the root, and an observation without a parent stands below it.
"""

import math
from dataclasses import dataclass
from typing import Final

from traces.conventions.values import moment_ns
from traces.ids import MAX_ID_CHARACTERS
from traces.records import Json, RawSpan
from traces.wire.langfuse import usage
from traces.wire.plain_values import Refused, refused, text

_ASSUMED_PARENT: Final = frozenset({"parent_id"})
_ASSUMED_START: Final = frozenset({"started_at"})
_MOST_METADATA: Final = 100  # members that are kept apart; more stay the object that they are
_OBSERVATION: Final = "langfuse.observation"
# Where the members of a body go, as attributes. What is not here keeps its own name, below `langfuse.`.
_OF_BOTH: Final = {"environment": "langfuse.environment", "version": "langfuse.version"}
_OF_TRACES: Final = {
    **_OF_BOTH,
    "userId": "langfuse.user.id",
    "sessionId": "langfuse.session.id",
    "input": "langfuse.trace.input",
    "output": "langfuse.trace.output",
    "tags": "langfuse.trace.tags",
    "release": "langfuse.release",
    "public": "langfuse.trace.public",
}
_OF_OBSERVATIONS: Final = {
    **_OF_BOTH,
    "input": f"{_OBSERVATION}.input",
    "output": f"{_OBSERVATION}.output",
    "level": f"{_OBSERVATION}.level",
    "promptName": f"{_OBSERVATION}.prompt.name",
    "promptVersion": f"{_OBSERVATION}.prompt.version",
}
_TEXTS: Final = ("userId", "sessionId", "release", "version", "environment", "promptName", "promptVersion")
# What becomes a member of RawSpan, or is read for itself.
_PLACED: Final = frozenset(
    {"id", "traceId", "parentObservationId", "name", "type", "metadata", "model", "modelParameters"}
    | {"usage", "usageDetails", "costDetails", "statusMessage", "status_message"}
)
_TIMES: Final = ("timestamp", "startTime", "start_time", "endTime", "end_time", "completionStartTime")


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a batch: its place there, its type, when it was said (ns since 1970), and what it says."""

    index: int
    type: str
    at_ns: int | None
    body: dict[str, Json]


def time_ns(value: Json) -> int | None:
    """The moment that an ISO time tells; None where it is none, or before 1970."""
    found = moment_ns(value)
    return found if found is not None and found > 0 else None


def trace(event: Event) -> RawSpan:
    """A trace, of which the format says no end: it is not taken for one that goes on. Raises Refused."""
    said = {name: value for name, value in event.body.items() if value is not None}
    trace_id = identity("id", said)
    if trace_id is None:
        raise Refused('it has no "id".')
    times = _times(said)
    raw = _span(event, said, trace_id, trace_id)
    raw.start_ns = times["start_time"] or times["timestamp"]  # the SDK's decorator leaks both of its times
    raw.end_ns = times["end_time"]
    if raw.start_ns is None:
        raw.start_ns, raw.assumed = event.at_ns, _ASSUMED_START
    raw.fields = {"kind": "chain", "ended": True}
    _attributes(raw, said, times, "langfuse.trace", _OF_TRACES)
    return raw


def observation(event: Event) -> RawSpan:
    """A span, a generation or an event of a trace. Raises Refused."""
    said = {name: value for name, value in event.body.items() if value is not None}
    span_id = identity("id", said)
    if span_id is None:
        raise Refused('it has no "id".')
    trace_id = identity("traceId", said) or span_id
    times = _times(said)
    raw = _span(event, said, trace_id, span_id)
    parent_id = identity("parentObservationId", said)
    raw.parent_id = parent_id or trace_id
    raw.assumed = frozenset() if parent_id else _ASSUMED_PARENT
    if raw.parent_id == span_id:  # its own parent is none
        raw.parent_id = None
    raw.start_ns, raw.end_ns = times["startTime"], times["endTime"]
    kind, _, verb = event.type.partition("-")
    if raw.start_ns is None and verb == "create":
        raw.start_ns, raw.assumed = event.at_ns, raw.assumed | _ASSUMED_START
    if kind == "event":
        raw.end_ns = raw.end_ns or raw.start_ns
    told = str(said.get("type", "")).lower() if kind == "observation" else kind
    if told:
        raw.attributes[f"{_OBSERVATION}.type"] = told
    _attributes(raw, said, times, _OBSERVATION, _OF_OBSERVATIONS)
    _call(raw, said, times, begins=verb == "create" and raw.end_ns is None)
    return raw


def identity(name: str, said: dict[str, Json]) -> str | None:
    """An id as it was sent; None where there is none. Raises Refused where it is none."""
    if said.get(name) is None:
        return None
    spelled = text(name, said[name]).strip()
    if len(spelled) > MAX_ID_CHARACTERS:
        raise refused(name, spelled, f"at most {MAX_ID_CHARACTERS:,} characters")
    return spelled or None


def _times(said: dict[str, Json]) -> dict[str, int | None]:
    return {name: time_ns(said.get(name)) for name in _TIMES}


def _span(event: Event, said: dict[str, Json], trace_id: str, span_id: str) -> RawSpan:
    failed = said.get("level") == "ERROR"
    message = said.get("statusMessage", said.get("status_message"))
    return RawSpan(
        index=event.index,
        trace_id=trace_id,
        span_id=span_id,
        name=said["name"] if isinstance(said.get("name"), str) else "",
        status="error" if failed else "unset",
        status_message=message if isinstance(message, str) else "",
        start_may_change=True,
        said_at_ns=event.at_ns or 0,
    )


def _attributes(
    raw: RawSpan, said: dict[str, Json], times: dict[str, int | None], prefix: str, places: dict[str, str]
) -> None:
    """All that has no place of its own, and the times that are none."""
    for name, value in said.items():
        if name not in _PLACED and times.get(name) is None:
            number = name in _TEXTS and isinstance(value, (int, float))
            raw.attributes[places.get(name, f"langfuse.{name}")] = str(value) if number else value
    metadata = said.get("metadata")
    if isinstance(metadata, dict) and len(metadata) <= _MOST_METADATA:  # a later version adds to those of an earlier
        raw.attributes |= {f"{prefix}.metadata.{key}": one for key, one in metadata.items() if one is not None}
    elif metadata is not None:
        raw.attributes[f"{prefix}.metadata"] = metadata


def _call(raw: RawSpan, said: dict[str, Json], times: dict[str, int | None], begins: bool) -> None:
    """What is said of a call to a model. The model that a call begins with is asked; another may answer."""
    attributes = raw.attributes
    if isinstance(model := said.get("model"), str):
        if begins:
            raw.fields["model_requested"] = model
        else:
            attributes[f"{_OBSERVATION}.model.name"] = model
    if isinstance(settings := said.get("modelParameters"), dict):
        attributes[f"{_OBSERVATION}.model.parameters"] = {
            name: value for name, one in settings.items() if (value := _setting(one)) is not None
        }
    used, costs = usage.usage_and_costs(said)
    if used:
        attributes[f"{_OBSERVATION}.usage_details"] = used
    if costs:
        attributes[f"{_OBSERVATION}.cost_details"] = costs
    if times["completionStartTime"] is not None:
        raw.fields["first_token_at"] = times["completionStartTime"]


def _setting(value: Json) -> Json:
    """A number where the SDK wrote one as text; None for the infinity that it writes where nothing was set."""
    if not isinstance(value, str) or len(value) > 30:
        return value
    try:
        number = float(value)
    except ValueError:
        return value
    if math.isnan(number):
        return value
    return None if math.isinf(number) else int(number) if number.is_integer() and "." not in value else number
