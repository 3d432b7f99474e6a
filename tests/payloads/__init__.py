"""Recorded bodies of real clients, decoded and normalised for the tests that read them."""

import json
from datetime import UTC, datetime
from pathlib import Path

from traces.normalise import normalise
from traces.records import LogRecord, RawSpan, SpanRecord
from traces.wire import wire_format
from traces.wire.inflate import inflate

FOLDER = Path(__file__).parent
EXPECTED: dict[str, dict] = json.loads((FOLDER / "expected.json").read_text())
NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)


def raw_spans(name: str) -> list[RawSpan]:
    """The spans of the body `name`, such as `openinference.rag.pb`."""
    encoding = "gzip" if name.endswith(".gz") else None
    content_type = "application/json" if ".json" in name else "application/x-protobuf"
    decoded = wire_format(content_type).decode(inflate((FOLDER / name).read_bytes(), encoding, 1 << 26))
    assert decoded.rejected == []
    return decoded.spans


def log_records(name: str) -> list[LogRecord]:
    """The log records of the body `name`, such as `otel-genai-openai.chat_event.logs.pb`."""
    decoded = wire_format("application/x-protobuf").decode_logs((FOLDER / name).read_bytes())
    assert decoded.rejected == []
    return decoded.records


def records(name: str) -> list[SpanRecord]:
    """The same, normalised."""
    return [normalise(raw, NOW) for raw in raw_spans(name)]


def the_call(name: str) -> SpanRecord:
    """The first model call of the body."""
    return next(record for record in records(name) if record.kind == "llm")
