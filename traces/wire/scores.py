"""Scores as senders write them: JSON of `POST /api/v1/scores` to Score. Every field is checked, with a sentence.

A score says how good a trace, a step, a session or a request was, by whoever judged it: the customer's end user, a
judging model, code, or a member of the team.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Final

import orjson

from traces import ids
from traces.conventions.values import clean_text
from traces.records import Json, Rejection
from traces.wire.plain import items
from traces.wire.plain_values import Refused, moment_ns, number, record, refused, text, word

LONGEST_NAME: Final = 500
LONGEST_CATEGORY: Final = 200  # a longer text, or one of several lines, is a text where nothing else is said
SOURCES: Final = {
    **{source: source for source in ("user", "judge", "code", "member")},
    **dict.fromkeys(("end_user", "human"), "user"),
    **dict.fromkeys(("llm", "llm_judge", "model", "eval"), "judge"),
    **dict.fromkeys(("api", "sdk"), "code"),
    "annotation": "member",
}
DATA_TYPES: Final = ("numeric", "boolean", "categorical", "text")
_TARGETS: Final = ("trace_id", "span_id", "session_id", "request_id")
_FIELDS: Final = frozenset(
    (*_TARGETS, "id", "name", "value", "data_type", "source", "comment", "timestamp", "metadata")
)
_TRUTHS: Final = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Score:
    """One score. Of the four targets one is set; a span's trace may be known beside it.

    `score_id` is 16 bytes: of the sender's id, else of the record itself. `number` holds a numeric value, and 1 or 0
    for a boolean one; `text` holds a category or text. `given_at` is None where the sender did not say when.
    """

    index: int
    score_id: bytes
    name: str
    data_type: str
    number: float | None = None
    text: str | None = None
    source: str = "code"
    id_text: str | None = None
    trace_id: bytes | None = None
    trace_text: str | None = None
    span_id: bytes | None = None
    span_text: str | None = None
    session_id: str | None = None
    request_id: str | None = None
    comment: str | None = None
    given_at: datetime | None = None
    metadata: dict[str, Json] = field(default_factory=dict)


def decode(body: bytes, content_type: str | None) -> tuple[list[Score], list[Rejection]]:
    """The scores of a body, and those that cannot be taken. Raises Unreadable when there is nothing to read at all."""
    return taken(items(body, content_type))


def taken(sent: Iterable[Json | Refused]) -> tuple[list[Score], list[Rejection]]:
    """The scores of a body's values, and those that cannot be taken."""
    scores: list[Score] = []
    rejected: list[Rejection] = []
    for index, item in enumerate(sent):
        try:
            if isinstance(item, Refused):
                raise item
            scores.append(score_of(index, item))
        except Refused as problem:
            rejected.append(Rejection(index, f"scores[{index}]: {problem}"))
    return scores, rejected


def score_of(index: int, item: Json) -> Score:
    """The score that a record says, at `index` of the flattened input. Raises Refused with a sentence."""
    if not isinstance(item, dict):
        raise Refused("this is no JSON object.")
    said = {name: value for name, value in item.items() if value is not None}
    name = clean_text(text("name", said.get("name"))).strip()
    if not 0 < len(name) <= LONGEST_NAME:
        raise Refused(f'"name" is {len(name):,} characters long; write 1 to {LONGEST_NAME}.')
    data_type = _data_type(said)
    score = Score(index, b"", name, data_type, source=_source(said))
    _take_value(score, said["value"])
    _take_target(score, said)
    _take_id(score, said)
    score.comment = clean_text(text("comment", said["comment"])) if "comment" in said else None
    score.given_at = _moment(said["timestamp"]) if "timestamp" in said else None
    rest = {key: value for key, value in said.items() if key not in _FIELDS}
    score.metadata = rest | record("metadata", said.get("metadata", {}))
    return score


def _data_type(said: dict[str, Json]) -> str:
    """What was said, else what the value is like."""
    value = said.get("value")
    if value is None or isinstance(value, (dict, list)):
        raise refused("value", value, "a number, true, false, or a string")
    if "data_type" in said:
        given = said["data_type"]
        if not isinstance(given, str) or word(given) not in DATA_TYPES:
            raise refused("data_type", given, f"one of {', '.join(DATA_TYPES)}")
        return word(given)
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "text" if len(value) > LONGEST_CATEGORY or "\n" in value.strip() else "categorical"
    return "numeric"


def _source(said: dict[str, Json]) -> str:
    given = said.get("source", "code")
    if not isinstance(given, str) or word(given) not in SOURCES:
        raise refused("source", given, "one of user, judge, code, member")
    return SOURCES[word(given)]


def _take_value(score: Score, value: Json) -> None:
    if score.data_type == "numeric":
        score.number = number("value", value)
    elif score.data_type == "boolean":
        truth = _TRUTHS.get(str(value).strip().lower())
        if truth is None:
            raise refused("value", value, "true or false")
        score.number = float(truth)
    else:
        score.text = clean_text("true" if value is True else "false" if value is False else text("value", value))


def _take_target(score: Score, said: dict[str, Json]) -> None:
    """Of what it is a score. A span's trace may be named beside it; else there is one target."""
    found = {name: spelled for name in _TARGETS if (spelled := _id(name, said))}
    kinds = [name for name in found if not (name == "trace_id" and "span_id" in found)]
    if not kinds:
        raise Refused("it says not what it is of; write one of trace_id, span_id, session_id, request_id.")
    if len(kinds) > 1:
        raise Refused(f"it is of {' and '.join(kinds)}; write one of them, and send a score for each.")
    if spelled := found.get("trace_id"):
        score.trace_id = ids.trace_key(spelled)
        score.trace_text = _kept(spelled, score.trace_id)
    if spelled := found.get("span_id"):
        score.span_id = ids.span_key(spelled)
        score.span_text = _kept(spelled, score.span_id)
    score.session_id = clean_text(found.get("session_id", "")).strip() or None
    score.request_id = clean_text(found.get("request_id", "")).strip() or None


def _take_id(score: Score, said: dict[str, Json]) -> None:
    """By the sender's id; without one the same record has the same id."""
    spelled = _id("id", said)
    if spelled is None:
        score.score_id = blake2b(orjson.dumps(said, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()
        return
    score.score_id = ids.trace_key(spelled)
    score.id_text = _kept(spelled, score.score_id)


def _id(name: str, said: dict[str, Json]) -> str | None:
    if name not in said:
        return None
    spelled = text(name, said[name]).strip()
    if len(spelled) > ids.MAX_ID_CHARACTERS:
        raise Refused(f'"{name}" is {len(spelled):,} characters long; write at most {ids.MAX_ID_CHARACTERS:,}.')
    return spelled or None


def _kept(spelled: str, key: bytes) -> str | None:
    kept = ids.kept_text(spelled, key)
    return None if kept is None else clean_text(kept)


def _moment(said: Json) -> datetime:
    try:
        return _EPOCH + timedelta(microseconds=moment_ns("timestamp", said) // 1_000)
    except OverflowError:
        raise refused("timestamp", said, "an RFC 3339 time such as 2026-01-31T12:00:00Z") from None
