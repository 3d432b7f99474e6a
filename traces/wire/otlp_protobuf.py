"""OTLP/HTTP with a protobuf body: bytes to RawSpan or LogRecord, and the replies.

Fields are read by hand: protobuf's own MessageToDict takes five times as long, turns ids into base64 and 64-bit
integers into strings.
https://opentelemetry.io/docs/specs/otlp/#binary-protobuf-encoding
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from google.protobuf.message import DecodeError, Message
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # it ships stubs, but no py.typed
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.logs.v1 import logs_pb2
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from llmobs.lib.pages_first import giving_way
from traces.errors import Unreadable
from traces.records import Json, LogRecord, RawSpan, Receipt, Rejection, SpanEvent
from traces.wire.decoded import Decoded, DecodedLogs
from traces.wire.otlp_replies import RPC_CODES, UNKNOWN, partial_message
from traces.wire.protobuf_text import mended, twin
from traces.wire.protobuf_values import Known, any_value, attributes, read_once, unread_attributes

content_type = "application/x-protobuf"
_STATUSES = {0: "unset", 1: "ok", 2: "error"}
_NO_SPAN, _NO_TRACE = bytes(8), bytes(16)
Read = TypeVar("Read")
_Traces: Any = twin(ExportTraceServiceRequest, unread_attributes)


def decode(body: bytes) -> Decoded:
    """The spans of an ExportTraceServiceRequest. Raises Unreadable when it is none; a bad id costs only its span."""
    return _read(body, ExportTraceServiceRequest, "trace", lambda sent: _decoded(_Traces.FromString(sent)))


def _decoded(request: Any) -> Decoded:
    """The spans of a request whose spans have attributes as bytes. Raises DecodeError for an attribute that is none."""
    decoded = Decoded()
    known: Known = {}
    index = 0
    for of_resource in request.resource_spans:
        resource = attributes(of_resource.resource.attributes)
        for of_scope in of_resource.scope_spans:
            scope = of_scope.scope.name
            for span in giving_way(of_scope.spans):
                said = read_once(span.attributes[:], known)
                reason = _bad_id(span.trace_id, span.span_id)
                if reason:
                    decoded.rejected.append(Rejection(index, f"spans[{index}]: {reason}"))
                else:
                    decoded.spans.append(_raw_span(index, span, said, resource, scope))
                index += 1
    return decoded


def decode_logs(body: bytes) -> DecodedLogs:
    """The records of an ExportLogsServiceRequest. Raises Unreadable when it is none; a bad id costs only its record."""
    request = _read(body, ExportLogsServiceRequest, "log", ExportLogsServiceRequest.FromString)
    decoded = DecodedLogs()
    for index, (record, resource) in enumerate(_log_records(request)):
        reason = _bad_ids_of_log(record)
        if reason:
            decoded.rejected.append(Rejection(index, f"logRecords[{index}]: {reason}"))
        else:
            decoded.records.append(_log_record(index, record, resource))
    return decoded


def _log_records(request: ExportLogsServiceRequest) -> Iterator[tuple[logs_pb2.LogRecord, dict[str, Json]]]:
    for of_resource in request.resource_logs:
        resource = attributes(of_resource.resource.attributes)
        for of_scope in of_resource.scope_logs:
            yield from ((record, resource) for record in of_scope.log_records)


def reply(receipt: Receipt) -> bytes:
    """The body of the 200 that says what became of the spans."""
    response = ExportTraceServiceResponse()
    if receipt.rejected:
        response.partial_success.rejected_spans = len(receipt.rejected)
        response.partial_success.error_message = partial_message(receipt.rejected)
    return response.SerializeToString()


def refusal(message: str, http_status: int) -> bytes:
    """A google.rpc.Status, the body of every answer that is not 200."""
    body: bytes = Status(code=RPC_CODES.get(http_status, UNKNOWN), message=message).SerializeToString()
    return body


def logs_reply(rejected: Sequence[Rejection]) -> bytes:
    """The body of the 200 that says which log records could not be read or stored."""
    response = ExportLogsServiceResponse()
    if rejected:
        response.partial_success.rejected_log_records = len(rejected)
        response.partial_success.error_message = partial_message(rejected)
    return response.SerializeToString()


def metrics_reply() -> bytes:
    """All metrics taken."""
    return ExportMetricsServiceResponse().SerializeToString()


def _read(body: bytes, kind: type[Message], what: str, reader: Callable[[bytes], Read]) -> Read:
    """What `reader` makes of a message of `kind`. Raises Unreadable, which calls it a `what` export."""
    try:
        return reader(body)
    except DecodeError:
        pass  # perhaps only for a text that is no UTF-8
    try:
        return reader(mended(body, kind))
    except DecodeError as error:
        message = f"This is not an OTLP {what} export in protobuf: the message cannot be parsed."
        raise Unreadable(message) from error


def _bad_id(trace_id: bytes, span_id: bytes) -> str | None:
    if len(trace_id) != 16:
        return f"the trace id is {len(trace_id)} bytes long; OTLP ids are 16."
    if len(span_id) != 8:
        return f"the span id is {len(span_id)} bytes long; OTLP ids are 8."
    if trace_id == _NO_TRACE:
        return "the trace id is all zeros."
    if span_id == _NO_SPAN:
        return "the span id is all zeros."
    return None


def _raw_span(index: int, span: Any, said: dict[str, Json], resource: dict[str, Json], scope: str) -> RawSpan:
    parent, status = span.parent_span_id, span.status
    raw = RawSpan(
        index=index,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=parent.hex() if parent and parent != _NO_SPAN else None,
        name=span.name,
        start_ns=span.start_time_unix_nano or None,  # 0 is how protobuf says "not sent"
        end_ns=span.end_time_unix_nano or None,
        status=_STATUSES.get(status.code, "unset"),
        status_message=status.message,
        attributes=said,
        resource=resource,
        scope=scope,
        dropped_attributes=span.dropped_attributes_count,
    )
    # What OpenTelemetry calls these counts as attributes; hardly ever there.
    if span.dropped_events_count:
        raw.attributes["otel.dropped_events_count"] = span.dropped_events_count
    if span.dropped_links_count:
        raw.attributes["otel.dropped_links_count"] = span.dropped_links_count
    if span.events:
        raw.events = [SpanEvent(e.name, e.time_unix_nano or None, attributes(e.attributes)) for e in span.events]
    if span.links:
        raw.links = [_link(link) for link in span.links]
    return raw


def _link(link: Span.Link) -> dict[str, Json]:
    said = {"trace_id": link.trace_id.hex(), "span_id": link.span_id.hex()}
    return {**said, "attributes": attributes(link.attributes)} if link.attributes else said


def _bad_ids_of_log(record: logs_pb2.LogRecord) -> str | None:
    """What is wrong with ids that are there: most log records name no span."""
    if len(record.trace_id) not in (0, 16):
        return f"the trace id is {len(record.trace_id)} bytes long; OTLP ids are 16."
    if len(record.span_id) not in (0, 8):
        return f"the span id is {len(record.span_id)} bytes long; OTLP ids are 8."
    return None


def _log_record(index: int, record: logs_pb2.LogRecord, resource: dict[str, Json]) -> LogRecord:
    return LogRecord(
        index=index,
        trace_id="" if record.trace_id == _NO_TRACE else record.trace_id.hex(),
        span_id="" if record.span_id == _NO_SPAN else record.span_id.hex(),
        at_ns=record.time_unix_nano or record.observed_time_unix_nano or None,
        event=record.event_name,
        body=any_value(record.body),
        attributes=attributes(record.attributes),
        resource=resource,
    )
