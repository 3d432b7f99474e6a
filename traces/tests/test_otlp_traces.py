"""OpenTelemetry's own addresses: exact answers, through Django's client and through a real server.

https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

import base64
import gzip
import json
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from tests.otlp import JSON, PROTOBUF, SPAN, TRACE, as_json, post, protobuf, span
from tests.payloads import FOLDER, raw_spans
from tests.web import sent, sent_raw, served
from traces.queries.traces import trace_of

# What the specification asks of each kind of refusal: https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto
RPC = {400: 3, 401: 16, 403: 7, 405: 12, 413: 8, 415: 3, 503: 14}
ENCODINGS = pytest.mark.parametrize(("content_type", "encode"), [(PROTOBUF, protobuf), (JSON, as_json)])
ADDRESSES = ["/v1/traces", "/api/otel/v1/traces", "/api/public/otel/v1/traces", "/v1/traces/v1/traces"]


def stored(project, trace_id=TRACE):
    """The spans of a trace that are stored, by id."""
    trace = trace_of(project.pk, trace_id)
    return {one.shown_id: one.record for one in trace.spans} if trace else {}


def refusal(answer, content_type=PROTOBUF):
    """What a refusal says, checked to be a google.rpc.Status in the encoding of the request."""
    assert answer.headers["Content-Type"] == content_type
    if content_type == JSON:
        said = json.loads(answer.content)
        code, message = said["code"], said["message"]
    else:
        status = Status.FromString(answer.content)
        code, message = status.code, status.message
    status_code = getattr(answer, "status_code", None) or answer.status
    assert code == RPC[status_code]
    assert message[0].isupper()
    assert message.endswith(".")
    return message


@ENCODINGS
@pytest.mark.parametrize("path", ADDRESSES)
def test_a_span_is_stored_and_answered_in_its_own_encoding(client, project, ingest_key, content_type, encode, path):
    answer = post(client, encode(span(gen_ai__request__model="gpt-4o-mini")), ingest_key, content_type, path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, content_type)
    assert answer.content == (b"{}" if content_type == JSON else b"")
    assert stored(project)[SPAN].model_requested == "gpt-4o-mini"


@ENCODINGS
def test_both_encodings_of_a_span_are_the_same_row(client, project, ingest_key, content_type, encode):
    one = span(gen_ai__request__model="m", gen_ai__usage__input_tokens=7, app__ratio=0.5, app__live=True)
    for form, body in ((PROTOBUF, protobuf(one)), (JSON, as_json(one))):
        assert post(client, body, ingest_key, form).status_code == 200
    assert len(stored(project)) == 1
    before = stored(project)
    post(client, encode(one), ingest_key, content_type)
    assert stored(project) == before


@pytest.mark.parametrize(
    "content_type",
    ["application/json; charset=utf-8", "APPLICATION/JSON", "application/x-protobuf ", "application/protobuf"],
)
def test_a_content_type_may_be_spelled_in_many_ways(client, project, ingest_key, content_type):
    body = as_json(span()) if "json" in content_type.lower() else protobuf(span())
    assert post(client, body, ingest_key, content_type).status_code == 200
    assert stored(project)


@ENCODINGS
def test_a_bad_id_costs_only_its_span(client, project, ingest_key, content_type, encode):
    bad = span()
    bad.trace_id = b"too short"
    answer = post(client, encode(span(), bad), ingest_key, content_type)
    assert answer.status_code == 200
    if content_type == JSON:
        partial = json.loads(answer.content)["partialSuccess"]
        assert partial["rejectedSpans"] == "1"  # 64-bit integers are strings in protobuf's JSON
        message = partial["errorMessage"]
    else:
        response = ExportTraceServiceResponse.FromString(answer.content)
        assert response.partial_success.rejected_spans == 1
        message = response.partial_success.error_message
    assert message.startswith("spans[1]: the trace id is ")
    assert list(stored(project)) == [SPAN]


@ENCODINGS
def test_a_request_of_only_bad_spans_is_a_partial_success_too(client, project, ingest_key, content_type, encode):
    bad = span()
    bad.span_id = bytes(8)
    answer = post(client, encode(bad), ingest_key, content_type)
    assert answer.status_code == 200
    assert b"the span id is all zeros." in answer.content
    assert not stored(project)


@ENCODINGS
def test_an_empty_request_is_a_success(client, ingest_key, content_type, encode):
    assert post(client, encode(), ingest_key, content_type).status_code == 200


def test_no_bytes_at_all_are_an_empty_protobuf_message(client, ingest_key):
    answer = post(client, b"", ingest_key)
    assert (answer.status_code, answer.content) == (200, b"")


def test_an_empty_json_object_is_a_success(client, ingest_key):
    assert post(client, b"{}", ingest_key, JSON).content == b"{}"


@ENCODINGS
@pytest.mark.parametrize("body", [b"\xff\xfe not a message", b"[1, 2]", b'{"resourceSpans": [', b"\x00" * 50])
def test_a_body_that_nobody_can_read_is_400(client, ingest_key, content_type, encode, body):
    answer = post(client, body, ingest_key, content_type)
    assert answer.status_code == 400
    assert refusal(answer, content_type)


@ENCODINGS
@pytest.mark.parametrize("path", [*ADDRESSES, "/v1/logs", "/v1/metrics", "/api/otel/v1/logs", "/api/otel/v1/metrics"])
def test_every_address_needs_a_key_that_may_send(client, project, read_key, content_type, encode, path):
    for key, status in (("nobodys", 401), ("", 401), (read_key, 403)):
        answer = post(client, encode(span()), key, content_type, path)
        assert answer.status_code == status
        assert "key" in refusal(answer, content_type)
    assert not stored(project)


@ENCODINGS
def test_another_method_is_405(client, ingest_key, content_type, encode):
    for method in ("GET", "PUT", "DELETE"):
        headers = {"Authorization": f"Bearer {ingest_key}", "Content-Type": content_type}
        answer = client.generic(method, "/v1/traces", headers=headers)
        assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
        assert refusal(answer, content_type)


def test_a_browser_that_looks_at_the_address_is_told_to_post(client):
    answer = client.get("/v1/traces")
    assert answer.status_code == 405
    assert "POST" in refusal(answer, JSON)


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "", "application/x-www-form-urlencoded"])
def test_an_unknown_content_type_is_415(client, ingest_key, content_type):
    answer = post(client, protobuf(span()), ingest_key, content_type)
    assert answer.status_code == 415
    assert "application/x-protobuf" in refusal(answer, JSON)


@ENCODINGS
def test_an_unknown_content_encoding_is_415(client, ingest_key, content_type, encode):
    answer = post(client, encode(span()), ingest_key, content_type, Content_Encoding="br")
    assert answer.status_code == 415
    assert "gzip" in refusal(answer, content_type)


@ENCODINGS
@pytest.mark.parametrize(
    ("word", "pack"),
    [
        ("gzip", gzip.compress),
        ("GZIP", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda data: _bare_deflate(data)),
        ("identity", bytes),
    ],
)
def test_compressed_bodies_are_inflated(client, project, ingest_key, content_type, encode, word, pack):
    answer = post(client, pack(encode(span())), ingest_key, content_type, Content_Encoding=word)
    assert answer.status_code == 200
    assert list(stored(project)) == [SPAN]


@pytest.mark.parametrize("body", [b"not gzip", gzip.compress(b"x" * 1000)[:-20], b""], ids=["other", "cut", "empty"])
def test_a_broken_compressed_body_is_400(client, ingest_key, body):
    answer = post(client, body, ingest_key, Content_Encoding="gzip")
    assert answer.status_code == 400
    assert "compressed body" in refusal(answer)


@ENCODINGS
def test_a_body_that_inflates_without_end_is_413(client, ingest_key, content_type, encode):
    bomb = gzip.compress(b"\0" * 70_000_000, compresslevel=9)
    assert len(bomb) < 100_000
    answer = post(client, bomb, ingest_key, content_type, Content_Encoding="gzip")
    assert answer.status_code == 413
    assert "uncompressed" in refusal(answer, content_type)


@ENCODINGS
def test_a_body_over_the_limit_as_sent_is_413(client, settings, ingest_key, content_type, encode):
    body = encode(span(app__text="x" * 1000))
    settings.INGEST_MAX_BODY_BYTES = len(body)
    assert post(client, body, ingest_key, content_type).status_code == 200
    settings.INGEST_MAX_BODY_BYTES = len(body) - 1
    answer = post(client, body, ingest_key, content_type)
    assert answer.status_code == 413
    assert "smaller batches" in refusal(answer, content_type)


def test_a_langfuse_sdk_needs_nothing_but_its_host_and_its_keys(client, project, ingest_key):
    """Gzip by default, Basic with the key as the secret key, headers of its own."""
    keys = base64.b64encode(f"pk-lf-any:{ingest_key}".encode()).decode()
    answer = client.post(
        "/api/public/otel/v1/traces",
        (FOLDER / "langfuse-v5.rag.pb.gz").read_bytes(),
        PROTOBUF,
        headers={"Authorization": f"Basic {keys}", "Content-Encoding": "gzip", "x-langfuse-ingestion-version": "4"},
    )
    assert (answer.status_code, answer.headers["Content-Type"], answer.content) == (200, PROTOBUF, b"")
    found = stored(project, raw_spans("langfuse-v5.rag.pb.gz")[0].trace_id)
    assert len(found) == 8
    assert {one.prompt_version for one in found.values() if one.kind == "llm"} == {"7", "3"}


@pytest.mark.parametrize("prefix", ["/v1/", "/api/otel/v1/", "/api/public/otel/v1/", "/v1/traces/v1/"])
def test_logs_and_metrics_are_answered(client, ingest_key, prefix):
    for signal, response in (("logs", ExportLogsServiceResponse), ("metrics", ExportMetricsServiceResponse)):
        answer = post(client, b"", ingest_key, PROTOBUF, prefix + signal)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, PROTOBUF)
        assert not response.FromString(answer.content).partial_success.ByteSize()
        answer = post(client, b"{}", ingest_key, JSON, prefix + signal)
        assert (answer.status_code, answer.content) == (200, b"{}")


def test_hostile_values_cost_nothing(client, project, ingest_key):
    """NUL, numbers without an end, a name of megabytes, times at the edges: the span is stored, whatever is in it."""
    odd = span(**{"k\0ey": "a\0b", "nan": float("nan"), "inf": float("inf"), "int": 2**63 - 1, "long": "x" * 600_000})
    odd.name = "n" * 3_000
    odd.start_time_unix_nano, odd.end_time_unix_nano = 2**64 - 1, 1
    for body, content_type in ((protobuf(odd), PROTOBUF), (as_json(odd), JSON)):
        answer = post(client, body, ingest_key, content_type)
        assert (answer.status_code, answer.content) == (200, b"{}" if content_type == JSON else b"")
    assert len(stored(project)) == 1


# Through a real server, where bodies come as they come.


@ENCODINGS
def test_a_chunked_body_is_stored(web, project, ingest_key, content_type, encode):
    body = encode(span())
    chunks = [body[start : start + 50] for start in range(0, len(body), 50)]
    answer = sent(web, "POST", "/v1/traces", chunks, Authorization=f"Bearer {ingest_key}", Content_Type=content_type)
    assert answer.status == 200
    assert list(stored(project)) == [SPAN]


@pytest.mark.parametrize(("word", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_a_chunked_and_compressed_body_is_stored(web, project, ingest_key, word, pack):
    body = pack(protobuf(span()))
    headers = {"Authorization": f"Bearer {ingest_key}", "Content-Type": PROTOBUF, "Content-Encoding": word}
    assert sent(web, "POST", "/v1/traces", [body[:100], body[100:]], **headers).status == 200
    assert list(stored(project)) == [SPAN]


def test_chunked_plain_records_are_stored(web, project, ingest_key):
    chunks = [b'{"request_id": "req-7", "trace_id": ', b'"t-7", "output"', b': "hello"}']
    answer = sent(web, "POST", "/api/v1/traces", chunks, Authorization=f"Bearer {ingest_key}")
    assert (answer.status, json.loads(answer.content)["accepted"]) == (200, 1)
    assert stored(project, "t-7")


def test_a_chunked_body_that_never_says_its_length_is_still_limited(web, ingest_key):
    chunks = [b"\0" * 1_000_000] * 22
    headers = {"Authorization": f"Bearer {ingest_key}", "Content-Type": PROTOBUF}
    answer = sent(web, "POST", "/v1/traces", chunks, **headers)
    assert answer.status == 413
    assert "smaller batches" in refusal(answer)


def test_a_body_shorter_than_it_says_is_not_stored(web, project, ingest_key):
    body = protobuf(span())
    said = f"POST /v1/traces HTTP/1.1\nHost: x\nAuthorization: Bearer {ingest_key}\nContent-Type: {PROTOBUF}\n"
    answer = sent_raw(web, f"{said}Content-Length: {len(body) + 10}\n\n", body)
    assert b" 200 " not in answer.partition(b"\r\n")[0]
    assert not stored(project)


def test_a_body_longer_than_it_says_is_read_to_where_it_says(web, project, ingest_key):
    body = as_json(span())
    said = f"POST /v1/traces HTTP/1.1\nHost: x\nAuthorization: Bearer {ingest_key}\nContent-Type: {JSON}\n"
    answer = sent_raw(web, f"{said}Content-Length: {len(body) - 10}\n\n", body)
    assert b" 400 " in answer.partition(b"\r\n")[0]
    assert not stored(project)


def test_what_was_answered_200_is_there_for_another_process_at_once(web, project, ingest_key):
    def send(number):
        one = span()
        one.span_id = number.to_bytes(8, "big")
        headers = {"Authorization": f"Bearer {ingest_key}", "Content-Type": PROTOBUF}
        return sent(web, "POST", "/v1/traces", protobuf(one), **headers).status

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(send, range(1, 21))) == {200}
    assert len(stored(project)) == 20


def test_while_the_database_is_away_senders_are_told_to_come_back(tmp_path):
    """503 with Retry-After is what clients keep their spans for; 500 and 401 make them throw the spans away."""
    away = "postgres://nobody:nothing@127.0.0.1:9/none"
    key = {"Authorization": "Bearer llmobs_in_any"}
    asked = [
        ("POST", "/v1/traces", {**key, "Content-Type": PROTOBUF}),
        ("POST", "/v1/logs", {**key, "Content-Type": PROTOBUF}),
        ("POST", "/api/v1/traces", key),
        ("GET", "/api/v1/requests/req-1", key),
        ("GET", "/health/ready", {}),
        ("GET", "/health/live", {}),
    ]
    with served(tmp_path, threads=8, DATABASE_URL=away) as address, ThreadPoolExecutor(len(asked)) as pool:
        answers = list(
            pool.map(lambda one: sent(address, one[0], one[1], b"{}" if one[0] == "POST" else None, **one[2]), asked)
        )
    assert [answer.status for answer in answers] == [503] * 5 + [200]
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers[:4])
    assert refusal(answers[0])
    assert json.loads(answers[2].content)["message"]


def _bare_deflate(data):
    """Deflate without zlib's header, as some clients send it."""
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()
