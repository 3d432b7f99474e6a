"""What Langfuse exports: traces, observations and scores, from its pages (JSON, JSON lines, CSV) or to a bucket.

The pages write names as `parentObservationId`, the bucket as `parent_observation_id`; both are read as the latter.
What an observation says becomes the attributes that Langfuse's SDKs send by OTLP, so that one table reads both.
https://langfuse.com/docs/api-and-data-platform/features/blob-storage-export-fields
"""

import re
from collections.abc import Callable
from typing import Final

from traces.records import Json, RawSpan
from traces.wire.exported.found import Found
from traces.wire.exported.langfuse_scores import beside, score
from traces.wire.exported.langfuse_usage import counted, number
from traces.wire.jsontext import embedded
from traces.wire.plain_values import Refused, moment_ns

_CAPITAL: Final = re.compile(r"(?<=[a-z0-9])([A-Z])")
_OBSERVATION: Final = "langfuse.observation"
# Attribute of OTLP ← column. `user.id` and the like stand on observations where an export joins them with their trace.
_OF_ANY: Final = {
    "user.id": "user_id",
    "session.id": "session_id",
    "langfuse.environment": "environment",
    "langfuse.release": "release",
    "langfuse.version": "version",
    "langfuse.trace.name": "trace_name",
}
_OF_OBSERVATION: Final = {
    f"{_OBSERVATION}.input": "input",
    f"{_OBSERVATION}.output": "output",
    f"{_OBSERVATION}.model.parameters": "model_parameters",
    f"{_OBSERVATION}.completion_start_time": "completion_start_time",
    f"{_OBSERVATION}.level": "level",
    f"{_OBSERVATION}.status_message": "status_message",
    f"{_OBSERVATION}.prompt.name": "prompt_name",
    f"{_OBSERVATION}.prompt.version": "prompt_version",
}
_OF_TRACE: Final = {
    "langfuse.trace.input": "input",
    "langfuse.trace.output": "output",
    "langfuse.trace.public": "public",
    "langfuse.trace.bookmarked": "bookmarked",
}


def recognises(value: dict[str, Json]) -> bool:
    """By the columns that tell what a row is of."""
    return _kind(_snake(value)) is not None


def read(value: dict[str, Json]) -> Found:
    """The span or the score of a row, and the scores that stand beside it."""
    row = _snake(value)
    kind = _kind(row)
    if kind is None:
        raise Refused(
            "It is no trace, observation or score of Langfuse: it has neither start_time, timestamp nor value."
        )
    return kind(row, value)


def _kind(row: dict[str, Json]) -> Callable[[dict[str, Json], dict[str, Json]], Found] | None:
    if "id" not in row:
        return None
    if "start_time" in row and "trace_id" in row:
        return _observation
    if "timestamp" not in row:
        return None
    if "name" in row and "source" in row and ("value" in row or "string_value" in row):
        return _score
    return None if "trace_id" in row else _trace


def _score(row: dict[str, Json], sent: dict[str, Json]) -> Found:
    return Found(scores=[score(row)])


def _observation(row: dict[str, Json], sent: dict[str, Json]) -> Found:
    """A span. Without a parent it stands below its trace, except where a trace is no more than what its spans say."""
    trace_id, parent = _id(row, "trace_id"), row.get("parent_observation_id")
    found = Found()
    if not parent and ("trace_name" not in row or "trace_timestamp" in row):
        parent = trace_id
        if "trace_timestamp" in row:
            found.spans.append(_root(row, trace_id, "trace_name", "trace_timestamp"))
    raw = RawSpan(
        0,
        trace_id,
        _id(row, "id"),
        str(parent) if parent else None,
        name=_text(row, "name"),
        start_ns=_moment(row, "start_time"),
        end_ns=_moment(row, "end_time"),
        status="error" if row.get("level") == "ERROR" else "unset",
        status_message=_text(row, "status_message"),
        attributes=_attributes(row, _OF_OBSERVATION, f"{_OBSERVATION}.metadata"),
        start_may_change=True,
    )
    raw.attributes[f"{_OBSERVATION}.type"] = _text(row, "type").lower() or "span"
    if model := row.get("provided_model_name") or row.get("model"):
        raw.attributes[f"{_OBSERVATION}.model.name"] = model
    raw.attributes |= counted(row)
    found.spans.append(raw)
    beside(found, sent, trace_id, raw.span_id)
    return found


def _trace(row: dict[str, Json], sent: dict[str, Json]) -> Found:
    """The span above those of a trace."""
    trace_id = _id(row, "id")
    root = _root(row, trace_id, "name", "timestamp")
    seconds = number(row.get("latency"))
    if seconds is not None and root.start_ns is not None:
        root.end_ns = root.start_ns + round(seconds * 1_000_000_000)
    root.attributes |= _attributes(row, _OF_TRACE, "langfuse.trace.metadata")
    found = Found(spans=[root])
    beside(found, sent, trace_id, None)
    return found


def _root(row: dict[str, Json], trace_id: str, name: str, started: str) -> RawSpan:
    """A trace has no end of its own, and is not open for that."""
    return RawSpan(
        0,
        trace_id,
        trace_id,
        name=_text(row, name),
        start_ns=_moment(row, started),
        attributes=_attributes(row, {}, None),
        fields={"kind": "chain", "ended": True},
        start_may_change=True,
    )


def _attributes(row: dict[str, Json], names: dict[str, str], metadata: str | None) -> dict[str, Json]:
    found = {name: row[column] for name, column in (_OF_ANY | names).items() if row.get(column) not in (None, "")}
    tags = _structured(row.get("tags") or row.get("trace_tags"))
    if tags:
        found["langfuse.trace.tags"] = tags
    held = _structured(row.get("metadata")) if metadata else None
    if isinstance(held, dict):
        found |= {f"{metadata}.{key}": value for key, value in held.items()}
    elif held and metadata:
        found[metadata] = held
    return found


def _snake(row: dict[str, Json]) -> dict[str, Json]:
    return {_CAPITAL.sub(r"_\1", name).lower() if name[:1].islower() else name: value for name, value in row.items()}


def _structured(value: Json) -> Json:
    found = embedded(value) if isinstance(value, str) else None
    return value if found is None else found


def _id(row: dict[str, Json], name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str) or not value.strip():
        raise Refused(f'"{name}" is no id.')
    return value


def _text(row: dict[str, Json], name: str) -> str:
    value = row.get(name)
    return "" if value is None else str(value)


def _moment(row: dict[str, Json], name: str) -> int | None:
    value = row.get(name)
    return None if value in (None, "") else moment_ns(name, value)
