"""One run, which is LangSmith's word for a span, to RawSpan.

A run comes in versions: posted when it begins and patched when it ends, in any order, in other requests, and with null
for everything that a version does not speak of. https://api.smith.langchain.com/redoc#tag/run
"""

import re
from collections.abc import Mapping
from typing import Final

import orjson

from traces.conventions.langsmith import INPUTS, KIND, METADATA, OUTPUTS, PROJECT, RUN_TYPES, USAGE
from traces.conventions.run_contents import first_generation, message_of
from traces.ids import MAX_ID_CHARACTERS
from traces.records import Json, RawSpan, SpanEvent
from traces.wire.plain_values import Refused, moment_ns, refused

_TRACEBACK: Final = "Traceback (most recent call last):"
_ERROR_TYPE: Final = re.compile(r"[A-Za-z_][\w.]{0,199}(?=\(|:|$)")
_FIRST_TOKEN: Final = "new_token"  # noqa: S105  # the name of an event
# What LangSmith's OpenTelemetry exporter calls these; the other members of a run and of its `extra` keep their names.
_NAMES: Final = {"run_type": KIND, "session_name": PROJECT, "session_id": "langsmith.trace.session_id"}
_NAMES_OF_EXTRA: Final = {"runtime": "langsmith.span.runtime"}
# Ids, moments and contents have places of their own; of `dotted_order` nothing is new beside them.
_PLACED: Final = frozenset(
    {"id", "trace_id", "parent_run_id", "dotted_order", "name", "start_time", "end_time"}
    | {"inputs", "outputs", "error", "events", "tags", "extra"}
)
_OF_A_MODEL: Final = frozenset({"choices", "generations", USAGE})
# The versions of parts that are named by the run itself.
_NAMED: Final = {"tool": "tool_name", "parser": "parser_name"}


def raw_span(index: int, run: Json) -> RawSpan:
    """The version of a run at `index` of the flattened input. Raises Refused with a sentence.

    `trace_id` is '' where this version does not say it. No member of a run says when a version was said, so it is said
    at its end, where the SDK's update_run writes the moment of the update unless it is told another; else at its start.
    """
    if not isinstance(run, dict):
        raise Refused("this is no JSON object.")
    said = {name: value for name, value in run.items() if value is not None}
    span_id = _id(said, "id")
    if not span_id:
        raise Refused('it has no "id".')
    order = _order(said.get("dotted_order"))
    start, end = _moment(said.get("start_time")), _moment(said.get("end_time"))
    if start is None and order:
        start = order[-1][0]
    raw = RawSpan(
        index=index,
        trace_id=_id(said, "trace_id") or (order[0][1] if order else ""),
        span_id=span_id,
        parent_id=_id(said, "parent_run_id") or (order[-2][1] if len(order) > 1 else None),
        name=str(said.get("name") or ""),
        start_ns=start,
        end_ns=end,
        attributes=_attributes(said, start, end),
        fields=_fields(said),
        start_may_change=True,
        said_at_ns=end or start or 0,
    )
    _add_contents(raw, said)
    if "kind" not in raw.fields and _is_of_a_model(said.get("outputs")):
        raw.fields["kind"], raw.assumed = "llm", frozenset({"kind"})
    _add_events(raw, said.get("events"))
    _add_error(raw, said.get("error"))
    if start is None and end is not None:
        raw.fields["start_assumed"] = True
    return raw


def _id(said: Mapping[str, Json], name: str) -> str | None:
    value = said.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise refused(name, value, "a UUID")
    if len(value) > MAX_ID_CHARACTERS:
        raise Refused(f'"{name}" is {len(value):,} characters long; write a UUID.')
    return value.strip() or None


def _order(dotted: Json) -> list[tuple[int | None, str]]:
    """Starts and ids of the runs from the root down to this one, as `dotted_order` names them: <start>Z<id>.…"""
    parts = [part.partition("Z") for part in dotted.split(".")] if isinstance(dotted, str) else []
    known = [(at, run_id) for at, _, run_id in parts if 0 < len(run_id) <= MAX_ID_CHARACTERS]
    return [(_moment(f"{at[:15]}.{at[15:]}"), run_id) for at, run_id in known]


def _moment(value: Json) -> int | None:
    """Nanoseconds since 1970; None where it cannot be read."""
    try:
        return None if value is None else moment_ns("time", value)
    except Refused:
        return None


def _attributes(said: dict[str, Json], start: int | None, end: int | None) -> dict[str, Json]:
    attributes = {_NAMES.get(name, f"langsmith.{name}"): said[name] for name in said if name not in _PLACED}
    for name, moment in (("start_time", start), ("end_time", end)):
        if moment is None and name in said:
            attributes[f"langsmith.{name}"] = said[name]
    extra = said.get("extra")
    if not isinstance(extra, dict):
        return attributes if extra is None else {**attributes, "langsmith.extra": extra}
    for name, value in extra.items():
        if name == "metadata" and isinstance(value, dict):
            attributes |= {f"{METADATA}{key}": one for key, one in value.items() if one not in (None, {})}
        elif value is not None:
            attributes[_NAMES_OF_EXTRA.get(name, f"langsmith.extra.{name}")] = value
    return attributes


def _fields(said: dict[str, Json]) -> dict[str, Json]:
    fields: dict[str, Json] = {}
    run_type = said.get("run_type")
    if isinstance(run_type, str):
        fields["kind"] = RUN_TYPES.get(run_type.strip().lower(), "other")
        if (named := _NAMED.get(fields["kind"])) and isinstance(said.get("name"), str):
            fields[named] = said["name"]
    if isinstance(tags := said.get("tags"), list) and tags:
        fields["tags"] = tags
    return fields


def _is_of_a_model(outputs: Json) -> bool:
    """Whether a version that does not tell its run's type holds the answer of a model, and is to be read as one."""
    return isinstance(outputs, dict) and not _OF_A_MODEL.isdisjoint(outputs)


def _add_contents(raw: RawSpan, said: dict[str, Json]) -> None:
    """Inputs and outputs, where they say anything: {} stands in every post of a run that has not ended."""
    if said.get("inputs") not in (None, {}):
        raw.attributes[INPUTS] = said["inputs"]
    outputs = said.get("outputs")
    if isinstance(outputs, dict):
        usage = outputs.get(USAGE) or message_of(first_generation(outputs)).get(USAGE)
        if isinstance(usage, dict):
            raw.attributes.setdefault(f"{METADATA}{USAGE}", usage)
        outputs = {name: value for name, value in outputs.items() if name != USAGE}
    if outputs not in (None, {}, {"output": None}):
        raw.attributes[OUTPUTS] = outputs


def _add_events(raw: RawSpan, events: Json) -> None:
    if not isinstance(events, list):
        return
    for event in events:
        more = event if isinstance(event, dict) else {"value": event}
        at = _moment(more.get("time"))
        name = str(more.get("name") or "event")
        rest = {key: value for key, value in more.items() if key != "name" and (key != "time" or at is None)}
        raw.events.append(SpanEvent(name, at, {key: value for key, value in rest.items() if value is not None}))
    tokens = [event.time_ns for event in raw.events if event.name == _FIRST_TOKEN and event.time_ns is not None]
    if tokens:
        raw.fields["first_token_at"] = min(tokens)


def _add_error(raw: RawSpan, error: Json) -> None:
    """An error is the exception as Python shows it, and its traceback behind that."""
    if error in (None, ""):
        return
    text = error if isinstance(error, str) else orjson.dumps(error).decode()
    message, found, _ = text.partition(_TRACEBACK)
    raw.status, raw.status_message = "error", message.strip() or text.strip()
    if found:
        kind = _ERROR_TYPE.match(message)
        details = {"exception.message": raw.status_message, "exception.stacktrace": text[len(message) :]}
        if kind:
            details["exception.type"] = kind[0]
        raw.events.append(SpanEvent("exception", raw.end_ns, details))
