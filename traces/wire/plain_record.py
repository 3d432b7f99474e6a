"""One flat plain record to RawSpan: every field that is ours is checked, with a sentence for what cannot be taken."""

from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Final

import orjson

from traces.ids import MAX_ID_CHARACTERS
from traces.records import FAILURES, FALLBACKS, KINDS, Json, RawSpan
from traces.wire.plain_values import (
    Refused,
    choice,
    count,
    flag,
    items,
    milliseconds,
    moment_ns,
    money,
    number,
    record,
    text,
    texts,
    whole_us,
    word,
)

__all__ = ["FIELDS", "Refused", "digest", "raw_span"]

_TEXTS: Final = (
    "status_message",
    "finish_reason",
    "request_id",
    "session_id",
    "user_id",
    "feature",
    "service",
    "environment",
    "release",
    "provider",
    "model_requested",
    "model",
    "response_id",
    "prompt_name",
    "prompt_version",
    "template_name",
    "template_version",
    "retriever_name",
    "retriever_version",
    "parser_name",
    "parser_version",
    "tool_name",
    "tool_version",
)
_COUNTS: Final = (
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "attempt",
    "retries",
)
_KIND_WORDS: Final = {
    "chat": "llm",
    "completion": "llm",
    "generation": "llm",
    "embeddings": "embedding",
    "retriever": "retrieval",
    "reranker": "rerank",
    "workflow": "chain",
}
_STATUS_WORDS: Final = {
    "ok": "ok",
    "success": "ok",
    "succeeded": "ok",
    "error": "error",
    "failed": "error",
    "failure": "error",
    "unset": "unset",
}

Reader = Callable[[str, Json], Json]
# Every name of a record that becomes a field, and how it is read. A reader raises Refused.
FIELDS: Final[Mapping[str, Reader]] = {
    **dict.fromkeys(_TEXTS, text),
    **dict.fromkeys(_COUNTS, count),
    "kind": choice({**{kind: kind for kind in KINDS}, **_KIND_WORDS}, otherwise="other"),
    "status": choice(_STATUS_WORDS, otherwise="unset"),
    "failure": choice({failure: failure for failure in FAILURES}, otherwise="other"),
    "fallback": choice({fallback: fallback for fallback in FALLBACKS}, otherwise=None),
    "cache_hit": flag,
    "refused": flag,
    "format_valid": flag,
    "confidence": number,
    "cost_usd": money,
    "tags": texts,
    "parameters": record,
    "tools": items,
    "documents": items,
    "time_to_first_token_us": whole_us,
}
# Names that say one of the fields in another unit: the unit's own name wins where both are sent.
_OTHER_UNITS: Final[Mapping[str, tuple[str, Reader]]] = {
    "time_to_first_token_ms": ("time_to_first_token_us", milliseconds)
}
_KEPT_AS_SENT: Final = ("input", "output", "parsed_output")
_IDS: Final = ("trace_id", "span_id", "parent_id", "parent_span_id")
_TIMES: Final = ("started_at", "ended_at", "duration_us", "duration_ms")
_OWN: Final = frozenset((*FIELDS, *_OTHER_UNITS, *_KEPT_AS_SENT, *_IDS, *_TIMES, "name", "messages", "attributes"))


def raw_span(index: int, item: Json) -> RawSpan:
    """The record at `index` of the flattened input. Raises Refused with a sentence that says which field and why."""
    if not isinstance(item, dict):
        raise Refused("this is no JSON object.")
    said = {name: value for name, value in item.items() if value is not None}
    if not said:
        raise Refused("there is nothing in it.")
    trace_id, span_id = _ids(said)
    raw = RawSpan(
        index=index,
        trace_id=trace_id,
        span_id=span_id,
        parent_id=_id(said, "parent_id") or _id(said, "parent_span_id"),
        name=text("name", said["name"]) if "name" in said else "",
        attributes=_attributes(said),
        fields=_fields(said),
        start_may_change=True,
    )
    raw.start_ns, raw.end_ns, duration_us = _times(said)
    if duration_us is not None:
        raw.fields["duration_us"] = duration_us
    if raw.start_ns is None:
        raw.fields["start_assumed"] = True
    return raw


def digest(record: dict[str, Json], size: int) -> str:
    """The hex id, of `size` bytes, that a record without one has: the same record has the same id."""
    canonical = orjson.dumps(record, option=orjson.OPT_SORT_KEYS)
    return blake2b(canonical, digest_size=size).hexdigest()


def _ids(said: dict[str, Json]) -> tuple[str, str]:
    trace_id, span_id = _id(said, "trace_id"), _id(said, "span_id")
    if trace_id is None:
        request_id = _id(said, "request_id")
        trace_id = digest(said, 16) if request_id is None else digest({"request": request_id}, 16)
    return trace_id, span_id or digest(said, 8)


def _id(said: dict[str, Json], name: str) -> str | None:
    if name not in said:
        return None
    spelled = str(text(name, said[name])).strip()
    if len(spelled) > MAX_ID_CHARACTERS:
        raise Refused(f'"{name}" is {len(spelled):,} characters long; write at most {MAX_ID_CHARACTERS:,}.')
    return spelled or None


def _fields(said: dict[str, Json]) -> dict[str, Json]:
    fields: dict[str, Json] = {}
    for name, value in said.items():
        if name in _OTHER_UNITS:
            field, read = _OTHER_UNITS[name]
            fields.setdefault(field, read(name, value))
        elif name in FIELDS:
            fields[name] = FIELDS[name](name, value)
        elif name in _KEPT_AS_SENT:
            fields[name] = value
    if "messages" in said:
        fields.setdefault("input", said["messages"])
    return {name: value for name, value in fields.items() if value is not None}


def _attributes(said: dict[str, Json]) -> dict[str, Json]:
    attributes = dict(record("attributes", said.get("attributes", {})))
    if isinstance(fallback := said.get("fallback"), str) and word(fallback) not in FALLBACKS:
        attributes["fallback"] = fallback
    return attributes | {name: value for name, value in said.items() if name not in _OWN}


def _times(said: dict[str, Json]) -> tuple[int | None, int | None, int | None]:
    """Start and end in nanoseconds, duration in microseconds; of the three, any two give the third."""
    start = moment_ns("started_at", said["started_at"]) if "started_at" in said else None
    end = moment_ns("ended_at", said["ended_at"]) if "ended_at" in said else None
    duration: int | None = None
    if "duration_us" in said:
        duration = whole_us("duration_us", said["duration_us"])
    elif "duration_ms" in said:
        duration = milliseconds("duration_ms", said["duration_ms"])
    if duration is not None and end is not None and start is None:
        start = end - duration * 1000
    elif duration is not None and start is not None and end is None:
        end = start + duration * 1000
    return start, end, duration
