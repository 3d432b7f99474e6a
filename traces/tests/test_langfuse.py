"""Langfuse's own protocol over HTTP, from the bodies that its SDKs sent, and what can then be read."""

import base64
import hashlib
import json
import random

import orjson
import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from tests.payloads import FOLDER, the_call
from tests.test_random_ingest import LENGTHS, VALUES, Sender, property_test
from traces.models import Refusal

pytestmark = pytest.mark.django_db
CASES = orjson.loads((FOLDER / "langfuse-v2" / "requests.json").read_bytes())
JSON = "application/json"
RECORDED_ON = "2026-11-21"
AT = RECORDED_ON + "T02:06:41.{:06}Z"


def bodies(case):
    return [(FOLDER / "langfuse-v2" / name).read_bytes() for name in CASES[case]["requests"]]


def events(case):
    return [event for body in bodies(case) for event in json.loads(body)["batch"]]


@pytest.fixture
def call(client, ingest_key):
    """Sends one request as the SDKs do: Basic, the secret key as the password."""

    def _call(method, path, said=None, **headers):
        body = said if isinstance(said, bytes) else b"" if said is None else orjson.dumps(said)
        basic = base64.b64encode(f"pk-lf-x:{ingest_key}".encode()).decode()
        named = {"Authorization": f"Basic {basic}"} | headers
        return client.generic(method, f"/api/public/{path}", body, JSON, headers=named)

    return _call


@pytest.fixture
def read(client, read_key):
    def _read(trace_id):
        return client.get(f"/api/v1/traces/{trace_id}", headers={"x-api-key": read_key}).json()

    return _read


def event(type_, number=0, **body):
    return {"id": f"event-{number}", "type": type_, "timestamp": AT.format(number), "body": body}


def sent(call, *batch):
    return call("POST", "ingestion", {"batch": list(batch), "metadata": {"sdk_name": "python"}})


@pytest.mark.parametrize("case", sorted(CASES))
def test_what_was_recorded_is_taken_and_holds_what_its_client_said(case, call, read):
    observed = CASES[case]["observed"]
    for body in bodies(case):
        answer = call("POST", "ingestion", body)
        assert (answer.status_code, answer.json()["errors"], answer.json()["rejected"]) == (207, [], [])
        assert [one["id"] for one in answer.json()["successes"]] == [one["id"] for one in json.loads(body)["batch"]]
    (trace_id,) = {one["body"]["id"] for one in events(case) if one["type"] == "trace-create"}
    trace = read(trace_id)
    spans = trace["spans"]
    of_scores = [one for one in events(case) if one["type"] == "score-create"]
    assert len(trace["scores"]) + sum(len(span["scores"]) for span in spans) == len(of_scores)
    assert len(spans) == len({one["body"]["id"] for one in events(case)} - {one["body"]["id"] for one in of_scores})
    assert [span["span_id"] for span in spans if span["parent_id"] is None] == [trace_id]
    assert all(span["ended"] for span in spans)
    models = {model for span in spans for model in (span["model"], span["model_requested"]) if model}
    assert models == set(observed.get("models", []))
    for name, ours in (("userId", "user_id"), ("sessionId", "session_id"), ("environment", "environment")):
        assert observed.get("ids", {}).get(name) in {None, spans[0][ours]}


def test_a_call_is_told_whole(call, read):
    for body in bodies("rag"):
        call("POST", "ingestion", body)
    root, *rest = read("1686c38d-4a45-4c08-a920-b864b0a7c63c")["spans"]
    assert (root["name"], root["output"], root["tags"], root["duration_ms"]) == ("rag", "21C", ["prod"], 133.531)
    assert root["started_at"] == "2026-11-21T02:06:41.368148Z"  # the earliest that was said
    first = next(span for span in rest if span["span_id"] == "5ddff45c-2913-4735-9af5-71e262e57398")
    assert (first["model_requested"], first["model"]) == ("gpt-4o-mini", "gpt-4o-mini-2024-08-06")
    tokens = ("input_tokens", "output_tokens", "cache_read_tokens", "reasoning_tokens")
    assert [first[name] for name in tokens] == [120, 17, 64, 5]
    assert first["parameters"] == {"temperature": 1, "top_p": 1, "frequency_penalty": 0, "presence_penalty": 0}
    assert [message["role"] for message in first["input"]] == ["system", "user"]
    assert first["output"][0]["tool_calls"][0]["name"] == first["tools"][0]["function"]["name"] == "get_weather"
    assert (first["kind"], first["duration_ms"], first["cost_source"]) == ("llm", 28.222, "priced")


def test_failures_streams_and_prompts_are_told(call, read):
    for case in ("err429", "stream", "lowlevel", "exc"):
        for body in bodies(case):
            call("POST", "ingestion", body)
    traces = {case: read(events(case)[0]["body"]["id"])["spans"] for case in ("stream", "lowlevel", "exc")}
    assert (traces["exc"][0]["status"], traces["exc"][0]["status_message"]) == ("error", "bad thing")
    assert any(span["time_to_first_token_ms"] for span in traces["stream"])
    by_name = {span["name"]: span for span in traces["lowlevel"]}
    prompted = by_name["llm"]
    assert (prompted["prompt_name"], prompted["prompt_version"]) == ("answer-chat", "7")
    assert (prompted["cost_usd"], prompted["parameters"]["temperature"]) == ("0.003", 0.2)
    old = by_name["legacy-usage"]
    assert (old["input_tokens"], old["output_tokens"], old["cost_usd"]) == (1, 2, "0.1")
    assert (old["failure"], old["parent_id"]) == ("rate_limited", prompted["span_id"])
    assert by_name["ev1"]["duration_ms"] == 0


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"usage": {"promptTokens": 3, "completionTokens": 4, "totalTokens": 7}}, {"input_tokens": 3}),
        ({"usage": {"input": 3, "output": 4, "unit": "TOKENS", "totalCost": 0.5}}, {"output_tokens": 4}),
        ({"usage": {"input": 30, "output": 40, "unit": "CHARACTERS"}}, {"input_tokens": None}),
        ({"usageDetails": {"input": 5}, "usage": {"input": 3}}, {"input_tokens": 5}),
        ({"usageDetails": {"input_tokens": 5, "output_tokens": 6}}, {"output_tokens": 6}),
        ({"usageDetails": "many", "usage": [1]}, {"input_tokens": None}),
        ({"costDetails": {"input": 0.25, "output": 0.5}}, {"cost_usd": "0.75"}),
        ({"costDetails": {"input": 0.25, "total": 0.5}}, {"cost_usd": "0.5"}),
        ({"costDetails": {"input": "dear", "output": 0.5}}, {"cost_usd": None}),
        ({"costDetails": {"total": 0}, "level": "ERROR"}, {"cost_usd": "0", "cost_source": "sent"}),
        (
            {"modelParameters": {"temperature": "0.5", "max_tokens": "inf", "n": "2"}},
            {"parameters": {"temperature": 0.5, "n": 2}},
        ),
        ({"modelParameters": "none"}, {"parameters": {}}),
        ({"metadata": {"request_id": "r-1", "feature": "f"}}, {"request_id": "r-1", "feature": "f"}),
        ({"user_id": "junk", "trace": {"release": None}, "start_time": 7}, {"user_id": None}),
        ({"startTime": "yesterday"}, {"started_at": "2026-11-21T02:06:41.000000Z"}),
        ({"promptName": "p", "promptVersion": 3}, {"prompt_version": "3"}),
        ({"level": "WARNING", "statusMessage": "hm"}, {"status": "unset", "status_message": "hm"}),
        ({"parentObservationId": "o"}, {"parent_id": None}),
        ({"name": ["x"], "input": "a\0b\ufffd", "endTime": 12}, {"name": "", "ended": False}),
    ],
)
def test_a_generation_in_all_its_forms(body, expected, call, read):
    call("POST", "ingestion", {"batch": [event("generation-create", id="o", traceId="t", **body)]})
    (span,) = read("t")["spans"]
    assert {name: span[name] for name in expected} == expected


@pytest.mark.parametrize(
    "bad",
    [
        None,
        [],
        "event",
        {"id": "x"},
        event("span-create", traceId="t"),
        event("span-create", id={"a": 1}),
        event("span-create", id="x" * 3_000),
        event("trace-create", name="no id"),
        event("dataset-run-item-create", id="d"),
        {"id": 7, "type": ["span-create"], "body": {"id": "o"}},
        event("score-create", traceId="t", name="q"),
        event("score-create", name="q", value=1),
        event("score-create", traceId="t", name="q", value="many", dataType="NUMERIC"),
    ],
)
def test_a_bad_event_costs_only_itself_and_no_client_sends_the_batch_again(bad, call, read, project):
    good = event("span-create", id="good", traceId="kept", name="good")
    answer = sent(call, bad, good)
    said = answer.json()
    assert (answer.status_code, said["errors"], said["successes"]) == (207, [], [{"id": "event-0", "status": 201}])
    assert [span["name"] for span in read("kept")["spans"]] == ["good"]
    (kept,) = Refusal.objects.filter(project=project)
    assert kept.items == 1
    assert said["rejected"][0]["message"] == kept.rejected[0][1]
    assert sent(call, bad).status_code == 400  # nothing of it can be taken: dropped, not sent again


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"batch": {}}', b'"x"', b'{"batch": ' + b"[" * 500])
def test_a_body_without_a_batch_is_refused(body, call):
    assert call("POST", "ingestion", body).status_code == 400


def test_what_a_sdk_says_of_itself_is_nothing_of_a_trace(call):
    assert sent(call, event("sdk-log", log={"message": "x"})).json()["successes"] == [{"id": "event-0", "status": 201}]


def test_a_score_may_come_before_its_trace_and_be_given_again(call, read):
    def of(number, value):
        return event("score-create", number, id="s", traceId="t", observationId="o", name="q", value=value)

    sent(call, of(2, 0.5), event("span-create", 1, id="o", traceId="t"))
    sent(call, of(1, 0.1))
    (span,) = read("t")["spans"]
    assert [score["value"] for score in span["scores"]] == [0.5]


def test_the_scores_of_the_newest_sdk_are_stored_once(call, read):
    body = (FOLDER / "langfuse-v5.rag.scores.json").read_bytes()
    for _ in range(2):
        answer = call("POST", "scores", body)
        assert (answer.status_code, answer.json()) == (202, {"message": "Accepted"})
    trace_id = "38b1098acdfaf1356aa64c3d1fb939b9"
    sent(call, event("span-create", id="f921e32ff1a2450e", traceId=trace_id, sessionId="sess-9"))
    trace = read(trace_id)
    values = [score["value"] for score in (*trace["scores"], *trace["spans"][0]["scores"])]
    assert sorted(map(str, values)) == ["0.87", "True", "free text here", "good"]


def test_one_score_alone_is_answered_with_its_id(call):
    answer = call("POST", "scores", {"id": "mine", "traceId": "t", "name": "q", "value": 1})
    assert (answer.status_code, answer.json()) == (200, {"id": "mine"})
    assert call("POST", "scores", {"traceId": "t", "name": "q"}).status_code == 400
    part = call("POST", "scores", [{"traceId": "t", "name": "q"}, {"traceId": "t", "name": "q", "value": 1}])
    assert (part.status_code, part.json()["accepted"], part.json()["errors"][0]["index"]) == (207, 1, 0)


@pytest.mark.parametrize("order", range(5))
@pytest.mark.parametrize("case", ["rag", "lowlevel", "stream"])
def test_the_recorded_events_mean_the_same_in_any_order(case, order):
    shuffled = events(case)
    random.Random(order).shuffle(shuffled)
    straight, mixed = Sender(), Sender()
    ingested(straight, events(case))
    ingested(mixed, shuffled[:3])
    ingested(mixed, shuffled[3:])
    assert mixed.rows() == straight.rows()


def ingested(sender: Sender, batch: list[object]) -> dict[str, object]:
    """Sent on the day on which it happened: a span whose start comes on a later day than itself stays where it was."""
    body = json.dumps({"batch": batch}).replace(RECORDED_ON, f"{timezone.now():%Y-%m-%d}")
    answer = sender.send(body.encode(), JSON, "/api/public/ingestion")
    found: dict[str, object] = json.loads(answer.content)
    return found


TIMES = st.sampled_from([None, "2026-11-21T02:06:41Z", "2026-11-21T02:06:42.5+00:00"])
WORDS = st.sampled_from([None, "a", "b"])
BODIES = st.fixed_dictionaries({"id": st.sampled_from(["o1", "o2"]), "traceId": st.just("t")}, optional={
    "name": WORDS, "input": WORDS, "output": st.sampled_from([None, "x", {"role": "assistant", "content": "y"}]),
    "model": WORDS, "startTime": TIMES, "endTime": TIMES, "completionStartTime": TIMES, "promptName": WORDS,
    "parentObservationId": st.sampled_from([None, "o1", "p"]), "level": st.sampled_from(["ERROR", "DEFAULT"]),
    "usageDetails": st.sampled_from([{"input": 1}, {"output": 2}, None]), "metadata": st.just({"k": 1}) | WORDS,
    "costDetails": st.sampled_from([{"input": 0.5}, {"total": 0}]), "statusMessage": WORDS, "environment": WORDS,
})  # fmt: skip
TRACES = st.fixed_dictionaries({"id": st.just("t")}, optional={
    "timestamp": TIMES, "name": WORDS, "tags": st.lists(st.sampled_from(["a", "b"])), "userId": WORDS,
    "sessionId": WORDS, "metadata": st.just({"k": 2}) | WORDS, "release": WORDS, "end_time": TIMES, "output": WORDS,
})  # fmt: skip
TYPES = ["span-create", "span-update", "generation-create", "generation-update", "event-create", "observation-update"]
EVENTS = st.one_of(st.tuples(st.sampled_from(TYPES), BODIES), st.tuples(st.just("trace-create"), TRACES)).flatmap(
    lambda pair: st.integers(1, 4).map(lambda number: event(pair[0], number, **pair[1]))
)


@LENGTHS
def test_the_events_of_a_batch_mean_the_same_in_any_order(examples):
    @property_test(examples)
    @given(st.lists(EVENTS, min_size=1, max_size=7), st.data())
    def check(batch, data):
        straight, mixed = Sender(), Sender()
        ingested(straight, batch)
        left = data.draw(st.permutations(batch)) + data.draw(st.lists(st.sampled_from(batch), max_size=3))
        while left:
            size = data.draw(st.integers(1, len(left)))
            ingested(mixed, left[:size])
            left = left[size:]
        assert known(mixed.rows()) == known(straight.rows())

    check()


def known(rows):
    """Without what follows from the moment at which a span came, for those of which no event says the start."""
    return rows["payloads"], [
        {name: one for name, one in row.items() if name != "happened_at"} for row in rows["spans"]
    ]


MEMBERS = st.sampled_from([
    "usage", "usageDetails", "costDetails", "modelParameters", "metadata", "tags", "id", "traceId", "name", "startTime",
    "level", "input", "output", "promptVersion", "statusMessage", "model", "value", "comment", "dataType", "timestamp",
])  # fmt: skip


@LENGTHS
def test_whatever_an_event_holds_is_never_a_500_nor_costs_another(examples):
    @property_test(examples)
    @given(st.sampled_from([*TYPES, "trace-create", "score-create"]), st.dictionaries(MEMBERS, VALUES, max_size=5))
    def check(type_, body):
        sender = Sender()
        answer = ingested(sender, [event(type_, **body), event("span-create", 1, id="g", traceId="t")])
        assert {"id": "event-1", "status": 201} in answer["successes"]
        assert answer["errors"] == []

    check()


PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(64)
HASH = base64.b64encode(hashlib.sha256(PICTURE).digest()).decode()


def test_a_medium_is_uploaded_once_kept_and_shown_in_its_place(call, read, project, member_client):
    said = {"traceId": "t", "contentType": "image/png", "contentLength": 72, "sha256Hash": HASH, "field": "input"}
    given = call("POST", "media", said)
    media_id, url = given.json()["mediaId"], given.json()["uploadUrl"]
    assert media_id == HASH.replace("+", "-").replace("/", "_")[:22]
    path = url.removeprefix("http://testserver")
    other = Client().put(path, b"not the picture", "image/png")
    assert other.status_code == 400
    assert Client().put(path, PICTURE, "image/png").status_code == 200  # without a key: the address is the right to it
    assert call("PATCH", f"media/{media_id}", {"uploadHttpStatus": 200}).status_code == 200
    assert call("POST", "media", said).json() == {"mediaId": media_id, "uploadUrl": None}
    word = f"@@@langfuseMedia:type=image/png|id={media_id}|source=base64_data_uri@@@"
    content = [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": {"url": word}}]
    sent(call, event("generation-create", id="o", traceId="t", input=[{"role": "user", "content": content}]))
    sent(call, event("span-create", id="p", traceId="t", output={"picture": word}))
    generation, span = sorted(read("t")["spans"], key=lambda one: one["span_id"])
    part = generation["input"][0]["content"][1]
    assert (part["type"], part["media_type"], "url" in part) == ("image", "image/png", True)
    assert span["output"]["picture"]["media"] == part["media"]
    shown = member_client.get(part["url"])
    assert (shown.status_code, b"".join(shown.streaming_content)) == (200, PICTURE)


@pytest.mark.parametrize("pass_", ["x", "x:y:z", "a" * 5_000])
def test_nobody_uploads_without_an_address_that_was_given(pass_, client):
    assert client.put(f"/api/public/media/upload/{pass_}", b"x", "image/png").status_code == 401


@pytest.mark.parametrize("said", [[], {}, {"sha256Hash": 7}, {"sha256Hash": "????"}, {"sha256Hash": "aGk="}])
def test_a_medium_without_a_hash_is_refused(said, call):
    assert call("POST", "media", said).status_code == 400


def test_the_words_for_media_of_the_later_sdks_are_shown_as_media():
    part = the_call("langfuse-v5.image.pb.gz").payload.input[0]["content"][1]
    assert (part["type"], part["media_type"], len(part["media"])) == ("image", "image/png", 64)


def test_the_key_is_answered_with_its_project(call, client, project, read_key):
    assert call("GET", "projects").json()["data"][0]["name"] == project.name
    assert client.get("/api/public/projects").status_code == 401
    assert client.get("/api/public/projects", headers={"Authorization": f"Bearer {read_key}"}).status_code == 403
    assert client.get("/api/public/health").json()["status"] == "OK"


@pytest.mark.parametrize("path", ["v2/prompts/answer-chat", "v2/prompts/a%2Fb?version=3", "prompts?name=x", "x\ny"])
def test_there_are_no_prompts_here(path, call):
    answer = call("GET", path)
    assert (answer.status_code, answer.json()["error"]) == (404, "LangfuseNotFoundError")
