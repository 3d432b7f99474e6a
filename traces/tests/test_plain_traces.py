"""`POST /api/v1/traces`: our own plain record and its receipt, over HTTP."""

import gzip
import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client

from accounts.keys import make_key
from traces.queries.traces import trace_of, traces_of_request

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def send(client, ingest_key):
    """Sends records (or bytes as they are); gives the answer."""

    def _send(body, content_type="application/json", **headers):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers |= {"Authorization": f"Bearer {ingest_key}", "Content-Length": str(len(data))}
        return client.post("/api/v1/traces", data, content_type, headers=headers)

    return _send


def counts(answer):
    """accepted, duplicates, updated, rejected of a receipt."""
    receipt = answer.json()
    return receipt["accepted"], receipt["duplicates"], receipt["updated"], len(receipt["rejected"])


def spans_of_request(project, request_id="req-1"):
    trace = traces_of_request(project.pk, request_id)
    return [one.record for one in trace.spans] if trace else []


def call(**fields):
    return {"request_id": "req-1", "model": "gpt-4o-mini", "input": "What?", "output": "This.", **fields}


def test_the_receipt_says_what_became_of_every_span(send):
    answer = send(call(trace_id="t-1"))
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == {"accepted": 1, "duplicates": 0, "updated": 0, "rejected": [], "traces": ["t-1"]}


def test_the_counts_of_a_receipt_add_up_to_what_was_sent(send):
    send(call(span_id="old"))
    send(call(span_id="grows"))
    sent = [
        call(span_id="new"),
        call(span_id="old"),
        call(span_id="grows", output_tokens=5),
        call(span_id="new"),
        call(span_id="bad", input_tokens="many"),
        17,
        {"spans": [call(span_id="in a trace"), call(span_id="bad too", started_at="yesterday")]},
    ]
    answer = send(sent)
    assert answer.status_code == 207
    assert counts(answer) == (2, 2, 1, 3)
    assert [one["index"] for one in answer.json()["rejected"]] == [4, 5, 7]


def test_a_refusal_says_which_record_which_field_and_what_to_write(send):
    answer = send([call(), call(input_tokens=-1)])
    assert answer.json()["rejected"] == [
        {"index": 1, "reason": 'records[1]: "input_tokens" is -1; write a whole number of 0 or more.'}
    ]


def test_when_every_record_is_refused_the_answer_is_400_with_the_receipt(send, project):
    answer = send([call(cost_usd="cheap"), []])
    assert answer.status_code == 400
    assert counts(answer) == (0, 0, 0, 2)
    assert not spans_of_request(project)


@pytest.mark.parametrize(
    "body", [b"", b"  ", b"{", b"not json", b"[]", b"17", b'"text"', b"null", b"\xff\xfe", b"[" * 100_000]
)
def test_what_cannot_be_read_at_all_is_400_with_a_sentence(send, body):
    answer = send(body)
    assert answer.status_code == 400
    assert answer.json()["message"].endswith(".")


def test_only_post_is_taken_here(client, ingest_key):
    for method in ("put", "delete", "patch"):
        answer = getattr(client, method)("/api/v1/traces", headers={"Authorization": f"Bearer {ingest_key}"})
        assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


def test_a_key_is_needed_and_it_must_be_one_that_sends(client, read_key):
    for headers, status in (({}, 401), ({"x-api-key": "nobodys"}, 401), ({"x-api-key": read_key}, 403)):
        answer = client.post("/api/v1/traces", call(), "application/json", headers=headers)
        assert answer.status_code == status
        assert answer.json()["message"]


def test_a_body_over_a_limit_is_413_as_sent_and_inflated(send, settings, project):
    body = json.dumps(call(input="x" * 5000)).encode()
    settings.INGEST_MAX_BODY_BYTES = settings.INGEST_MAX_INFLATED_BYTES = len(body)
    assert send(body).status_code == 200
    settings.INGEST_MAX_INFLATED_BYTES -= 1
    assert send(body).status_code == 413
    assert send(gzip.compress(body), **{"Content-Encoding": "gzip"}).status_code == 413
    settings.INGEST_MAX_INFLATED_BYTES, settings.INGEST_MAX_BODY_BYTES = len(body), len(body) - 1
    assert send(body).status_code == 413
    assert counts(send(gzip.compress(body), **{"Content-Encoding": "gzip"})) == (0, 1, 0, 0)


def test_the_limits_are_20_mib_as_sent_and_64_mib_inflated(settings):
    assert settings.INGEST_MAX_BODY_BYTES == 20 * 1024 * 1024
    assert settings.INGEST_MAX_INFLATED_BYTES == 64 * 1024 * 1024


def test_an_unknown_content_encoding_is_415(send):
    answer = send(call(), **{"Content-Encoding": "br"})
    assert answer.status_code == 415
    assert answer.json()["message"] == "Content-Encoding is br; send gzip, deflate, zstd or none."


@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded", "text/plain", ""])
def test_json_is_read_under_any_content_type(send, project, content_type):
    assert counts(send(call(), content_type)) == (1, 0, 0, 0)


@pytest.mark.parametrize(
    "content_type",
    ["application/x-ndjson", "application/ndjson", "ndjson", "jsonl", "application/jsonl; charset=utf-8"],
)
def test_one_bad_line_of_json_lines_is_one_rejection(send, project, content_type):
    lines = [json.dumps(call(span_id="a")), "{broken", "", json.dumps(call(span_id="b")), "   "]
    answer = send("\r\n".join(lines).encode(), content_type)
    assert answer.status_code == 207
    assert counts(answer) == (2, 0, 0, 1)
    assert answer.json()["rejected"][0]["index"] == 1
    assert len(spans_of_request(project)) == 2


def test_lines_where_none_is_json_are_400(send):
    assert send(b"one\ntwo\n", "application/x-ndjson").status_code == 400


def test_a_trace_with_spans_says_common_things_once(send, project):
    answer = send(
        {
            "request_id": "req-1",
            "user_id": "u-1",
            "release": "1.2",
            "name": "Answer a ticket",
            "output": "Done",
            "spans": [
                {"span_id": "root", "kind": "chain"},
                {"span_id": "c", "parent_id": "root", "model": "m", "release": "1.3"},
            ],
        }
    )
    assert counts(answer) == (2, 0, 0, 0)
    root, child = spans_of_request(project)
    assert (root.name, root.user_id, root.release) == ("Answer a ticket", "u-1", "1.2")
    assert (child.name, child.user_id, child.release) == ("", "u-1", "1.3")
    assert child.parent_id == root.span_id


def test_a_trace_without_spans_is_refused(send):
    assert send({"request_id": "req-1", "spans": []}).status_code == 400
    assert send({"request_id": "req-1", "spans": "none"}).status_code == 400


def test_without_a_start_it_is_now_less_the_duration(send, project):
    with time_machine.travel(NOW, tick=False):
        send(call(duration_ms=1500))
    trace = traces_of_request(project.pk, "req-1")
    assert trace.spans[0].happened_at == NOW - timedelta(milliseconds=1500)
    assert trace.totals.duration_us == 1_500_000


@pytest.mark.parametrize(
    "start",
    [
        NOW.isoformat(),
        NOW.isoformat().replace("+00:00", "Z"),
        NOW.astimezone(tz=None).isoformat(),
        int(NOW.timestamp()),
        NOW.timestamp(),
        int(NOW.timestamp() * 1e3),
        int(NOW.timestamp()) * 10**6,
        int(NOW.timestamp()) * 10**9,
    ],
    ids=["offset", "z", "local", "s", "s with a fraction", "ms", "us", "ns"],
)
def test_seconds_ms_us_and_ns_are_told_apart_by_their_size(send, project, start):
    assert send(call(started_at=start, duration_us=5)).status_code == 200
    (record,) = spans_of_request(project)
    assert (record.started_at, record.duration_us) == (NOW, 5)


@pytest.mark.parametrize(
    ("times", "start", "duration_us"),
    [
        ({"started_at": NOW.isoformat(), "duration_ms": 1.5}, NOW, 1_500),
        ({"started_at": NOW.isoformat(), "duration_us": 7, "duration_ms": 1}, NOW, 7),
        ({"started_at": NOW.timestamp(), "ended_at": NOW.timestamp() + 2}, NOW, 2_000_000),
        ({"ended_at": NOW.isoformat(), "duration_ms": 500}, NOW - timedelta(milliseconds=500), 500_000),
        ({"started_at": NOW.isoformat(), "ended_at": (NOW - timedelta(seconds=5)).isoformat()}, NOW, -5_000_000),
        ({"started_at": NOW.isoformat()}, NOW, None),
        ({"started_at": 0, "duration_ms": 0}, datetime(1970, 1, 1, tzinfo=UTC), 0),
    ],
    ids=["start and ms", "us before ms", "start and end", "end and ms", "end before start", "start", "1970"],
)
def test_start_end_and_duration_complete_each_other(send, project, times, start, duration_us):
    assert send(call(**times)).status_code == 200
    (record,) = spans_of_request(project)
    assert (record.started_at, record.duration_us) == (start, duration_us)


def test_sending_again_is_a_duplicate_with_or_without_ids(send, project):
    records = [call(span_id="a", trace_id="t"), call(duration_ms=10), call(started_at=NOW.isoformat())]
    assert counts(send(records)) == (3, 0, 0, 0)
    assert counts(send(records)) == (0, 3, 0, 0)
    assert counts(send(list(reversed(records)))) == (0, 3, 0, 0)
    assert len(spans_of_request(project)) == 3


def test_the_order_of_keys_and_nulls_make_no_other_record(send, project):
    send({"request_id": "req-1", "model": "m", "output": "x"})
    assert counts(send({"output": "x", "feature": None, "model": "m", "request_id": "req-1"})) == (0, 1, 0, 0)


def test_updated_means_that_a_field_changed(send, project):
    send(call(span_id="a", input_tokens=5))
    assert counts(send(call(span_id="a", input_tokens=5))) == (0, 1, 0, 0)
    assert counts(send(call(span_id="a", output_tokens=9))) == (0, 0, 1, 0)
    assert counts(send(call(span_id="a", output_tokens=9, prompt_version="v2"))) == (0, 0, 1, 0)
    assert counts(send({"request_id": "req-1", "span_id": "a"})) == (0, 1, 0, 0)
    (record,) = spans_of_request(project)
    assert (record.input_tokens, record.output_tokens, record.prompt_version) == (5, 9, "v2")


def test_null_and_what_is_left_out_never_erase(send, project):
    send(call(span_id="a", input_tokens=5, user_id="u", tags=["x"], parameters={"top_p": 1}, order=7))
    send(call(span_id="a", input_tokens=None, user_id=None, output=None, tags=None, parameters=None, order=None))
    send({"request_id": "req-1", "span_id": "a", "model": "gpt-4o-mini"})
    trace = traces_of_request(project.pk, "req-1")
    record = trace.spans[0].record
    assert (record.input_tokens, record.user_id, record.tags) == (5, "u", ["x"])


def test_the_same_request_id_is_one_trace_in_a_project(send, project):
    first = send(call(span_id="a")).json()["traces"]
    second = send(call(span_id="b", output="else")).json()["traces"]
    assert first == second
    assert len(first[0]) == 32
    assert len(trace_of(project.pk, first[0]).spans) == 2


def test_the_same_request_id_in_two_projects_is_two_traces(send, project, other_project):
    send(call(span_id="a", output="ours"))
    key = make_key(other_project)
    answer = Client().post(
        "/api/v1/traces", call(span_id="a", output="theirs"), "application/json", headers={"x-api-key": key}
    )
    assert counts(answer) == (1, 0, 0, 0)
    read = {project: make_key(project, "read"), other_project: make_key(other_project, "read")}
    for owner, word in ((project, "ours"), (other_project, "theirs")):
        told = Client().get("/api/v1/requests/req-1", headers={"x-api-key": read[owner]}).json()
        assert [span["output"] for span in told["spans"]] == [word]


def test_records_without_any_id_are_traces_of_their_own(send):
    traces = send([{"model": "m", "output": "one"}, {"model": "m", "output": "two"}]).json()["traces"]
    assert len(set(traces)) == 2


def test_traces_lists_each_trace_once_in_order(send):
    sent = [call(trace_id=trace, span_id=str(place)) for place, trace in enumerate(["b", "a", "b"])]
    assert send(sent).json()["traces"] == ["b", "a"]


def test_every_field_by_its_own_name_comes_back_and_unknown_keys_are_attributes(client, send, read_key):
    fields = {
        "kind": "llm", "name": "answer", "status": "error", "failure": "timeout", "fallback": "other_model",
        "status_message": "too slow", "finish_reason": "length", "attempt": 2, "retries": 1, "cache_hit": False,
        "provider": "openai", "model": "gpt-4o-mini-2024-07-18", "model_requested": "gpt-4o-mini",
        "response_id": "resp-1", "prompt_name": "faq", "prompt_version": "3", "template_name": "t",
        "template_version": "4", "retriever_name": "r", "retriever_version": "5", "parser_name": "p",
        "parser_version": "6", "tool_name": "w", "tool_version": "7", "input_tokens": 100, "output_tokens": 20,
        "cache_read_tokens": 10, "cache_write_tokens": 5, "reasoning_tokens": 3, "cost_usd": "0.00012300",
        "refused": True, "format_valid": False, "confidence": 0.5, "service": "shop-api", "environment": "prod",
        "release": "2026.11", "tags": ["vip", "de"], "request_id": "req-1", "session_id": "s-1", "user_id": "u-1",
        "feature": "faq", "parameters": {"temperature": 0.2}, "parsed_output": {"answer": 42},
        "tools": [{"name": "search"}], "documents": [{"id": "d1", "text": "found", "score": 0.9}],
    }  # fmt: skip
    extra = {"tenant": "acme", "flags": {"beta": True}, "attributes": {"region": "eu"}}
    assert counts(send({**fields, **extra, "time_to_first_token_ms": 12.5})) == (1, 0, 0, 0)
    (span,) = client.get("/api/v1/requests/req-1", headers={"x-api-key": read_key}).json()["spans"]
    told = {name: span[name] for name in fields}
    assert told.pop("cost_usd") in ("0.00012300", "0.000123")
    fields.pop("cost_usd")
    assert told == fields
    assert span["cost_source"] == "sent"
    assert span["time_to_first_token_ms"] == 12.5
    assert span["attributes"] == {"tenant": "acme", "flags": {"beta": True}, "region": "eu"}


@pytest.mark.parametrize(
    "sent",
    [
        "What?",
        [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "What?"}],
        [{"role": "assistant", "content": None, "tool_calls": [{"id": "1", "name": "f", "arguments": {"a": 1}}]}],
        {"question": "What?", "n": [1, 2.5, None]},
        [1, "two", None],
        {},
        0,
        False,
    ],
)
def test_input_is_a_text_messages_or_anything_else_as_it_was_sent(client, send, read_key, sent):
    send({"request_id": "req-1", "model": "m", "input": sent, "output": "x"})
    (span,) = client.get("/api/v1/requests/req-1", headers={"x-api-key": read_key}).json()["spans"]
    assert span["input"] == sent
    assert type(span["input"]) is type(sent)


def test_values_that_no_database_holds_cost_nothing(client, send, read_key):
    body = (
        b'{"request_id": "req-1", "trace_id": "t\\u0000x", "model": "m", "input": "lone \\ud800 half", "big": 1'
        + b"0" * 400
        + b', "output": "nul \\u0000 here", "k\\u0000ey": "v", "score": 1e999, "user_id": "u\\u0000"}'
    )
    assert counts(send(body)) == (1, 0, 0, 0)
    answer = client.get("/api/v1/requests/req-1", headers={"x-api-key": read_key})
    assert answer.status_code == 200
    assert "here" in answer.json()["spans"][0]["output"]


def test_long_ids_are_found_by_their_whole_text(send, project):
    ids = ["r" * 1_999, "r" * 1_998]
    for request_id in ids:
        assert counts(send(call(request_id=request_id))) == (1, 0, 0, 0)
    for request_id in ids:
        assert [one.request_id for one in spans_of_request(project, request_id)] == [request_id]
