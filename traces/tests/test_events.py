"""What events of GenAI's conventions say, in log records and on spans."""

import pytest

from tests.payloads import NOW, log_records, the_call
from traces.conventions.events import said
from traces.logged import contents
from traces.normalise import normalise
from traces.placeholders import placeholders
from traces.records import LogRecord, RawSpan, SpanEvent

LOGS = [
    "otel-genai-openai.chat_event",
    *(f"otel-openai-v2-latest.{case}" for case in ("chat", "err429", "rag", "stream")),
]
CALL = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'}}
CALLED = [{"id": "c1", "name": "get_weather", "arguments": {"city": "Paris"}}]


@pytest.mark.parametrize(
    ("event", "body", "expected"),
    [
        ("gen_ai.system.message", {"content": "Be terse."}, {"input": [{"role": "system", "content": "Be terse."}]}),
        ("gen_ai.user.message", {"content": "Hi"}, {"input": [{"role": "user", "content": "Hi"}]}),
        ("gen_ai.user.message", '{"content": "Hi"}', {"input": [{"role": "user", "content": "Hi"}]}),
        ("gen_ai.user.message", "Hi", {"input": [{"role": "user", "content": "Hi"}]}),
        (
            "gen_ai.user.message",
            {"role": "developer", "content": "x"},
            {"input": [{"role": "developer", "content": "x"}]},
        ),
        (
            "gen_ai.assistant.message",
            {"tool_calls": [CALL]},
            {"input": [{"role": "assistant", "content": None, "tool_calls": CALLED}]},
        ),
        (
            "gen_ai.tool.message",
            {"content": "21C", "id": "c1"},
            {"input": [{"role": "tool", "content": "21C", "tool_call_id": "c1"}]},
        ),
        (
            "gen_ai.choice",
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Paris."}},
            {"output": [{"role": "assistant", "content": "Paris.", "finish_reason": "stop"}]},
        ),
        (
            "gen_ai.choice",
            {"index": 0, "finish_reason": "tool_calls", "message": {"tool_calls": [CALL]}},
            {"output": [{"role": "assistant", "content": None, "tool_calls": CALLED, "finish_reason": "tool_calls"}]},
        ),
        ("gen_ai.choice", {"index": 0, "message": "Paris."}, {"output": [{"role": "assistant", "content": "Paris."}]}),
        ("gen_ai.choice", {"index": 0, "message": {"role": "assistant"}}, None),
        ("gen_ai.user.message", {}, None),
        ("gen_ai.user.message", None, None),
        ("gen_ai.user.message", {"content": ""}, None),
        ("gen_ai.evaluation.result", {"content": "x"}, None),
        ("", "a line of a log", None),
    ],
)
def test_a_message_has_its_role_from_the_name_of_its_event(event, body, expected):
    assert said(event, body, {}) == expected


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        (
            {"gen_ai.prompt": "Hi", "gen_ai.completion": "Hello"},
            {"input": [{"role": "user", "content": "Hi"}], "output": [{"role": "assistant", "content": "Hello"}]},
        ),
        (
            {"gen_ai.prompt": '[{"role": "user", "content": "Hi"}]'},
            {"input": [{"role": "user", "content": "Hi"}]},
        ),
        (
            {
                "gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": "Hi"}]}],
                "gen_ai.system_instructions": [{"type": "text", "content": "Be terse."}],
                "gen_ai.tool.definitions": [{"name": "f"}],
            },
            {
                "input": [{"role": "user", "content": "Hi"}],
                "system": [{"type": "text", "content": "Be terse."}],
                "tools": [{"name": "f"}],
            },
        ),
        ({"gen_ai.input.messages": "", "gen_ai.output.messages": []}, None),
        ({"gen_ai.request.model": "m"}, None),
    ],
)
def test_an_event_may_hold_the_whole_of_its_span(attributes, expected):
    assert said("gen_ai.any", None, attributes) == (expected and {**expected, "whole": True})


def test_a_name_may_stand_among_the_attributes():
    found = said("", {"content": "Hi"}, {"event.name": "gen_ai.user.message"})
    assert found == {"input": [{"role": "user", "content": "Hi"}]}


@pytest.mark.parametrize("case", LOGS)
def test_the_logs_of_a_client_say_what_its_spans_say(case):
    found = {
        record.span_id: contents(record.payload.logged) for record, _ in placeholders(log_records(f"{case}.logs.pb"))
    }
    assert len(found) == (2 if case.endswith("rag") else 1)
    call = the_call(f"{case}.pb")
    assert found[call.span_id].get("input") == call.payload.input
    assert found[call.span_id].get("output") == call.payload.output


def test_a_client_that_says_it_only_in_logs_says_all_of_it_there():
    ((record, indexes),) = placeholders(log_records("otel-genai-openai.chat_eventonly.logs.pb"))
    call = the_call("otel-genai-openai.chat_eventonly.pb")
    assert (record.trace_id, record.span_id, indexes) == (call.trace_id, call.span_id, [0])
    assert (call.payload.input, call.payload.output) == (None, None)
    found = contents(record.payload.logged)
    assert [message["role"] for message in found["input"]] == ["system", "user"]
    assert found["output"][0]["content"] == "Paris is the capital of France. [48]"
    assert (record.service, record.environment, record.release) == ("geo-bot", "staging", "1.4.2")
    assert record.is_placeholder
    assert not record.is_root


def test_records_of_no_span_or_without_contents_are_passed_over():
    said_by = {"event": "gen_ai.user.message", "body": {"content": "Hi"}}
    assert not placeholders([LogRecord(0, "", "", 1, **said_by), LogRecord(1, "a" * 32, "", 1, **said_by)])
    assert not placeholders([LogRecord(0, "a" * 32, "b" * 16, 1, body="GET / 200")])


def event(name, **attributes):
    return SpanEvent(name, 1, {key.replace("__", "."): value for key, value in attributes.items()})


@pytest.mark.parametrize(
    ("events", "input_", "output"),
    [
        (
            [
                event("gen_ai.content.prompt", gen_ai__prompt="Hi"),
                event("gen_ai.content.completion", gen_ai__completion="Yo"),
            ],
            [{"role": "user", "content": "Hi"}],
            [{"role": "assistant", "content": "Yo"}],
        ),
        (
            [
                event("gen_ai.system.message", content="Be terse."),
                event("gen_ai.user.message", gen_ai__event__content='{"role": "user", "content": "Hi"}'),
                event("gen_ai.choice", message='{"role": "assistant", "content": "Yo"}', finish_reason="stop"),
            ],
            [{"role": "system", "content": "Be terse."}, {"role": "user", "content": "Hi"}],
            [{"role": "assistant", "content": "Yo", "finish_reason": "stop"}],
        ),
        ([event("exception", exception__message="no")], None, None),
    ],
)
def test_contents_in_the_events_of_a_span_are_its_input_and_output(events, input_, output):
    payload = normalise(RawSpan(0, "a" * 32, "b" * 16, events=events), NOW).payload
    assert (payload.input, payload.output, len(payload.events)) == (input_, output, len(events))


def test_what_a_span_says_itself_comes_before_its_events():
    own = {"gen_ai.input.messages": '[{"role": "user", "content": "own"}]'}
    events = [event("gen_ai.user.message", content="other"), event("gen_ai.choice", message="Yo")]
    payload = normalise(RawSpan(0, "a" * 32, "b" * 16, attributes=own, events=events), NOW).payload
    assert payload.input == [{"role": "user", "content": "own"}]
    assert payload.output == [{"role": "assistant", "content": "Yo"}]
