"""What LangSmith's client sent when it was recorded, posted over HTTP as it did, and what can then be read of it."""

import re

import pytest
from django.db import connection

from tests.langsmith import RECORDED, send_recorded
from tests.markup import Markup

CALLS = ["chat", "rag", "stream", "nousage", "agent", "image", "odd", "usage", "responses", "lc_chain", "err429"]
# Of cases whose call is OpenAI's, recorded by the client's own wrapper or by LangChain's.
USED = {"input_tokens": 120, "output_tokens": 17, "cache_read_tokens": 64, "reasoning_tokens": 5}
RAGS = ["rag", "rag_nozstd", "rag_batch"]
WHO = {"user_id": "user-77", "session_id": "sess-9", "prompt_version": "v3"}


@pytest.fixture
def sent(client, ingest_key, read_key):
    """Sends a recorded case; gives the JSON of its one trace, as it can be read afterwards."""

    def _sent(case):
        for answer in send_recorded(client, ingest_key, case):
            assert (answer.status_code, answer.json()) == (202, {"rejected": []})
        with connection.cursor() as cursor:
            cursor.execute("SELECT trace_text FROM traces_summary")
            ((trace_id,),) = cursor.fetchall()
        return client.get(f"/api/v1/traces/{trace_id}", headers={"x-api-key": read_key}).json()

    return _sent


def scores(trace):
    return [*trace["scores"], *(score for span in trace["spans"] for score in span["scores"])]


def of_kind(trace, kind):
    return [span for span in trace["spans"] if span["kind"] == kind]


@pytest.mark.parametrize("case", RECORDED)
def test_every_run_is_a_span_with_its_end_and_its_page_opens(sent, member_client, case):
    observed = RECORDED[case]["observed"]
    trace = sent(case)
    assert len(trace["spans"]) == observed.get("runs", 1)
    assert len(scores(trace)) == observed.get("scores", 0)
    assert trace["complete"]
    assert all(span["ended"] for span in trace["spans"])
    assert {span["service"] for span in trace["spans"]} <= {"proj-a", "proj-x"}
    page = member_client.get(f"/p/shop/traces/{trace['trace_id']}")
    assert page.status_code == 200
    assert Markup(page).inline == []


@pytest.mark.parametrize("case", RECORDED)
def test_what_is_sent_again_is_stored_once(sent, case):
    trace = sent(case)
    assert sent(case) == trace


@pytest.mark.parametrize("case", CALLS)
def test_model_calls_show_what_was_asked_and_what_was_answered(sent, case):
    calls = of_kind(sent(case), "llm")
    assert calls
    for call in calls:
        assert {message["role"] for message in call["input"]} <= {"system", "user", "assistant", "tool"}
        assert call["input"][0]["content"]
        if case == "err429":
            assert call["output"] is None
            continue
        (answer,) = call["output"]
        assert answer["role"] == "assistant"
        if answer.get("tool_calls"):
            assert [(one["name"], one["arguments"]) for one in answer["tool_calls"]] == [
                ("get_weather", {"city": "Paris"})
            ]
            assert call["finish_reason"] == "tool_calls"
        else:
            assert re.fullmatch(r"Paris is the capital of France\. \[\d+\]|hi", answer["content"])


@pytest.mark.parametrize("case", [case for case in CALLS if case not in ("err429", "usage")])
def test_model_calls_show_models_tokens_and_cost(sent, case):
    for call in of_kind(sent(case), "llm"):
        asked = "gpt-4o" if case == "image" else "gpt-4o-mini"
        assert (call["provider"], call["model_requested"]) == ("openai", asked)
        assert call["model"] == f"{asked}-2024-08-06"
        if case == "nousage":
            assert ({name: call[name] for name in USED}, call["cost_usd"]) == (dict.fromkeys(USED), None)
            continue
        assert {name: call[name] for name in USED} == USED
        assert float(call["cost_usd"]) == pytest.approx(0.00039 if case == "image" else 0.0000234)


def test_usage_and_cost_of_a_model_of_ones_own_are_taken_as_sent(sent):
    (call,) = of_kind(sent("usage"), "llm")
    assert (call["provider"], call["model_requested"], call["cost_usd"]) == ("custom", "my-model", "0.003")
    assert call["cost_source"] == "sent"
    assert [call[name] for name in USED] == [10, 5, 3, 2]
    assert call["parameters"] == {"temperature": 0.5, "max_tokens": 7, "stop": ["a"]}


def test_parameters_are_those_of_the_request(sent):
    (call,) = of_kind(sent("chat"), "llm")
    assert call["parameters"] == {
        "temperature": 0.2, "max_tokens": 64, "stop": ["END"], "top_p": 0.9, "seed": 42, "frequency_penalty": 0.2,
        "presence_penalty": 0.1, "user": "user-77",
    }  # fmt: skip
    assert {name: call[name] for name in WHO} == WHO
    assert call["tags"] == ["prod"]


@pytest.mark.parametrize("case", RAGS)
def test_a_batch_says_the_same_as_parts_whether_they_are_compressed_or_not(sent, case):
    trace = sent(case)
    assert [(span["name"], span["kind"]) for span in trace["spans"]] == [
        ("rag", "chain"), ("embed", "embedding"), ("retrieve", "retrieval"), ("fmt", "chain"), ("ChatOpenAI", "llm"),
        ("ChatOpenAI", "llm"), ("get_weather", "tool"),
    ]  # fmt: skip
    root, *steps = trace["spans"]
    assert {span["parent_id"] for span in steps} == {root["span_id"]}
    for span in trace["spans"]:
        assert {name: span[name] for name in WHO} == WHO
        assert (span["release"], span["tags"]) == ("abc", ["prod", "rag"])
    (found,) = of_kind(trace, "retrieval")
    assert found["documents"] == [{"text": "Paris is mild", "metadata": {"id": "d1", "score": 0.91}}]
    (tool,) = of_kind(trace, "tool")
    assert (tool["tool_name"], tool["input"], tool["output"]) == ("get_weather", {"city": "Paris"}, "21C")
    assert root["attributes"]["langsmith.metadata.late"] == 1
    assert of_kind(trace, "llm")[0]["tools"][0]["function"]["name"] == "get_weather"


@pytest.mark.parametrize("case", RAGS)
def test_feedback_of_the_root_is_there_though_it_came_first(sent, case):
    trace = sent(case)
    (helpful,), (thumbs,) = trace["scores"], trace["spans"][0]["scores"]
    assert (helpful["name"], helpful["value"], helpful["comment"]) == ("helpful", 0.9, "nice")
    assert helpful["metadata"]["value"] == "good"
    assert (thumbs["name"], thumbs["value"], thumbs["data_type"]) == ("thumbs", True, "boolean")


def test_langchain_is_read_like_its_providers(sent):
    trace = sent("lc_chain")
    (call,) = of_kind(trace, "llm")
    assert call["input"][1] == {"role": "user", "content": "Capital?"}
    assert (call["finish_reason"], call["parameters"]["temperature"]) == ("stop", 0.2)
    (found,) = of_kind(trace, "retrieval")
    assert found["retriever_name"] == "r"
    assert found["documents"][0]["text"] == "Paris is mild"
    (parser,) = of_kind(trace, "parser")
    assert parser["parser_name"] == "StrOutputParser"
    assert [span["output"] for span in trace["spans"] if span["name"] == "rag_chain"] == [parser["output"]]
    template = next(span for span in trace["spans"] if span["name"] == "ChatPromptTemplate")
    assert [message["role"] for message in template["output"]] == ["system", "user"]


def test_a_call_that_failed_says_why(sent, member_client):
    trace = sent("err429")
    (call,) = trace["spans"]
    assert (call["status"], call["failure"]) == ("error", "rate_limited")
    assert call["status_message"] == "RateLimitError('Error code: 429 - fake rate_limit_exceeded')"
    (event,) = call["events"]
    assert event["attributes"]["exception.type"] == "RateLimitError"
    assert event["attributes"]["exception.stacktrace"].startswith("Traceback")
    assert "No answer" in Markup(member_client.get(f"/p/shop/traces/{trace['trace_id']}")).words


def test_an_image_is_a_part_of_its_message(sent):
    (call,) = sent("image")["spans"]
    assert [part["type"] for part in call["input"][0]["content"]] == ["text", "image"]


@pytest.mark.parametrize("case", ["stream", "nousage", "lc_chain"])
def test_a_stream_tells_its_time_to_the_first_token(sent, case):
    (call,) = of_kind(sent(case), "llm")
    assert 0 < call["time_to_first_token_ms"] < call["duration_ms"]


def test_a_long_run_is_whole_after_its_patch(sent):
    root, step = sent("long")["spans"]
    assert (root["name"], root["input"], root["output"]) == ("long-job", {"a": 1}, {"done": True})
    assert root["duration_ms"] == pytest.approx(2057.885)
    assert step["parent_id"] == root["span_id"]


def test_nulls_of_a_patch_erase_nothing(sent):
    (span,) = sent("lowlevel")["spans"]
    assert (span["name"], span["kind"], span["service"]) == ("manual", "chain", "proj-x")
    assert (span["input"], span["output"]) == ({"q": 1}, {"a": 2})
    assert (span["status"], span["status_message"]) == ("error", "late error")


def test_odd_values_are_kept_as_what_they_are(sent):
    (span,) = sent("oddvals")["spans"]
    said = span["input"]
    assert (said["nan"], said["inf"], said["big"]) == ("NaN", "Infinity", str(2**70))
    assert said["nul"] in ("a\0b", "ab")


def test_an_attachment_is_kept_and_can_be_downloaded(sent, member_client):
    (span,) = sent("attach")["spans"]
    part = span["attributes"]["langsmith.attachment.att"]
    assert (part["type"], part["media_type"], part["size_bytes"]) == ("image", "image/png", 6)
    assert b"".join(member_client.get(part["url"]).streaming_content) == b"\x89PNG\x00\xff"
