"""Scores in Langfuse's exports: rows of their own, or columns beside a trace or an observation."""

from typing import Final

import orjson

from traces.records import Json
from traces.wire import scores as wire_scores
from traces.wire.exported.found import Found
from traces.wire.jsontext import embedded
from traces.wire.plain_values import Refused

_TYPES: Final = ("numeric", "boolean", "categorical", "text")
# Lists in the rows of its pages that are no scores.
_NO_SCORES: Final = frozenset(
    (
        *("input", "output", "metadata", "scores", "tags", "traceTags", "trace_tags", "comments", "modalities"),
        *("toolCallNames", "tool_call_names", "toolCalls", "tool_calls", "toolDefinitions", "tool_definitions"),
    )
)


def score(row: dict[str, Json]) -> wire_scores.Score:
    """A row of the scores. Raises Refused."""
    kind = str(row.get("data_type") or "").lower()
    value = row.get("value")
    if kind in ("categorical", "text") or value in (None, ""):
        value = row.get("string_value") or row.get("long_string_value") or value
    if kind in ("numeric", "") and isinstance(value, str):
        value = _number(value)
    said = {
        "id": row.get("id"),
        "name": row.get("name"),
        "value": value,
        "data_type": kind if kind in _TYPES else None,
        "source": str(row.get("source") or "api"),
        "comment": row.get("comment") or None,
        "timestamp": row.get("timestamp"),
        "metadata": _object(row.get("metadata")),
        **_target(row),
    }
    return _taken(said)


def beside(found: Found, row: dict[str, Json], trace_id: str, span_id: str | None) -> None:
    """The columns of a row of its pages that are named after scores: each a list of values."""
    of = {"trace_id": trace_id, "span_id": span_id}
    for name, held in row.items():
        values = embedded(held) if isinstance(held, str) else held
        if name in _NO_SCORES or not isinstance(values, list):
            continue
        for place, value in enumerate(values):
            if isinstance(value, (str, int, float)):
                said = {"id": f"{span_id or trace_id}:{name}:{place}", "name": name, "value": value, "source": "api"}
                try:
                    found.scores.append(_taken(said | of))
                except Refused as problem:
                    found.refused.append(str(problem))


def _target(row: dict[str, Json]) -> dict[str, Json]:
    trace_id, span_id = row.get("trace_id") or None, row.get("observation_id") or None
    session_id = None if trace_id or span_id else row.get("session_id") or None
    return {"trace_id": trace_id, "span_id": span_id, "session_id": session_id}


def _taken(said: dict[str, Json]) -> wire_scores.Score:
    scores, rejected = wire_scores.decode(orjson.dumps(said), "application/json")
    if rejected:
        raise Refused(rejected[0].reason)
    return scores[0]


def _object(value: Json) -> Json:
    held = embedded(value) if isinstance(value, str) else value
    return held if isinstance(held, dict) else None


def _number(text: str) -> Json:
    try:
        return float(text)
    except ValueError:
        return text
