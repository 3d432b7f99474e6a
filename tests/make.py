"""Builders: spans and traces in one line, stored through the real write path."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from django.utils import timezone

from traces import store
from traces.records import Payload, RawSpan, SpanRecord

_numbers = count(1)


def now() -> datetime:
    """The present, to the millisecond, so that what is read back is equal."""
    moment = timezone.now()
    return moment.replace(microsecond=moment.microsecond // 1_000 * 1_000)


def span(**fields: Any) -> SpanRecord:
    """A span that ended well a minute ago; every field may be given by its name, payload fields too."""
    number = next(_numbers)
    payload_fields = {name: fields.pop(name) for name in list(fields) if name in Payload.__slots__}
    defaults = {
        "trace_id": number.to_bytes(16, "big"),
        "span_id": number.to_bytes(8, "big"),
        "name": "answer",
        "kind": "chain",
        "status": "ok",
        "started_at": now() - timedelta(minutes=1),
        "duration_us": 1_200_000,
    }
    return SpanRecord(**{**defaults, **fields}, payload=Payload(**payload_fields))


def call(**fields: Any) -> SpanRecord:
    """A model call with tokens."""
    defaults = {"kind": "llm", "name": "chat", "model_requested": "gpt-4o-mini", "model": "gpt-4o-mini-2024-07-18"}
    return span(**{**defaults, "provider": "openai", "input_tokens": 100, "output_tokens": 20, **fields})


def trace(**fields: Any) -> list[SpanRecord]:
    """A root and a call below it, of one trace; `fields` go to both."""
    root = span(**fields)
    return [root, call(**{**fields, "trace_id": root.trace_id, "parent_id": root.span_id})]


def raw_span(index: int = 0, **attributes: Any) -> RawSpan:
    """A span as a wire format gives it, with these attributes."""
    number = next(_numbers)
    start = int((datetime.now(UTC) - timedelta(minutes=1)).timestamp() * 1_000_000_000)
    return RawSpan(
        index=index,
        trace_id=f"{number:032x}",
        span_id=f"{number:016x}",
        name="chat",
        start_ns=start,
        end_ns=start + 1_200_000_000,
        attributes=attributes,
    )


def stored(project_id: int, *records: SpanRecord) -> store.Outcome:
    """Write the records as ingest does."""
    return store.write(project_id, list(records), timezone.now())
