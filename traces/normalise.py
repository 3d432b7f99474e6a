"""One pure step: a span in its sender's words to the record that is kept."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from threading import local
from typing import Any, Final

from traces import versions
from traces.conventions import events
from traces.conventions.contents import documents_of
from traces.conventions.failures import failed, failure_of, message_of
from traces.conventions.gather import Gathered, gather
from traces.conventions.payloads import payload_of
from traces.conventions.rules import FIRST_TOKEN, SIGNS
from traces.conventions.values import READERS, clean_text, text
from traces.ids import MAX_ID_CHARACTERS, kept_text, span_key, trace_key
from traces.logged import contents
from traces.messages import shaped
from traces.records import MODEL_KINDS, Json, Payload, RawSpan, SpanEvent, SpanRecord

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_NAME: Final = 1_000
_LONGEST_STATUS: Final = 2_000
# Only a model has these. A span that says one of them and no kind calls a model.
_OF_A_MODEL: Final = ("model", "model_requested", "answered_model", "input_tokens", "output_tokens")
_REMEMBERED_IDS: Final = 1_024
_PAYLOAD_FIELDS: Final = ("input", "output", "parsed_output", "parameters", "tools", "documents")
_NO_SERVICE: Final = "unknown_service"  # what an SDK says when nobody named the service


class _Last(local):
    """What this thread worked out last."""

    sender: tuple[dict[str, Json], tuple[dict[str, str], dict[str, Json]]] | None = None


_last: Final = _Last()


def normalise(raw: RawSpan, now: datetime) -> SpanRecord:
    """What llmobs keeps of a span. Never raises: a span with nothing we know is kind "other" and keeps its attributes.

    `raw.fields` come first, then the conventions in their order; of each field the first name that is present wins.
    A plain record without a start began its duration before `now`.
    """
    found = gather(raw.attributes)
    said = found.fields
    kind_is_guessed = "kind" not in said and "kind" not in raw.fields
    kind = _kind(raw, found)
    payload = payload_of(found, raw.attributes, kind in MODEL_KINDS)
    if raw.events and (payload.input is None or payload.output is None):
        _of_events(raw.events, payload)
    if kind == "retrieval" and payload.documents is None:
        payload.documents = documents_of(payload.output)
    if raw.fields:
        _take_plain(raw.fields, said, payload)
    record = _identified(raw, payload)
    record.kind = kind
    _place_models(said, raw)
    _count_tries(said)
    _time_first_token(said, raw)
    for name, value in said.items():
        setattr(record, name, value)
    _of_resource(raw, record, payload)
    _timed(raw, record, now)
    _judged(raw, record, payload)
    _happenings(raw, record, payload)
    if record.cost_usd is not None:
        record.cost_source = "sent"
    return record if raw.said_at_ns is None else versions.told(record, raw, kind_is_guessed)


def _identified(raw: RawSpan, payload: Payload) -> SpanRecord:
    trace_id, trace_text = _shared_key(raw.trace_id, 16)
    span_id, span_text = _key(raw.span_id, 8)
    parent_id, parent_text = _shared_key(raw.parent_id, 8) if raw.parent_id else (None, None)
    return SpanRecord(
        trace_id,
        span_id,
        parent_id,
        trace_text,
        span_text,
        parent_text,
        clean_text(raw.name)[:_LONGEST_NAME],
        payload=payload,
        start_may_change=raw.start_may_change,
    )


def _shared_key(spelled: str, size: int) -> tuple[bytes, str | None]:
    """The key of an id that several spans of a batch have."""
    return (_key_of_hex if len(spelled) == 2 * size else _key)(spelled, size)


@lru_cache(maxsize=_REMEMBERED_IDS)
def _key_of_hex(spelled: str, size: int) -> tuple[bytes, str | None]:
    return _key(spelled, size)


def _key(spelled: str, size: int) -> tuple[bytes, str | None]:
    """An id's bytes, and its spelling where that is not their hex."""
    if len(spelled) == 2 * size and spelled.isalnum():
        try:
            key = bytes.fromhex(spelled)
            return key, None if key.hex() == spelled else spelled
        except ValueError:
            pass  # another kind of text
    key = (trace_key if size == 16 else span_key)(spelled)
    kept = kept_text(spelled, key)
    return key, None if kept is None else clean_text(kept)[:MAX_ID_CHARACTERS]


def _kind(raw: RawSpan, found: Gathered) -> str:
    """What was said, else what the span's other attributes are signs of."""
    said: str | None = found.fields.pop("kind", None)
    if "kind" in raw.fields:
        return str(raw.fields["kind"])
    if said is not None:
        return said
    attributes = raw.attributes
    for name, kind in SIGNS.items():
        if name in attributes:
            return kind
    if any(name in found.fields or name in raw.fields for name in _OF_A_MODEL):
        return "llm"
    return "retrieval" if "documents" in found.places else "other"


def _take_plain(fields: dict[str, Json], said: dict[str, Any], payload: Payload) -> None:
    """What a record says by our own names, which its decoder has checked."""
    for name, value in fields.items():
        if name in ("input", "output"):
            setattr(payload, name, shaped(value))
        elif name in _PAYLOAD_FIELDS:
            setattr(payload, name, value)
        elif name == "kept":  # of an export of ours: shaped, and read by the conventions, before
            for slot, content in value.items():
                setattr(payload, slot, content)
        elif isinstance(value, (str, list)):
            said[name] = READERS.get(name, text)(value)
        else:
            said[name] = value
    for name in ("kind", "status", "start_assumed", "duration_us", "ended"):
        said.pop(name, None)


def _of_events(happened: list[SpanEvent], payload: Payload) -> None:
    """Contents that a sender put into the events of its span, where the span has none of its own."""
    logged = [found for event in happened if (found := events.said(event.name, None, event.attributes))]
    for slot, value in contents(logged).items():
        if getattr(payload, slot) is None:
            setattr(payload, slot, value)


def _place_models(said: dict[str, Any], raw: RawSpan) -> None:
    """One name for both models: after a success it is the one that answered, after an error the one that was asked."""
    named = said.pop("answered_model", None)
    if named is not None:
        said.setdefault("model_requested" if raw.status == "error" else "model", named)


def _count_tries(said: dict[str, Any]) -> None:
    attempts = said.pop("attempts", None)
    if attempts:
        said.setdefault("retries", attempts - 1)
    for name in ("attempt", "retries"):
        if said.get(name, 0) > 2**31 - 1:
            del said[name]


def _time_first_token(said: dict[str, Any], raw: RawSpan) -> None:
    at = said.pop("first_token_at", None)
    if at is not None and raw.start_ns is not None and at >= raw.start_ns:
        said.setdefault("time_to_first_token_us", (at - raw.start_ns) // 1000)


def _of_resource(raw: RawSpan, record: SpanRecord, payload: Payload) -> None:
    """Who sent it; what the span itself says of this wins."""
    if raw.resource:
        fields, rest = _sender(raw.resource)
        for name, value in fields.items():
            if getattr(record, name) is None:
                setattr(record, name, value)
        if rest:
            payload.attributes["resource"] = rest
    if raw.scope:
        payload.attributes["otel.scope.name"] = raw.scope
    payload.dropped_attributes = raw.dropped_attributes


def _sender(resource: dict[str, Json]) -> tuple[dict[str, str], dict[str, Json]]:
    """`sender`, worked out once for all spans in a row that share their resource."""
    last = _last.sender
    if last is None or last[0] is not resource:
        last = _last.sender = (resource, sender(resource))
    return last[1]


def sender(resource: dict[str, Json]) -> tuple[dict[str, str], dict[str, Json]]:
    """The fields that a resource says, and the rest of it."""
    fields: dict[str, str] = {}
    rest = dict(resource)
    for field, name in _RESOURCE_FIELDS:
        value = text(resource.get(name))
        if value is None or (field == "service" and value.startswith(_NO_SERVICE)):
            continue
        if fields.setdefault(field, value) == value:
            del rest[name]
    return fields, rest


_RESOURCE_FIELDS: Final = (
    ("service", "service.name"),
    ("release", "service.version"),
    ("environment", "deployment.environment.name"),
    ("environment", "deployment.environment"),
)


def _timed(raw: RawSpan, record: SpanRecord, now: datetime) -> None:
    start, end = raw.start_ns, raw.end_ns
    duration: int | None = raw.fields.get("duration_us")
    if duration is None and start is not None and end is not None:
        duration = (end - start) // 1000
    record.duration_us = duration
    record.ended = _ended(raw, duration)
    if start is not None:
        record.started_at = moment(start)
    elif raw.fields.get("start_assumed"):
        record.start_assumed = True
        record.started_at = _before(now if end is None else moment(end) or now, duration)


def _ended(raw: RawSpan, duration_us: int | None) -> bool:
    """False: it may go on. A version with a moment that says nothing of an end says nothing of one."""
    if raw.end_ns is not None or duration_us is not None or raw.fields.get("ended"):
        return True
    return raw.said_at_ns is None and (raw.start_ns is None or raw.fields.get("output") is not None)


def moment(ns: int) -> datetime | None:
    """None outside of the years that a datetime knows."""
    try:
        return _EPOCH + timedelta(0, 0, ns // 1000)
    except OverflowError:
        return None


def _before(moment: datetime, duration_us: int | None) -> datetime | None:
    try:
        return moment - timedelta(microseconds=duration_us or 0)
    except OverflowError:
        return None


def _judged(raw: RawSpan, record: SpanRecord, payload: Payload) -> None:
    """Status and failure. The message is cut for its column; the whole of it is kept beside."""
    record.status = raw.fields.get("status") or raw.status
    if record.status == "unset" and (record.failure or failed(raw)):
        record.status = "error"
    message = record.status_message or raw.status_message
    if record.status == "error":
        message = message or message_of(raw)
        if record.failure is None:
            record.failure = failure_of(record.kind, raw, message)
    if message:
        message = clean_text(message)
        if len(message) > _LONGEST_STATUS:
            payload.attributes["status.message"] = message
        record.status_message = message[:_LONGEST_STATUS] or None


def _happenings(raw: RawSpan, record: SpanRecord, payload: Payload) -> None:
    if raw.events:
        payload.events = [_event(event, raw.start_ns) for event in raw.events]
        if record.time_to_first_token_us is None:
            record.time_to_first_token_us = _first_token_us(raw)
    if raw.links:
        payload.links = raw.links


def _event(event: SpanEvent, start_ns: int | None) -> dict[str, Json]:
    """{"name", "at", "offset_us" from the span's start, "attributes"}, each only where it is known."""
    said: dict[str, Json] = {"name": event.name}
    at = None if event.time_ns is None else moment(event.time_ns)
    if at is not None:
        said["at"] = at.isoformat().replace("+00:00", "Z")
    if event.time_ns is not None and start_ns is not None:
        said["offset_us"] = (event.time_ns - start_ns) // 1000
    if event.attributes:
        said["attributes"] = event.attributes
    return said


def _first_token_us(raw: RawSpan) -> int | None:
    if raw.start_ns is None:
        return None
    times = [event.time_ns for event in raw.events if event.name in FIRST_TOKEN and event.time_ns is not None]
    first = min(times, default=None)
    return (first - raw.start_ns) // 1000 if first is not None and first >= raw.start_ns else None
