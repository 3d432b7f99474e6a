"""OTLP/HTTP with a JSON body: bytes to RawSpan or LogRecord, and the replies.

Ids are hex, not base64; 64-bit integers come as strings or as numbers, enums as numbers or as names, and fields that
are not known are passed over.
https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from collections.abc import Iterator, Sequence

import orjson

from traces.errors import Unreadable
from traces.records import Json, LogRecord, RawSpan, Receipt, Rejection, SpanEvent
from traces.wire.decoded import Decoded, DecodedLogs
from traces.wire.jsontext import loads
from traces.wire.otlp_json_values import (
    any_value,
    attributes,
    bad_id,
    integer,
    items,
    member,
    nanoseconds,
    objects,
    text,
)
from traces.wire.otlp_replies import RPC_CODES, UNKNOWN, partial_message

content_type = "application/json"
_STATUSES = {"1": "ok", "2": "error", "STATUS_CODE_OK": "ok", "STATUS_CODE_ERROR": "error"}


def decode(body: bytes) -> Decoded:
    """The spans of an ExportTraceServiceRequest. Raises Unreadable when it is none; a bad span costs only itself."""
    request = loads(body)
    if not isinstance(request, dict):
        raise Unreadable("This is not an OTLP trace export in JSON: the body is not an object.")
    decoded = Decoded()
    index = 0
    for of_resource in objects(request, "resourceSpans"):
        resource = attributes(member(of_resource, "resource").get("attributes"))
        for of_scope in objects(of_resource, "scopeSpans"):
            scope = text(member(of_scope, "scope"), "name")
            for span in items(of_scope, "spans"):
                reason = _bad_span(span)
                if reason:
                    decoded.rejected.append(Rejection(index, f"spans[{index}]: {reason}"))
                else:
                    decoded.spans.append(_raw_span(index, span, resource, scope))
                index += 1
    return decoded


def decode_logs(body: bytes) -> DecodedLogs:
    """The records of an ExportLogsServiceRequest. Raises Unreadable when it is none; a bad one costs only itself."""
    request = loads(body)
    if not isinstance(request, dict):
        raise Unreadable("This is not an OTLP log export in JSON: the body is not an object.")
    decoded = DecodedLogs()
    for index, (record, resource) in enumerate(_log_records(request)):
        reason = _bad_record(record)
        if reason:
            decoded.rejected.append(Rejection(index, f"logRecords[{index}]: {reason}"))
        else:
            decoded.records.append(_log_record(index, record, resource))
    return decoded


def _log_records(request: dict[str, Json]) -> Iterator[tuple[Json, dict[str, Json]]]:
    for of_resource in objects(request, "resourceLogs"):
        resource = attributes(member(of_resource, "resource").get("attributes"))
        for of_scope in objects(of_resource, "scopeLogs"):
            yield from ((record, resource) for record in items(of_scope, "logRecords"))


def reply(receipt: Receipt) -> bytes:
    """The body of the 200 that says what became of the spans."""
    if not receipt.rejected:
        return b"{}"
    # 64-bit integers are strings in protobuf's JSON.
    partial = {"rejectedSpans": str(len(receipt.rejected)), "errorMessage": partial_message(receipt.rejected)}
    return orjson.dumps({"partialSuccess": partial})


def refusal(message: str, http_status: int) -> bytes:
    """A google.rpc.Status, the body of every answer that is not 200."""
    return orjson.dumps({"code": RPC_CODES.get(http_status, UNKNOWN), "message": message})


def logs_reply(rejected: Sequence[Rejection]) -> bytes:
    """The body of the 200 that says which log records could not be read or stored."""
    if not rejected:
        return b"{}"
    partial = {"rejectedLogRecords": str(len(rejected)), "errorMessage": partial_message(rejected)}
    return orjson.dumps({"partialSuccess": partial})


def metrics_reply() -> bytes:
    """All metrics taken."""
    return b"{}"


def _bad_span(span: Json) -> str | None:
    if not isinstance(span, dict):
        return "this is not an object."
    return bad_id("trace", span.get("traceId"), 32) or bad_id("span", span.get("spanId"), 16)


def _raw_span(index: int, span: dict[str, Json], resource: dict[str, Json], scope: str) -> RawSpan:
    status = member(span, "status")
    parent = text(span, "parentSpanId").lower()
    raw = RawSpan(
        index=index,
        trace_id=span["traceId"].lower(),
        span_id=span["spanId"].lower(),
        parent_id=parent if parent.strip("0") else None,
        name=text(span, "name"),
        start_ns=nanoseconds(span.get("startTimeUnixNano")),
        end_ns=nanoseconds(span.get("endTimeUnixNano")),
        status=_STATUSES.get(str(status.get("code")), "unset"),
        status_message=text(status, "message"),
        attributes=attributes(span.get("attributes")),
        resource=resource,
        scope=scope,
        events=[_event(event) for event in objects(span, "events")],
        links=[_link(link) for link in objects(span, "links")],
        dropped_attributes=_count(span, "droppedAttributesCount"),
    )
    # What OpenTelemetry calls these counts as attributes; hardly ever there.
    if dropped := _count(span, "droppedEventsCount"):
        raw.attributes["otel.dropped_events_count"] = dropped
    if dropped := _count(span, "droppedLinksCount"):
        raw.attributes["otel.dropped_links_count"] = dropped
    return raw


def _count(span: dict[str, Json], name: str) -> int:
    """A count of 32 bits; 0 for what is none."""
    said = integer(span.get(name))
    return int(said) if isinstance(said, (int, float)) and 0 < said < 2**32 else 0


def _event(event: dict[str, Json]) -> SpanEvent:
    time_ns = nanoseconds(event.get("timeUnixNano"))
    return SpanEvent(text(event, "name"), time_ns, attributes(event.get("attributes")))


def _link(link: dict[str, Json]) -> dict[str, Json]:
    said: dict[str, Json] = {"trace_id": text(link, "traceId").lower(), "span_id": text(link, "spanId").lower()}
    return {**said, "attributes": attributes(link["attributes"])} if link.get("attributes") else said


def _bad_record(record: Json) -> str | None:
    if not isinstance(record, dict):
        return "this is not an object."
    trace_id, span_id = record.get("traceId"), record.get("spanId")
    if _has_id(trace_id) and (reason := bad_id("trace", trace_id, 32)):
        return reason
    return bad_id("span", span_id, 16) if _has_id(span_id) else None


def _has_id(spelled: Json) -> bool:
    """Whether a log record names a span at all: most need not."""
    return isinstance(spelled, str) and bool(spelled.strip("0"))


def _log_record(index: int, record: dict[str, Json], resource: dict[str, Json]) -> LogRecord:
    trace_id, span_id = text(record, "traceId").lower(), text(record, "spanId").lower()
    return LogRecord(
        index=index,
        trace_id=trace_id if trace_id.strip("0") else "",
        span_id=span_id if span_id.strip("0") else "",
        at_ns=nanoseconds(record.get("timeUnixNano")) or nanoseconds(record.get("observedTimeUnixNano")),
        event=text(record, "eventName"),
        body=any_value(record.get("body")),
        attributes=attributes(record.get("attributes")),
        resource=resource,
    )
