"""LangSmith's feedback to scores. It may come before its run, and again: its id is the score's."""

from typing import Final

import orjson

from traces.records import Json
from traces.wire.plain_values import Refused
from traces.wire.scores import Score, score_of

_SOURCES: Final = {"model": "judge", "auto_eval": "judge", "app": "member"}
_PLACED: Final = frozenset({"id", "run_id", "trace_id", "key", "score", "value", "comment", "modified_at"})


def score(index: int, feedback: Json) -> Score:
    """The score that a feedback is. Raises Refused with a sentence.

    `score` is a number or a truth, `value` a category or anything else: beside a score it is kept in the metadata.
    Feedback of a trace's root is the trace's.
    """
    if not isinstance(feedback, dict):
        raise Refused("this is no JSON object.")
    said = {name: value for name, value in feedback.items() if value is not None}
    metadata = {name: value for name, value in said.items() if name not in _PLACED}
    record: dict[str, Json] = {"name": said.get("key"), **_value(said, metadata), **_target(said)}
    source = said.get("feedback_source")
    kind = source.get("type") if isinstance(source, dict) else None
    record["source"] = _SOURCES.get(kind, "code") if isinstance(kind, str) else "code"
    record["timestamp"] = said.get("modified_at") or said.get("created_at")
    record |= {name: said[name] for name in ("id", "comment") if name in said}
    return score_of(index, {**record, "metadata": metadata})


def _value(said: dict[str, Json], metadata: dict[str, Json]) -> dict[str, Json]:
    """The value, with its type where that is not what it is like; the first of what says one."""
    found = next((said[name] for name in ("score", "value", "comment", "correction") if name in said), None)
    if "score" in said and "value" in said:
        metadata["value"] = said["value"]
    if isinstance(found, (dict, list)):
        return {"value": orjson.dumps(found).decode(), "data_type": "text"}
    return {"value": found} if "score" in said or "value" in said else {"value": found, "data_type": "text"}


def _target(said: dict[str, Json]) -> dict[str, Json]:
    run_id, trace_id = said.get("run_id"), said.get("trace_id")
    if run_id is None and trace_id is None:
        raise Refused("it is of no run; write a run_id or a trace_id.")
    if run_id is None or run_id == trace_id:
        return {"trace_id": trace_id}
    return {"span_id": run_id} if trace_id is None else {"span_id": run_id, "trace_id": trace_id}
