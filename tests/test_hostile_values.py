"""Values that break naive servers, over real HTTP in each format: stored or refused as they should be, and readable."""

import base64
import gzip
import json
import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import Client
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.otlp import JSON, PROTOBUF, export
from tests.otlp import span as otlp_span
from tests.web import database_url, sent, served

LARGEST = 2**63 - 1
DAY_NS = 86_400 * 10**9
DEEP = "[" * 10_000 + "]" * 10_000
TO_BREAK = "to be broken"  # stands for text that the libraries of this test refuse to write


def noise(length: int) -> str:
    """Text that does not compress to much less."""
    return base64.b64encode(random.Random(length).randbytes(length)).decode()[:length]


def messages(content: str) -> dict[str, object]:
    """Messages as conventions spell them: JSON in a string."""
    return {"gen_ai.input.messages": f'[{{"role":"user","content":{content}}}]'}


# What stands in the attributes of a span; times are offsets from now, unless they are of another epoch.
ATTRIBUTES = {
    "a NUL in a value": {"app.x": "a\0b", "session.id": "s\0", "llmobs.request_id": "r\0"},
    "a NUL in a key": {"k\0ey": "v", "langfuse.observation.metadata.s\0k": "v"},
    "a NUL in JSON in a string": messages(r'"a\u0000b"'),
    "half a character in JSON in a string": messages(r'"\ud800"'),
    "half a character": {"app.x": TO_BREAK, "gen_ai.request.model": TO_BREAK},
    "NaN": {"app.x": float("nan"), "gen_ai.usage.input_tokens": float("nan"), "gen_ai.usage.cost": float("nan")},
    "Infinity": {"app.x": float("inf"), "gen_ai.usage.output_tokens": float("inf"), "gen_ai.usage.cost": float("-inf")},
    "NaN in JSON in a string": messages("NaN"),
    "the largest integer": {"app.x": LARGEST, "gen_ai.usage.input_tokens": LARGEST, "llm.token_count.total": LARGEST},
    "an integer past 64 bits in a string": messages(str(2**70)),
    "negative tokens": {"gen_ai.usage.input_tokens": -5, "gen_ai.usage.output_tokens": -(2**63)},
    "a key of 3,000 characters": {noise(3_000): "v"},
    "ids of 3,000 characters": {
        name: noise(3_000) for name in ("session.id", "user.id", "llmobs.request_id", "llmobs.feature", "service.name")
    },
    "names of 3,000 characters": {"gen_ai.request.model": noise(3_000), "gen_ai.response.model": noise(3_001)},
    "an attribute of 1 MB": {"app.x": noise(1_000_000), "gen_ai.prompt.0.content": noise(1_000_000)},
    "JSON 10,000 deep in a string": {"gen_ai.input.messages": DEEP, "input.value": DEEP, "app.x": DEEP},
    "HTML and templates": messages(r'"<script>alert(1)</script>{{ 7|add:1 }}{% load x %}"'),
    "the wrong way round": messages('"\u202egnp.exe \u2066"'),
}  # fmt: skip
# Name, start and end.
SPANS = {
    "a name of 3,000 characters": {"name": noise(3_000)},
    "a name with a NUL": {"name": "a\0b"},
    "an end before the start": {"start": 0, "end": -5 * 10**9},
    "no end": {"end": None},
    "the year 1970": {"start": 10**9 - time.time_ns(), "end": 2 * 10**9 - time.time_ns()},
    "the year 2262": {"start": 2**63 - DAY_NS - time.time_ns(), "end": 2**63 - DAY_NS + 10**9 - time.time_ns()},
    "a future day": {"start": 3 * DAY_NS, "end": 3 * DAY_NS + 10**9},
    "a year after its start": {"start": 0, "end": 365 * DAY_NS},
}
TABLE = {
    **{words: {"attributes": attributes} for words, attributes in ATTRIBUTES.items()},
    **SPANS,
}


def ids(number: int) -> tuple[str, str]:
    return f"{number + 1:032x}", f"{number + 1:016x}"


def protobuf(number: int, attributes=None, name="answer", start=0, end=10**9) -> bytes:
    one, (trace_id, span_id) = otlp_span(**(attributes or {})), ids(number)
    one.trace_id, one.span_id, one.name = bytes.fromhex(trace_id), bytes.fromhex(span_id), name
    one.start_time_unix_nano = time.time_ns() + start
    one.end_time_unix_nano = 0 if end is None else time.time_ns() + end
    return export(good(number), one).SerializeToString().replace(TO_BREAK.encode(), b"ab\xed\xa0\x80cdefgh\xff")


def good(number: int):
    """An ordinary span of the same trace, which must be stored whatever stands beside it."""
    one, (trace_id, _) = otlp_span(gen_ai__request__model="gpt-4o-mini"), ids(number)
    one.trace_id, one.span_id = bytes.fromhex(trace_id), bytes.fromhex(f"{number + 1001:016x}")
    return one


def otlp_json(number: int, attributes=None, name="answer", start=0, end=10**9) -> bytes:
    request, now = ExportTraceServiceRequest.FromString(protobuf(number)), time.time_ns()
    spans = [
        {
            "traceId": one.trace_id.hex(), "spanId": one.span_id.hex(), "name": one.name,
            "startTimeUnixNano": one.start_time_unix_nano, "endTimeUnixNano": str(one.end_time_unix_nano),
        }
        for one in request.resource_spans[0].scope_spans[0].spans
    ]  # fmt: skip
    pairs = [{"key": key, "value": _value(value)} for key, value in (attributes or {}).items()]
    times = {"startTimeUnixNano": str(now + start), "endTimeUnixNano": "" if end is None else str(now + end)}
    spans[1] |= {"name": name, "attributes": pairs, **times}
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]})
    return body.replace(TO_BREAK, r"ab\ud800cdefghi\udfff").encode()


def _value(value: object) -> dict[str, object]:
    return {{int: "intValue", float: "doubleValue"}.get(type(value), "stringValue"): value}


def plain(number: int, attributes=None, name="answer", start=0, end=10**9) -> bytes:
    (trace_id, span_id), now = ids(number), time.time_ns()
    one = {"trace_id": trace_id, "span_id": span_id, "name": name, "attributes": attributes or {}}
    one |= {"started_at": now + start, **({} if end is None else {"ended_at": now + end})}
    beside = {"trace_id": trace_id, "span_id": f"{number + 1001:016x}", "model": "gpt-4o-mini"}
    return json.dumps([beside, one]).replace(TO_BREAK, r"ab\ud800cdefghi\udfff").encode()


FORMATS = pytest.mark.parametrize(
    ("encode", "content_type", "path"),
    [(protobuf, PROTOBUF, "/v1/traces"), (otlp_json, JSON, "/v1/traces"), (plain, JSON, "/api/v1/traces")],
)


@FORMATS
def test_hostile_values_are_stored_and_their_traces_open(
    web, project, engineer, ingest_key, read_key, encode, content_type, path
):
    browser = Client()
    browser.force_login(engineer)
    cookie = f"sessionid={browser.cookies['sessionid'].value}"
    wrong = {}
    for number, (words, span) in enumerate(TABLE.items()):
        answer = sent(web, "POST", path, encode(number, **span), Authorization=ingest_key, Content_Type=content_type)
        trace_id, span_id = ids(number)
        page = f"/p/{project.slug}/traces/{trace_id}"
        read = sent(web, "GET", f"/api/v1/traces/{trace_id}", Authorization=read_key)
        pages = [sent(web, "GET", one, Cookie=cookie).status for one in (page, f"{page}?span={span_id}")]
        kept = len(json.loads(read.content).get("spans", ()))
        if (answer.status, kept, pages) != (200, 2, [200, 200]) or b"ejected" in answer.content.replace(
            b'"rejected":[]', b""
        ):
            wrong[words] = (answer.status, answer.content[:300], read.status, kept, pages)
    assert wrong == {}
    listed = [
        sent(web, "GET", f"/p/{project.slug}/{page}", Cookie=cookie) for page in ("traces", "dashboards/overview")
    ]
    assert [one.status for one in listed] == [200, 200]


@FORMATS
def test_a_body_of_19_mb_is_stored_and_its_trace_opens(web, project, engineer, ingest_key, encode, content_type, path):
    browser = Client()
    browser.force_login(engineer)
    body = encode(1, attributes={f"app.{number}": noise(990_000 + number) for number in range(19)})
    assert len(body) > 18_500_000
    assert sent(web, "POST", path, body, Authorization=ingest_key, Content_Type=content_type).status == 200
    page = f"/p/{project.slug}/traces/{ids(1)[0]}?span={ids(1)[1]}"
    answer = sent(web, "GET", page, Cookie=f"sessionid={browser.cookies['sessionid'].value}")
    assert answer.status == 200
    assert len(answer.content) < 4_000_000


def too_deep(levels: int) -> bytes:
    """An OTLP value inside a value inside a value, in protobuf, written by hand from the inside."""
    value = b"\x0a\x01x"
    for _ in range(levels):
        array = b"\x0a" + _varint(len(value)) + value
        value = b"\x2a" + _varint(len(array)) + array
    pair = b"\x0a\x01k\x12" + _varint(len(value)) + value
    for field in (b"\x4a", b"\x12", b"\x12", b"\x0a"):  # span, scope, resource, request
        pair = field + _varint(len(pair)) + pair
    return pair


def _varint(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])


DEEP_JSON = b'{"resourceSpans":' + DEEP.encode() + b"}"
BOMB = gzip.compress(bytes(100_000_000))


@pytest.mark.parametrize(
    ("path", "content_type", "encoding", "body", "status"),
    [
        ("/v1/traces", PROTOBUF, "", too_deep(10_000), 400),
        ("/v1/traces", JSON, "", DEEP_JSON, 400),
        ("/api/v1/traces", JSON, "", DEEP.encode(), 400),
        ("/api/v1/traces", "application/x-ndjson", "", DEEP.encode(), 400),
        ("/v1/traces", PROTOBUF, "gzip", BOMB, 413),
        ("/v1/traces", JSON, "gzip", BOMB, 413),
        ("/api/v1/traces", JSON, "gzip", BOMB, 413),
        ("/api/v1/traces", JSON, "gzip", gzip.compress(BOMB), 400),
        ("/v1/traces", JSON, "deflate", b"\x78\x9c" + b"nonsense", 400),
        ("/v1/traces", JSON, "br", b"x", 415),
    ],
)  # fmt: skip
def test_bodies_that_can_never_be_stored_are_refused(
    web, project, ingest_key, path, content_type, encoding, body, status
):
    headers = {"Authorization": ingest_key, "Content_Type": content_type, "Content_Encoding": encoding or "identity"}
    assert sent(web, "POST", path, body, **headers).status == status


def test_four_writers_of_overlapping_batches_store_each_span_once(transactional_db, project, ingest_key, tmp_path):
    """Each batch holds half of the one before, in another order, and the begun version of half its spans."""
    spans = [otlp_span(gen_ai__request__model="gpt-4o-mini", app__number=number) for number in range(400)]
    for number, one in enumerate(spans):
        one.trace_id, one.span_id = bytes.fromhex(ids(number // 4)[0]), bytes.fromhex(ids(number)[1])
    begun = [type(one).FromString(one.SerializeToString()) for one in spans]
    for one in begun:
        one.ClearField("end_time_unix_nano")

    def write(writer: int) -> list[int]:
        order, statuses = random.Random(writer), []
        for start in range(0, 400, 40):
            batch = spans[start : start + 80] + begun[start : start + 40]
            order.shuffle(batch)
            headers = {"Authorization": ingest_key, "Content_Type": PROTOBUF}
            statuses.append(sent(address, "POST", "/v1/traces", export(*batch).SerializeToString(), **headers).status)
        return statuses

    database = database_url(connection.settings_dict)
    with served(tmp_path, 4, DATABASE_URL=database) as address, ThreadPoolExecutor(4) as writers:
        statuses = [status for of_writer in writers.map(write, range(4)) for status in of_writer]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), count(DISTINCT span_id), bool_and(ended) FROM traces_span")
        assert cursor.fetchone() == (400, 400, True)
        cursor.execute("SELECT (SELECT count(*) FROM traces_payload), (SELECT count(*) FROM traces_summary)")
        assert cursor.fetchone() == (400, 100)
    assert statuses == [200] * 40
