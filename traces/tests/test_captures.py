"""What real clients sent, posted over HTTP as they did, and what can then be read of it."""

import re

import pytest

from tests.markup import Markup
from tests.payloads import EXPECTED, FOLDER, raw_spans

# The clients whose conventions are read in full; of the others nothing is lost, but not all is understood.
READ = [name for name in EXPECTED if name.startswith(("otel-", "openinference"))]
CALLS = [name for name in READ if not name.startswith("otel-js-json") and ".emb." not in name]
# These send what was said only to /v1/logs.
SAID_ELSEWHERE = {"otel-genai-openai.chat_eventonly.pb"}
# This client tells nothing of cached and reasoning tokens, of images, and of when the first token came.
NO_DETAILS = "otel-openai-v2"
FAILED = {"err429": "rate_limited", "err500": "model_error"}
USED = {"input_tokens": 120, "output_tokens": 17}
DETAILS = {"cache_read_tokens": 64, "reasoning_tokens": 5}


@pytest.fixture
def sent(client, ingest_key, read_key):
    """Posts a recorded body; gives the JSON of its traces, as they can be read afterwards."""

    def _sent(name):
        content_type = "application/json" if ".json" in name else "application/x-protobuf"
        headers = {"Authorization": f"Bearer {ingest_key}"}
        if name.endswith(".gz"):
            headers["Content-Encoding"] = "gzip"
        answer = client.post("/v1/traces", (FOLDER / name).read_bytes(), content_type, headers=headers)
        assert answer.status_code == 200
        assert answer.content == (b"{}" if content_type == "application/json" else b"")
        ids = dict.fromkeys(raw.trace_id for raw in raw_spans(name))
        return [client.get(f"/api/v1/traces/{one}", headers={"x-api-key": read_key}).json() for one in ids]

    return _sent


def model_calls(traces):
    return [span for trace in traces for span in trace["spans"] if span["kind"] == "llm"]


@pytest.mark.parametrize("name", EXPECTED)
def test_every_span_of_every_client_is_stored_and_its_page_opens(sent, project, member_client, name):
    traces = sent(name)
    assert sum(len(trace["spans"]) for trace in traces) == EXPECTED[name]["spans"]
    models = {span["model"] or span["model_requested"] for trace in traces for span in trace["spans"]}
    assert set(EXPECTED[name]["models"]) <= models
    for trace in traces:
        page = member_client.get(f"/p/shop/traces/{trace['trace_id']}")
        assert page.status_code == 200
        assert Markup(page).inline == []


@pytest.mark.parametrize("name", CALLS)
def test_model_calls_show_what_was_asked_and_what_was_answered(sent, name):
    calls = model_calls(sent(name))
    assert calls
    for call in calls:
        if name in SAID_ELSEWHERE:
            assert (call["input"], call["output"]) == (None, None)
            continue
        assert {message["role"] for message in call["input"]} <= {"system", "user", "assistant", "tool"}
        assert any(message.get("content") for message in call["input"]) or name.startswith(NO_DETAILS)
        if call["status"] != "error":
            (answer,) = call["output"]
            assert answer["role"] == "assistant"
            if answer.get("tool_calls"):
                assert answer["tool_calls"][0]["name"] == "get_weather"
                assert answer["tool_calls"][0]["arguments"]["city"] == "Paris"
            else:
                assert re.fullmatch(r"Paris is the capital of France\. \[\d+\]", answer["content"])


@pytest.mark.parametrize("name", [name for name in CALLS if ".err" not in name])
def test_model_calls_show_models_tokens_and_cost(sent, name):
    for call in model_calls(sent(name)):
        asked = "gpt-4o" if ".image." in name else "gpt-4o-mini"
        assert call["model_requested"] in (asked, None)  # a client cut off the first attributes of a long one
        assert call["model"] in (f"{asked}-2024-08-06", asked)
        told = {field: call[field] for field in USED}
        if ".nousage." in name:
            assert (told, call["cost_usd"]) == (dict.fromkeys(USED), None)
            continue
        assert told == USED
        assert call["cost_source"] == "priced"
        details = {field: call[field] for field in DETAILS}
        if name.startswith(NO_DETAILS):
            assert details == dict.fromkeys(DETAILS)
            continue
        assert details == DETAILS
        assert float(call["cost_usd"]) == pytest.approx(0.00039 if ".image." in name else 0.0000234)


@pytest.mark.parametrize("name", [name for name in CALLS if ".err" in name])
def test_a_call_that_failed_says_why(sent, name, member_client, project):
    (trace,) = sent(name)
    (call,) = model_calls([trace])
    case = name.split(".")[1]
    assert (call["status"], call["failure"]) == ("error", FAILED[case])
    assert f"Error code: {case[3:]}" in call["status_message"]
    assert (call["model_requested"], call["input_tokens"], call["cost_usd"]) == ("gpt-4o-mini", None, None)
    assert trace["totals"]["errors"] == 1
    assert "No answer" in Markup(member_client.get(f"/p/shop/traces/{trace['trace_id']}")).words


@pytest.mark.parametrize("name", [name for name in CALLS if ".image." in name and not name.startswith(NO_DETAILS)])
def test_an_image_is_a_part_of_its_message(sent, name):
    (call,) = model_calls(sent(name))
    (message,) = call["input"]
    assert [part["type"] for part in message["content"]] == ["text", "image"]


@pytest.mark.parametrize("name", [name for name in CALLS if ".rag" in name])
def test_who_asked_and_which_steps_it_took(sent, name):
    (trace,) = sent(name)
    for span in trace["spans"]:
        assert (span["user_id"], span["session_id"]) == ("user-77", "sess-9")
    kinds = [span["kind"] for span in trace["spans"]]
    assert kinds.count("llm") == 2
    assert kinds.count("embedding") == 1
    assert "retrieval" in kinds
    assert trace["totals"]["input_tokens"] == 2 * 120 + 9
    assert trace["complete"]


@pytest.mark.parametrize("name", ["openinference.stream.pb", "otel-genai-openai.stream.pb"])
def test_a_stream_tells_its_time_to_the_first_token(sent, name):
    (call,) = model_calls(sent(name))
    assert 0 < call["time_to_first_token_ms"] < call["duration_ms"]


def test_a_sender_that_cut_off_attributes_says_how_many(sent):
    (call,) = model_calls(sent("openinference.longhist.pb"))
    assert call["dropped_attributes"] == 95
