"""OTLP bodies for tests, in both encodings, and how they are sent."""

import base64
import json
import time
from typing import Any

from django.http import HttpResponse
from django.test import Client
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

PROTOBUF, JSON = "application/x-protobuf", "application/json"
TRACE = "5b8efff798038103d269b633813fc60c"
SPAN = "eee19b7ec3c1b174"


def span(**attributes: Any) -> Span:
    """A span of TRACE that ended well just now, with these attributes; double underscores in names stand for dots."""
    end = time.time_ns()
    return Span(
        trace_id=bytes.fromhex(TRACE),
        span_id=bytes.fromhex(SPAN),
        name="chat gpt-4o-mini",
        start_time_unix_nano=end - 1_500_000_000,
        end_time_unix_nano=end,
        attributes=[KeyValue(key=key.replace("__", "."), value=_value(value)) for key, value in attributes.items()],
    )


def export(*spans: Span, **resource: Any) -> ExportTraceServiceRequest:
    """One request that holds `spans`."""
    request = ExportTraceServiceRequest()
    of_resource = request.resource_spans.add()
    of_resource.resource.attributes.extend(
        KeyValue(key=key.replace("__", "."), value=_value(value)) for key, value in resource.items()
    )
    of_resource.scope_spans.add().spans.extend(spans)
    return request


def protobuf(*spans: Span) -> bytes:
    """The binary encoding."""
    return export(*spans).SerializeToString()


def as_json(*spans: Span) -> bytes:
    """The JSON encoding: as protobuf's, but with ids in hex."""
    request = MessageToDict(export(*spans))
    for one in request["resourceSpans"][0]["scopeSpans"][0].get("spans", []):
        for name in ("traceId", "spanId", "parentSpanId"):
            if name in one:
                one[name] = base64.b64decode(one[name]).hex()
    return json.dumps(request).encode()


def log(event: str, body: Any = None, at_ns: int | None = None, **attributes: Any) -> LogRecord:
    """A log record of SPAN as GenAI's old conventions have it: no time but that of its observation."""
    return LogRecord(
        trace_id=bytes.fromhex(TRACE),
        span_id=bytes.fromhex(SPAN),
        observed_time_unix_nano=time.time_ns() if at_ns is None else at_ns,
        event_name=event,
        body=None if body is None else _value(body),
        attributes=[KeyValue(key=key.replace("__", "."), value=_value(value)) for key, value in attributes.items()],
    )


def export_logs(*records: LogRecord) -> ExportLogsServiceRequest:
    """One request that holds `records`."""
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.extend(records)
    return request


def logs_protobuf(*records: LogRecord) -> bytes:
    """The binary encoding."""
    return export_logs(*records).SerializeToString()


def logs_as_json(*records: LogRecord) -> bytes:
    """The JSON encoding: as protobuf's, but with ids in hex."""
    request = MessageToDict(export_logs(*records))
    for one in request["resourceLogs"][0]["scopeLogs"][0].get("logRecords", []):
        for name in ("traceId", "spanId"):
            if name in one:
                one[name] = base64.b64decode(one[name]).hex()
    return json.dumps(request).encode()


def post(
    client: Client, body: bytes, key: str, content_type: str = PROTOBUF, path: str = "/v1/traces", **headers: str
) -> HttpResponse:
    """The answer to `body` sent with `key`."""
    # Django's client leaves out type and length of an empty body, unless they are told as headers.
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named |= {"Authorization": f"Bearer {key}", "Content-Type": content_type, "Content-Length": str(len(body))}
    return client.post(path, body, content_type, headers=named)


def _value(value: Any) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, list):
        return AnyValue(array_value=ArrayValue(values=[_value(one) for one in value]))
    if isinstance(value, dict):
        pairs = [KeyValue(key=key, value=_value(one)) for key, one in value.items()]
        return AnyValue(kvlist_value=KeyValueList(values=pairs))
    return AnyValue(string_value=value)


def as_json_line(body: bytes) -> bytes:
    """A recorded trace export as the collector's file exporter writes it: a line of OTLP's JSON, with hex ids."""
    return _line(ExportTraceServiceRequest.FromString(body))


def logs_as_json_line(body: bytes) -> bytes:
    """The same of a log export."""
    return _line(ExportLogsServiceRequest.FromString(body))


def _line(request: Any) -> bytes:
    return json.dumps(_hex_ids(MessageToDict(request))).encode() + b"\n"


def _hex_ids(value: Any) -> Any:
    if isinstance(value, list):
        return [_hex_ids(one) for one in value]
    if not isinstance(value, dict):
        return value
    ids = ("traceId", "spanId", "parentSpanId")
    return {key: base64.b64decode(one).hex() if key in ids else _hex_ids(one) for key, one in value.items()}
