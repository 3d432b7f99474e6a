"""What the OpenTelemetry collector's file exporter writes as JSON: one export request a line, of any signal.

https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/fileexporter
"""

import orjson

from traces.records import Json
from traces.wire import otlp_json
from traces.wire.exported.found import Found
from traces.wire.plain_values import Refused

_SIGNALS = ("resourceSpans", "resourceLogs", "resourceMetrics")


def recognises(value: dict[str, Json]) -> bool:
    """By the name of a signal."""
    return any(name in value for name in _SIGNALS)


def read(value: dict[str, Json]) -> Found:
    """The spans and log records of a request; metrics are passed over."""
    if not recognises(value):
        raise Refused("It is no OTLP export: none of resourceSpans, resourceLogs and resourceMetrics is in it.")
    found = Found()
    body = orjson.dumps(value)
    if "resourceSpans" in value:
        spans = otlp_json.decode(body)
        found.spans = spans.spans
        found.refused += [one.reason for one in spans.rejected]
    if "resourceLogs" in value:
        logs = otlp_json.decode_logs(body)
        found.records = logs.records
        found.refused += [one.reason for one in logs.rejected]
    return found
