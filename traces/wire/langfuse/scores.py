"""Scores as Langfuse's SDKs send them, to ours: `score-create` of a batch, and `POST /api/public/scores`."""

from datetime import UTC, datetime, timedelta
from typing import Final

from traces.records import Json, Rejection
from traces.wire.jsontext import loads
from traces.wire.plain_values import Refused
from traces.wire.scores import Score, score_of

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NAMES: Final = {"id": "id", "name": "name", "value": "value", "comment": "comment", "metadata": "metadata"}
_TARGETS: Final = {"traceId": "trace_id", "observationId": "span_id", "sessionId": "session_id"}
_TYPES: Final = {"NUMERIC": "numeric", "BOOLEAN": "boolean", "CATEGORICAL": "categorical", "TEXT": "text"}
_SOURCES: Final = {"API": "code", "EVAL": "judge", "ANNOTATION": "member"}


def decode(body: bytes) -> tuple[list[Score], list[Rejection], bool]:
    """The scores of a list, or one alone, what cannot be taken, and whether it was a list. Raises Unreadable."""
    said = loads(body)
    scores: list[Score] = []
    rejected: list[Rejection] = []
    for index, item in enumerate(said if isinstance(said, list) else [said]):
        try:
            if not isinstance(item, dict):
                raise Refused("this is no JSON object.")
            scores.append(score(index, set_members(item), None))
        except Refused as problem:
            rejected.append(Rejection(index, f"scores[{index}]: {problem}"))
    return scores, rejected, isinstance(said, list)


def set_members(item: dict[str, Json]) -> dict[str, Json]:
    """The members that are not null."""
    return {name: value for name, value in item.items() if value is not None}


def score(index: int, said: dict[str, Json], at_ns: int | None) -> Score:
    """One score, given at `at_ns` (nanoseconds since 1970) unless it says when. Raises Refused."""
    plain: dict[str, Json] = {ours: said[name] for name, ours in _NAMES.items() if said.get(name) is not None}
    targets = {ours: said[name] for name, ours in _TARGETS.items() if said.get(name) not in (None, "")}
    if len(targets) > 1:
        targets.pop("session_id", None)  # which the trace says
    plain |= targets
    kind = said.get("dataType")
    if isinstance(kind, str) and (kind in _TYPES or not isinstance(said.get("value"), str)):
        plain["data_type"] = _TYPES.get(kind, "numeric")
    elif isinstance(kind, str):
        plain["data_type"] = "text"  # a correction, and what is new
    if isinstance(said.get("source"), str):
        plain["source"] = _SOURCES.get(said["source"], "code")
    metadata = plain.pop("metadata", {})
    rest = {name: one for name, one in said.items() if name not in {*_NAMES, *_TARGETS, "dataType", "source"}}
    moment = rest.pop("timestamp", None)
    if moment is not None:
        plain["timestamp"] = moment
    found = score_of(index, {**plain, "metadata": {**rest, **_members(metadata)}})
    if found.given_at is None and at_ns is not None:
        found.given_at = _EPOCH + timedelta(microseconds=at_ns // 1_000)
    return found


def _members(metadata: Json) -> dict[str, Json]:
    return metadata if isinstance(metadata, dict) else {"metadata": metadata}
