"""`/v1/logs`: contents meet their span, whichever comes first, in any order and any number of times."""

import itertools
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import reduce

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from llmobs.lib.timerange import TimeRange
from tests.otlp import JSON, PROTOBUF, SPAN, TRACE, as_json, log, logs_as_json, logs_protobuf, post, protobuf, span
from tests.payloads import FOLDER
from traces.ingest import ingest, ingest_logs
from traces.merge import merged
from traces.models import Refusal
from traces.normalise import normalise
from traces.placeholders import placeholders
from traces.queries.metrics import totals
from traces.queries.spans import payload_of, spans_of
from traces.queries.traces import trace_of
from traces.records import LogRecord, RawSpan
from traces.rollups import rebuild_marked

KEY = (bytes.fromhex(TRACE), bytes.fromhex(SPAN))
ENCODINGS = pytest.mark.parametrize(
    ("content_type", "encode", "encode_logs"), [(PROTOBUF, protobuf, logs_protobuf), (JSON, as_json, logs_as_json)]
)
SAID = [
    {"role": "system", "content": "Be terse."},
    {"role": "user", "content": "Hi"},
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "name": "f", "arguments": {}}]},
    {"role": "tool", "content": "21C", "tool_call_id": "c"},
]


def conversation(start_ns=None):
    """The log records of one call, as GenAI's old conventions have them."""
    start = start_ns or time.time_ns()
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Yo"}}
    return [
        log("gen_ai.system.message", {"content": "Be terse."}, start),
        log("gen_ai.user.message", {"content": "Hi"}, start + 10),
        log("gen_ai.user.message", {"content": "Hi"}, start + 20),
        log("gen_ai.assistant.message", {"tool_calls": [call]}, start + 30),
        log("gen_ai.tool.message", {"content": "21C", "id": "c"}, start + 40),
        log("gen_ai.choice", choice, start + 1_000),
    ]


def stored(project):
    """The one row of the span, and its payload as it is read."""
    (found,) = spans_of(project.pk, [KEY[0]])
    return found.record, payload_of(project.pk, *KEY)


def codes(project):
    return {note.code for note in trace_of(project.pk, TRACE).notes}


@ENCODINGS
@pytest.mark.parametrize("logs_first", [True, False])
def test_logs_and_span_become_one(client, project, ingest_key, content_type, encode, encode_logs, logs_first):
    posts = [
        (encode(span(gen_ai__operation__name="chat", gen_ai__request__model="m")), "/v1/traces"),
        (encode_logs(*conversation()), "/v1/logs"),
    ]
    for body, path in reversed(posts) if logs_first else posts:
        answer = post(client, body, ingest_key, content_type, path)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, content_type)
        assert answer.content == (b"{}" if content_type == JSON else b"")
    record, payload = stored(project)
    assert (record.name, record.kind, record.model_requested, record.ended) == ("chat gpt-4o-mini", "llm", "m", True)
    assert record.finish_reason == "stop"
    assert payload.input == SAID
    assert payload.output == [{"role": "assistant", "content": "Yo", "finish_reason": "stop"}]
    trace = trace_of(project.pk, TRACE)
    assert (trace.summary.asked, trace.summary.answered, trace.summary.has_root) == ("Hi", "Yo", True)
    assert "span_missing" not in codes(project)


@pytest.mark.parametrize("case", ["chat_event", "chat_eventonly"])
def test_what_a_client_recorded_in_logs_is_on_its_span(client, project, ingest_key, case):
    for path, name in (("/v1/logs", f"{case}.logs"), ("/v1/traces", case)):
        body = (FOLDER / f"otel-genai-openai.{name}.pb").read_bytes()
        assert post(client, body, ingest_key, PROTOBUF, path).status_code == 200
    ((trace_id,),) = rows("SELECT trace_id FROM traces_span")
    (found,) = spans_of(project.pk, [bytes(trace_id)])
    payload = payload_of(project.pk, bytes(trace_id), found.span_id)
    assert [message["role"] for message in payload.input] == ["system", "user"]
    assert payload.output[0]["content"].startswith("Paris is the capital of France.")
    assert found.record.input_tokens == 120


def test_logs_of_a_span_that_never_comes_are_shown_and_said_to_be_all_there_is(client, project, ingest_key, read_key):
    post(client, logs_protobuf(*conversation()), ingest_key, PROTOBUF, "/v1/logs")
    record, payload = stored(project)
    assert (record.name, record.kind, record.ended, payload.input) == ("", "llm", False, SAID)
    trace = trace_of(project.pk, TRACE)
    assert (trace.summary.asked, trace.summary.has_root, trace.complete) == ("Hi", False, False)
    assert {"span_missing", "root_missing"} <= codes(project)
    assert not {"not_ended", "start_not_sent"} & codes(project)
    answer = client.get(f"/api/v1/traces/{TRACE}", headers={"Authorization": f"Bearer {read_key}"}).json()
    assert answer["spans"][0]["output"][0]["content"] == "Yo"
    assert "logged" not in answer["spans"][0]


def test_a_span_of_which_only_logs_have_come_is_neither_a_request_nor_a_call(client, project, ingest_key):
    post(client, logs_protobuf(*conversation()), ingest_key, path="/v1/logs")
    rebuild_marked(1_000)
    hour = TimeRange(timezone.now() - timedelta(hours=1), timezone.now() + timedelta(minutes=5))
    counted = totals(project.pk, hour)
    assert (counted.requests, counted.calls) == (0, 0)
    assert trace_of(project.pk, TRACE).totals.calls == 0


def test_a_page_shows_what_came_by_logs(client, member_client, project, ingest_key):
    post(client, logs_protobuf(*conversation()), ingest_key, PROTOBUF, "/v1/logs")
    page = member_client.get(f"/p/shop/traces/{TRACE}")
    assert page.status_code == 200
    assert b"Be terse." in page.content


def test_logs_never_overwrite_what_the_span_says(client, project, ingest_key):
    own = span(
        gen_ai__input__messages='[{"role": "user", "content": "own"}]', gen_ai__response__finish_reasons="length"
    )
    post(client, logs_protobuf(*conversation()), ingest_key, PROTOBUF, "/v1/logs")
    post(client, protobuf(own), ingest_key)
    post(client, logs_protobuf(*conversation()), ingest_key, PROTOBUF, "/v1/logs")
    record, payload = stored(project)
    assert (payload.input, record.finish_reason) == ([{"role": "user", "content": "own"}], "length")
    assert payload.output[0]["content"] == "Yo"


def test_logs_of_the_application_are_discarded(client, project, ingest_key):
    records = [log("", "GET / 200"), log("gen_ai.user.message"), log("app.order.placed", {"content": "x"})]
    nowhere = log("gen_ai.user.message", {"content": "Hi"})
    nowhere.ClearField("span_id")
    answer = post(client, logs_protobuf(*records, nowhere), ingest_key, PROTOBUF, "/v1/logs")
    assert (answer.status_code, answer.content) == (200, b"")
    assert rows("SELECT count(*) FROM traces_span") == [(0,)]


@ENCODINGS
def test_a_record_with_a_bad_id_costs_only_itself(client, project, ingest_key, content_type, encode, encode_logs):
    bad = log("gen_ai.user.message", {"content": "lost"})
    bad.trace_id = b"short"
    answer = post(client, encode_logs(bad, *conversation()), ingest_key, content_type, "/v1/logs")
    assert answer.status_code == 200
    if content_type == JSON:
        said = answer.json()["partialSuccess"]
        assert said["rejectedLogRecords"] == "1"
        assert said["errorMessage"].startswith("logRecords[0]: the trace id is 10 characters long")
    else:
        said = ExportLogsServiceResponse.FromString(answer.content).partial_success
        assert said.rejected_log_records == 1
        assert said.error_message.startswith("logRecords[0]: the trace id is 5 bytes long")
    assert stored(project)[1].input == SAID


def unfit(*records):
    """An export of these records whose release Postgres cannot hold: the test has an index of its own on it."""
    export = ExportLogsServiceRequest.FromString(logs_protobuf(*records))
    release = "".join(map(chr, random.Random(1).choices(range(0x4E00, 0x9FFF), k=3_000)))  # hard to compress
    said = KeyValue(key="service.version", value=AnyValue(string_value=release))
    export.resource_logs[0].resource.attributes.append(said)
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX ON traces_span (release)")
    return export


def test_every_record_of_contents_that_cannot_be_stored_is_refused_and_the_inbox_says_that_nothing_is_stored(
    client, project, ingest_key
):
    export = unfit(*conversation(), log("", "GET / 200"))
    answer = post(client, export.SerializeToString(), ingest_key, PROTOBUF, "/v1/logs")
    said = ExportLogsServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, said.rejected_log_records) == (200, 6)
    assert said.error_message.startswith("A value of this span cannot be stored")
    refusal = Refusal.objects.get()
    assert (refusal.status, refusal.items) == (200, 6)
    assert [index for index, _ in refusal.rejected] == [0, 1, 2, 3, 4, 5]


def test_what_else_the_request_held_was_taken_where_other_contents_are_stored(client, project, ingest_key):
    export = unfit(*conversation())
    other = log("gen_ai.user.message", {"content": "Another"})
    other.span_id = b"another!"
    kept = export.resource_logs.add()
    kept.CopyFrom(ExportLogsServiceRequest.FromString(logs_protobuf(other)).resource_logs[0])
    assert post(client, export.SerializeToString(), ingest_key, PROTOBUF, "/v1/logs").status_code == 200
    refusal = Refusal.objects.get()
    assert (refusal.status, refusal.items) == (None, 6)
    assert rows("SELECT count(*) FROM traces_span") == [(1,)]


@pytest.mark.parametrize(("content_type", "body"), [(PROTOBUF, b"\xff\xff"), (JSON, b"[]"), (JSON, b"{")])
def test_a_body_that_is_no_log_export_is_400(client, ingest_key, content_type, body):
    assert post(client, body, ingest_key, content_type, "/v1/logs").status_code == 400


def test_hostile_contents_are_stored(client, project, ingest_key):
    body = logs_as_json(log("gen_ai.user.message", {"content": "CONTENT", "more": 1}))
    body = body.replace(b"CONTENT", b"a\\u0000\\ud800b")
    assert post(client, body, ingest_key, JSON, "/v1/logs").status_code == 200
    assert stored(project)[1].input[0]["content"] == "a\0\ufffdb"


def rows(query):
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


# In any order

NOW = timezone.now().replace(hour=12, minute=0, second=0, microsecond=0)
NS = int(NOW.timestamp()) * 1_000_000_000


def the_span(start=NOW, **fields):
    start_ns = int(start.timestamp() * 1e6) * 1000
    ids = {"trace_id": TRACE, "span_id": SPAN, "start_ns": start_ns, "end_ns": start_ns + 2_000_000_000}
    return RawSpan(0, name="chat m", attributes={"gen_ai.operation.name": "chat"}, **ids, **fields)


def the_logs(at=NOW):
    start = int(at.timestamp() * 1e6) * 1000
    said = [("system", "Be terse."), ("user", "Hi"), ("user", "Hi")]
    records = [
        LogRecord(place, TRACE, SPAN, start + place, f"gen_ai.{role}.message", {"content": text})
        for place, (role, text) in enumerate(said)
    ]
    choice = {"finish_reason": "stop", "message": {"content": "Yo"}}
    return [*records, LogRecord(3, TRACE, SPAN, start + 900_000, "gen_ai.choice", choice)]


def deliver(project, event, now):
    if isinstance(event, RawSpan):
        return ingest(project.pk, [event], [], now)
    return ingest_logs(project.pk, list(event), [], now)


@pytest.mark.parametrize("seed", range(12))
def test_any_order_batching_and_repetition_gives_the_same(project, seed):
    chance = random.Random(seed)
    logs = the_logs()
    chance.shuffle(logs)
    each = chance.randint(1, 4)
    events = [the_span(), *(logs[first : first + each] for first in range(0, len(logs), each))]
    events += chance.choices(events, k=3)
    chance.shuffle(events)
    for place, event in enumerate(events):
        deliver(project, event, NOW + timedelta(minutes=place))
    record, payload = stored(project)
    assert payload.input == SAID[:3]
    assert payload.output == [{"role": "assistant", "content": "Yo", "finish_reason": "stop"}]
    assert (record.started_at, record.duration_us, record.finish_reason) == (NOW, 2_000_000, "stop")
    assert rows("SELECT happened_at FROM traces_span") == [(NOW,)]
    assert rows("SELECT happened_at, has_root, name, asked, answered FROM traces_summary") == [
        (NOW, True, "chat m", "Hi", "Yo")
    ]


def choices():
    """Three more choices of the call, before and after the one of the_logs; the first says not why it ended."""
    return [
        LogRecord(place, TRACE, SPAN, NS + at, "gen_ai.choice", {"message": {"content": text}, "finish_reason": reason})
        for place, (at, text, reason) in enumerate([(10, "A", None), (20, "B", "length"), (10**9, "C", "tool_calls")])
    ]


@pytest.mark.parametrize("own", [{}, {"gen_ai.output.messages": [{"role": "assistant", "content": "own"}]}])
def test_of_several_choices_the_first_reason_is_kept_in_any_order(project, own):
    span = the_span()
    span.attributes.update(own)
    for number, events in enumerate(itertools.permutations([span, *([one] for one in choices())])):
        ids = {"trace_id": f"{number + 1:032x}"}
        for event in events:
            mine = replace(event, **ids) if isinstance(event, RawSpan) else [replace(one, **ids) for one in event]
            deliver(project, mine, NOW)
    assert rows("SELECT finish_reason, count(*) FROM traces_span GROUP BY 1") == [("length", 24)]


OWN_INPUT = {"gen_ai.input.messages": [{"role": "user", "content": "own"}]}
OWN_OUTPUT = {"gen_ai.output.messages": [{"role": "assistant", "content": "own"}]}


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_order_of_versions_makes_the_same_record(data):
    """Also where the span has contents of its own, and where it never comes."""
    own = data.draw(st.sampled_from([{}, OWN_INPUT, OWN_OUTPUT, {"gen_ai.response.finish_reasons": "length"}, None]))
    whole = LogRecord(0, TRACE, SPAN, NS - 5, "gen_ai.any", None, {"gen_ai.tool.definitions": [{"name": "f"}]})
    logs = [*the_logs(), *choices(), *data.draw(st.sampled_from([[], [whole]]))]
    cuts = data.draw(st.lists(st.lists(st.sampled_from(logs), min_size=1, max_size=4), max_size=4))
    versions = [record for part in [logs, *cuts] for record, _ in placeholders(part)]
    if own is not None:
        span = the_span()
        span.attributes.update(own)
        versions.append(normalise(span, NOW))
    one, other = (data.draw(st.permutations([*versions, *versions])) for _ in range(2))
    assert settled(reduce(merged, one)) == settled(reduce(merged, other))


def settled(record):
    """What does not tell in which batches it came."""
    logged = [{**said, "place": 0} for said in record.payload.logged or ()]
    return replace(record, payload=replace(record.payload, logged=logged))


def test_what_was_delivered_again_changes_nothing(project):
    for event in (the_logs()[:2], the_span(), the_logs()[2:]):
        deliver(project, event, NOW)
    before = rows("SELECT revision, digest FROM traces_span")
    for event in (the_logs()[2:], the_logs()[:2], the_span(), the_logs()):
        deliver(project, event, NOW + timedelta(hours=1))
    assert stored(project)[1].input == SAID[:3]
    assert deliver(project, the_span(), NOW).duplicates == 1
    assert rows("SELECT digest FROM traces_span") == [(before[0][1],)]


# Across midnight

MIDNIGHT = NOW.replace(hour=0)
EVENING, MORNING = MIDNIGHT - timedelta(milliseconds=500), MIDNIGHT + timedelta(milliseconds=700)


@pytest.mark.parametrize("order", ["span first", "logs first", "span between", "logs on both sides"])
def test_logs_on_the_other_side_of_midnight_find_their_span(project, order):
    logs = the_logs(MORNING)
    events = {
        "span first": [the_span(EVENING), logs],
        "logs first": [logs, the_span(EVENING)],
        "span between": [logs[:2], the_span(EVENING), logs[2:]],
        "logs on both sides": [the_logs(EVENING)[:1], logs[1:], the_span(EVENING)],
    }[order]
    for event in [*events, *events]:
        deliver(project, event, MORNING + timedelta(seconds=5))
    record, payload = stored(project)
    assert (record.started_at, record.name) == (EVENING, "chat m")
    assert (payload.input, payload.output[0]["content"]) == (SAID[:3], "Yo")
    assert rows("SELECT day, happened_at FROM traces_span") == [(EVENING.date(), EVENING)]
    assert rows("SELECT count(*) FROM traces_payload") == [(1,)]
    assert rows("SELECT happened_at, has_root, asked, answered FROM traces_summary") == [(EVENING, True, "Hi", "Yo")]
    assert codes(project) == {"price_unknown"}


def test_logs_of_another_span_do_not_follow_it_home(project):
    other = [LogRecord(0, TRACE, "ab" * 8, one.at_ns, one.event, one.body) for one in the_logs(MORNING)]
    for event in (the_span(EVENING), other, the_logs(MORNING)):
        deliver(project, event, MORNING)
    found = {one.span_id: one.happened_at for one in spans_of(project.pk, [KEY[0]])}
    assert found == {KEY[1]: EVENING, bytes.fromhex("ab" * 8): MORNING}


@pytest.mark.parametrize("at_ns", [None, 0, 1, 2**64 - 1])
def test_logs_without_a_plausible_time_stand_where_they_came_in(project, at_ns):
    records = [LogRecord(0, TRACE, SPAN, at_ns, "gen_ai.user.message", {"content": "Hi"})]
    for minutes in (0, 5):
        deliver(project, records, NOW + timedelta(minutes=minutes))
    assert rows("SELECT happened_at FROM traces_span") == [(NOW,)]
    deliver(project, the_span(NOW - timedelta(minutes=1)), NOW)
    assert rows("SELECT happened_at FROM traces_span") == [(NOW - timedelta(minutes=1),)]
    assert stored(project)[1].input == [{"role": "user", "content": "Hi"}]


@pytest.mark.django_db(transaction=True)
def test_span_and_logs_that_come_at_once_across_midnight_are_one(project):
    start = threading.Barrier(2)

    def send(event):
        try:
            start.wait(10)
            deliver(project, event, MORNING)
        finally:
            connection.close()

    for number in range(8):
        ids = {"trace_id": f"{number + 1:032x}", "span_id": SPAN}
        logs = [replace(one, **ids) for one in the_logs(MORNING)]
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(send, [replace(the_span(EVENING), **ids), logs]))
    assert rows("SELECT count(*), count(DISTINCT trace_id), min(day), max(day) FROM traces_span") == [
        (8, 8, EVENING.date(), EVENING.date())
    ]
