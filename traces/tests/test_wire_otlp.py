import json

import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

from tests.payloads import EXPECTED, raw_spans
from traces.errors import Unreadable, UnsupportedType
from traces.records import Receipt, Rejection
from traces.wire import otlp_json, otlp_protobuf, wire_format

TRACE, SPAN = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"


def json_body(*spans, **resource):
    scope_spans = [{"scope": {"name": "app"}, "spans": list(spans)}]
    return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": scope_spans}]}).encode()


def protobuf_request(**fields):
    request = ExportTraceServiceRequest()
    ids = {"trace_id": bytes.fromhex(TRACE), "span_id": bytes.fromhex(SPAN)}
    request.resource_spans.add().scope_spans.add().spans.add(**{**ids, **fields})
    return request


@pytest.mark.parametrize("name", EXPECTED)
def test_every_span_of_a_real_client_is_read(name):
    spans = raw_spans(name)
    assert len(spans) == EXPECTED[name]["spans"]
    assert [span.index for span in spans] == list(range(len(spans)))
    assert all(len(span.trace_id) == 32 and len(span.span_id) == 16 for span in spans)
    assert all(span.start_ns and span.end_ns for span in spans)


def test_json_and_protobuf_mean_the_same():
    request = protobuf_request(
        parent_span_id=bytes.fromhex("eee19b7ec3c1b173"),
        name="chat",
        kind=3,
        start_time_unix_nano=1_544_712_660_000_000_000,
        end_time_unix_nano=1_544_712_661_000_000_001,
        dropped_attributes_count=2,
        dropped_events_count=3,
        dropped_links_count=1,
        attributes=[
            KeyValue(key="text", value=AnyValue(string_value="x")),
            KeyValue(key="empty", value=AnyValue(string_value="")),
            KeyValue(key="big", value=AnyValue(int_value=2**63 - 1)),
            KeyValue(key="half", value=AnyValue(double_value=0.5)),
            KeyValue(key="nan", value=AnyValue(double_value=float("nan"))),
            KeyValue(key="yes", value=AnyValue(bool_value=True)),
            KeyValue(key="bytes", value=AnyValue(bytes_value=b"\x00\xff")),
            KeyValue(key="nothing", value=AnyValue()),
            KeyValue(
                key="list",
                value=AnyValue(array_value=ArrayValue(values=[AnyValue(int_value=1), AnyValue()])),
            ),
            KeyValue(
                key="object",
                value=AnyValue(kvlist_value=KeyValueList(values=[KeyValue(key="a", value=AnyValue(int_value=0))])),
            ),
        ],
    )
    span = request.resource_spans[0].scope_spans[0].spans[0]
    span.status.code, span.status.message = 2, "boom"
    span.events.add(name="exception", time_unix_nano=5).attributes.add(key="exception.type").value.string_value = "E"
    span.links.add(trace_id=bytes.fromhex(TRACE), span_id=bytes.fromhex(SPAN))
    as_json = {
        "traceId": TRACE.upper(),
        "spanId": SPAN,
        "parentSpanId": "EEE19B7EC3C1B173",
        "name": "chat",
        "kind": "SPAN_KIND_CLIENT",
        "startTimeUnixNano": "1544712660000000000",
        "endTimeUnixNano": 1_544_712_661_000_000_001,
        "droppedAttributesCount": 2,
        "droppedEventsCount": 3,
        "droppedLinksCount": "1",
        "futureField": {"a": 1},
        "status": {"code": "STATUS_CODE_ERROR", "message": "boom"},
        "attributes": [
            {"key": "text", "value": {"stringValue": "x"}},
            {"key": "empty", "value": {"stringValue": ""}},
            {"key": "big", "value": {"intValue": "9223372036854775807"}},
            {"key": "half", "value": {"doubleValue": 0.5}},
            {"key": "nan", "value": {"doubleValue": "NaN"}},
            {"key": "yes", "value": {"boolValue": True}},
            {"key": "bytes", "value": {"bytesValue": "AP8="}},
            {"key": "nothing", "value": {}},
            {"key": "list", "value": {"arrayValue": {"values": [{"intValue": 1}, {}]}}},
            {"key": "object", "value": {"kvlistValue": {"values": [{"key": "a", "value": {"intValue": 0}}]}}},
        ],
        "events": [
            {
                "name": "exception",
                "timeUnixNano": "5",
                "attributes": [{"key": "exception.type", "value": {"stringValue": "E"}}],
            }
        ],
        "links": [{"traceId": TRACE, "spanId": SPAN}],
    }
    one = otlp_protobuf.decode(request.SerializeToString()).spans[0]
    other = otlp_json.decode(json_body(as_json)).spans[0]
    one.scope = other.scope
    assert one == other
    assert one.attributes["nan"] == "NaN"
    assert one.attributes["list"] == [1, None]
    assert (one.attributes["otel.dropped_events_count"], one.attributes["otel.dropped_links_count"]) == (3, 1)
    assert one.status == "error"


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ({"doubleValue": None}, None),
        ({"intValue": 3}, 3),
        ({"intValue": "-3"}, -3),
        ({"intValue": "99999999999999999999"}, "99999999999999999999"),
        ({"intValue": "many"}, "many"),
        ({"stringValue": 5}, None),
        ({"arrayValue": None}, []),
        ({"kvlistValue": {"values": [None, {"key": "a"}]}}, {"a": None}),
        ({"somethingNew": 1, "stringValue": "x"}, "x"),
        ("text", None),
        (None, None),
    ],
)
def test_json_values_of_any_spelling_are_read(value, read):
    assert otlp_json.any_value(value) == read


@pytest.mark.parametrize(
    ("ids", "reason"),
    [
        ({"traceId": TRACE[:30]}, "the trace id is 30 characters long; OTLP ids are 32 hexadecimal digits."),
        ({"traceId": "W47/95gDgQPSabYzgT/GDA=="}, "24 characters long"),
        ({"traceId": "x" * 32}, "the trace id is not hexadecimal"),
        ({"traceId": " " * 32}, "the trace id is not hexadecimal"),
        ({"traceId": "0" * 32}, "the trace id is all zeros."),
        ({"traceId": None}, "the trace id is missing"),
        ({"traceId": 5}, "the trace id is missing"),
        ({"spanId": SPAN * 2}, "the span id is 32 characters long"),
    ],
)
def test_a_bad_id_in_json_costs_only_its_span(ids, reason):
    good = {"traceId": TRACE, "spanId": SPAN}
    decoded = otlp_json.decode(json_body(good, {**good, **ids}, "no object", good))
    assert [span.index for span in decoded.spans] == [0, 3]
    assert decoded.rejected[0].index == 1
    assert decoded.rejected[0].reason.startswith("spans[1]: ")
    assert reason in decoded.rejected[0].reason
    assert decoded.rejected[1].reason == "spans[2]: this is not an object."


@pytest.mark.parametrize(
    ("ids", "reason"),
    [
        ({"trace_id": bytes(15)}, "spans[0]: the trace id is 15 bytes long; OTLP ids are 16."),
        ({"trace_id": bytes(16)}, "spans[0]: the trace id is all zeros."),
        ({"span_id": b"1234"}, "spans[0]: the span id is 4 bytes long; OTLP ids are 8."),
        ({"span_id": bytes(8)}, "spans[0]: the span id is all zeros."),
    ],
)
def test_a_bad_id_in_protobuf_is_said(ids, reason):
    decoded = otlp_protobuf.decode(protobuf_request(**ids).SerializeToString())
    assert decoded.rejected == [Rejection(0, reason)]


@pytest.mark.parametrize("body", [b"[]", b"5", b'"x"', b"{", b"\x00\x01"])
def test_what_is_no_export_in_json_is_unreadable(body):
    with pytest.raises(Unreadable):
        otlp_json.decode(body)


def test_what_is_no_export_in_protobuf_is_unreadable():
    with pytest.raises(Unreadable, match="This is not an OTLP trace export in protobuf"):
        otlp_protobuf.decode(b"{}")


def test_one_text_that_is_no_utf8_does_not_cost_the_batch():
    body = protobuf_request(name="abcd").SerializeToString().replace(b"abcd", b"ab\xffd")
    assert otlp_protobuf.decode(body).spans[0].name == "ab\ufffdd"


@pytest.mark.parametrize("body", [b"{}", b'{"resourceSpans": null}', b'{"resourceSpans": [null, {"scopeSpans": {}}]}'])
def test_an_export_of_nothing_is_fine(body):
    assert otlp_json.decode(body).spans == []


def test_a_full_success_is_an_empty_response():
    assert otlp_protobuf.reply(Receipt(accepted=3)) == b""
    assert otlp_json.reply(Receipt(accepted=3)) == b"{}"


def test_a_partial_success_counts_the_refused_and_says_why():
    receipt = Receipt(rejected=[Rejection(n, f"spans[{n}]: no.") for n in range(7)])
    message = "spans[0]: no. spans[1]: no. spans[2]: no. spans[3]: no. spans[4]: no. And 2 more."
    response = ExportTraceServiceResponse.FromString(otlp_protobuf.reply(receipt))
    assert response.partial_success.rejected_spans == 7
    assert response.partial_success.error_message == message
    assert json.loads(otlp_json.reply(receipt)) == {"partialSuccess": {"rejectedSpans": "7", "errorMessage": message}}


def test_a_refusal_is_a_status_in_the_encoding_of_the_request():
    status = Status.FromString(otlp_protobuf.refusal("The database did not take the spans.", 503))
    assert (status.code, status.message) == (14, "The database did not take the spans.")
    assert json.loads(otlp_json.refusal("No.", 400)) == {"code": 3, "message": "No."}


@pytest.mark.parametrize(
    ("content_type", "module"),
    [
        ("application/x-protobuf", otlp_protobuf),
        ("application/json; charset=utf-8", otlp_json),
        ("Application/JSON", otlp_json),
    ],
)
def test_the_content_type_decides_the_encoding(content_type, module):
    assert wire_format(content_type) is module


@pytest.mark.parametrize(
    ("content_type", "said"), [("text/plain", "Content-Type is text/plain"), (None, "no Content-Type")]
)
def test_another_content_type_is_refused_with_the_ones_that_are_taken(content_type, said):
    with pytest.raises(UnsupportedType, match=f"{said}; send application/x-protobuf or application/json"):
        wire_format(content_type)
