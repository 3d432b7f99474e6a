"""What recorded bodies of real clients become, convention by convention."""

from decimal import Decimal

import pytest

from tests import make
from tests.payloads import EXPECTED, NOW, records, the_call
from traces.normalise import normalise

# Their clients took the content of these out before sending: it went to `/v1/logs`, or to an upload of its own.
NO_INPUT = ("otel-genai-openai.chat_eventonly.pb", "traceloop.image.pb", "traceloop.image.2.pb")
# (record field, value) of the first model call of each body.
FIELDS = {
    "otel-genai-openai.chat.pb": {
        "name": "chat gpt-4o-mini",
        "provider": "openai",
        "model_requested": "gpt-4o-mini",
        "model": "gpt-4o-mini-2024-08-06",
        "input_tokens": 120,
        "output_tokens": 17,
        "cache_read_tokens": 64,
        "reasoning_tokens": 5,
        "finish_reason": "stop",
        "service": "geo-bot",
        "release": "1.4.2",
        "environment": "staging",
        "status": "unset",
        "failure": None,
    },
    "otel-genai-openai.stream.pb": {"time_to_first_token_us": 311_010, "finish_reason": "stop"},
    "otel-genai-openai.stream_tool.pb": {"finish_reason": "tool_calls"},
    "otel-genai-openai.nousage.pb": {"input_tokens": None, "output_tokens": None, "cost_usd": None},
    "otel-genai-openai.err429.pb": {
        "status": "error",
        "failure": "rate_limited",
        "model_requested": "gpt-4o-mini",
        "model": None,
        "status_message": "Error code: 429 - fake rate_limit_exceeded",
    },
    "otel-genai-openai.err500.pb": {"status": "error", "failure": "model_error"},
    "otel-openai-v2-latest.chat.pb": {"input_tokens": 120, "cache_read_tokens": None, "provider": "openai"},
    "otel-openai-v2-latest.stream.pb": {"finish_reason": "stop"},
    "otel-openai-v2-latest.err429.pb": {"failure": "rate_limited", "model_requested": "gpt-4o-mini"},
    "openinference.chat.pb": {
        "name": "ChatCompletion",
        "provider": "openai",
        "model_requested": "gpt-4o-mini",
        "model": "gpt-4o-mini-2024-08-06",
        "input_tokens": 120,
        "output_tokens": 17,
        "cache_read_tokens": 64,
        "reasoning_tokens": 5,
        "finish_reason": "stop",
        "response_id": "chatcmpl-000080",
        "status": "ok",
    },
    "openinference.rag.pb": {
        "user_id": "user-77",
        "session_id": "sess-9",
        "prompt_version": "v3.1",
        "tags": ["prod", "rag"],
    },
    "openinference.stream.pb": {"time_to_first_token_us": 173_944},
    "openinference.err429.pb": {"failure": "rate_limited", "model_requested": "gpt-4o-mini", "model": None},
    "openinference.err500.pb": {"failure": "model_error"},
    "openinference.longhist.pb": {"model": "gpt-4o-mini-2024-08-06", "model_requested": None, "input_tokens": 120},
    "openinference-langchain.chain.pb.gz": {
        "user_id": "user-77",
        "session_id": "sess-9",
        "prompt_version": "v3",
        "model_requested": "gpt-4o-mini",
        "model": "gpt-4o-mini-2024-08-06",
    },
    "openinference-langchain.err429.pb": {
        "failure": "rate_limited",
        "model_requested": "gpt-4o-mini",
        "model": None,
    },
    "openinference-langchain.agent.pb": {"user_id": "u-1", "session_id": "th-1", "finish_reason": "tool_calls"},
    "langfuse-v5.chat.pb.gz": {
        "model": "gpt-4o-mini-2024-08-06",
        "input_tokens": 120,
        "output_tokens": 17,
        "cache_read_tokens": 64,
        "reasoning_tokens": 5,
        "environment": "staging",
        "release": "1.4.2",
    },
    "langfuse-v5.rag.pb.gz": {"user_id": "user-77", "session_id": "sess-9", "prompt_version": "7"},
    "langfuse-v5.stream.pb.gz": {"time_to_first_token_us": 172_813, "finish_reason": "stop"},
    "langfuse-v5.err429.pb.gz": {
        "status": "error",
        "failure": "rate_limited",
        "model_requested": "gpt-4o-mini",
        "model": None,
        "cost_usd": 0,
    },
    "traceloop.rag.pb": {"user_id": "user-77", "session_id": "sess-9", "prompt_version": "4", "feature": "rag_flow"},
    "traceloop.stream.pb": {"time_to_first_token_us": 175_767, "output_tokens": 17},
    "traceloop.err429.pb": {"failure": "rate_limited"},
    "vercel-ai-7.chat.json": {"provider": "openai", "input_tokens": 120, "cache_read_tokens": 64},
    "vercel-ai-7.stream.json": {"time_to_first_token_us": 263_158},
    "vercel-ai-7.chat_legacy.json": {
        "provider": "openai",
        "model_requested": "gpt-4o-mini",
        "model": "gpt-4o-mini-2024-08-06",
        "input_tokens": 120,
        "reasoning_tokens": 5,
        "finish_reason": "stop",
    },
    "vercel-ai-7.err.json": {"status": "error", "failure": "model_error"},
}
SYSTEM = {"role": "system", "content": "You are a terse geography assistant."}
ASKED = {"role": "user", "content": "What is the capital of France? 🇫🇷"}
WEATHER = {"role": "user", "content": "Weather in Paris?"}


@pytest.mark.parametrize("name", EXPECTED)
def test_the_models_that_a_client_called_are_found(name):
    found = {model for record in records(name) for model in (record.model, record.model_requested)}
    assert set(EXPECTED[name]["models"]) <= found


@pytest.mark.parametrize("name", EXPECTED)
def test_every_body_has_the_spans_roots_ids_and_errors_that_its_client_sent(name):
    found, expected = records(name), EXPECTED[name]
    roots = [record for record in found if record.parent_id is None]
    assert (len(found), len(roots)) == (expected["spans"], expected["roots"])
    for field, value in expected.get("fields", {}).items():
        assert value in {getattr(record, field) for record in found}
    if "error" in expected:
        (failed,) = [record for record in found if record.payload.attributes.get("error.type") == expected["error"]]
        assert (failed.status, failed.failure is None) == ("error", False)


@pytest.mark.parametrize(("name", "fields"), FIELDS.items(), ids=FIELDS)
def test_a_call_has_the_fields_that_its_client_sent(name, fields):
    call = the_call(name)
    assert {field: getattr(call, field) for field in fields} == fields


@pytest.mark.parametrize("name", EXPECTED)
def test_every_model_call_has_its_conversation(name):
    for record in records(name):
        if record.kind == "llm" and name not in NO_INPUT:
            assert all("role" in message for message in record.payload.input)
            output = record.payload.output
            assert record.status == "error" or isinstance(output, str) or output[-1]["role"] == "assistant"


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("otel-genai-openai.rag.pb", {"embedding": 1, "llm": 2, "retrieval": 1, "other": 1}),
        ("otel-genai-openai.agent.pb", {"llm": 3, "agent": 2}),
        ("openinference.rag.pb", {"embedding": 1, "llm": 2, "retrieval": 1, "tool": 1, "chain": 1}),
        ("openinference.agent.pb", {"llm": 3, "agent": 2}),
        ("openinference-langchain.agent.pb", {"llm": 2, "tool": 1, "chain": 6}),
        ("openinference-langchain.chain.pb.gz", {"retrieval": 1, "llm": 2, "tool": 1, "chain": 5}),
        ("otel-js-json.plain.json", {"other": 2}),
        ("langfuse-v5.rag.pb.gz", {"embedding": 1, "retrieval": 1, "tool": 1, "llm": 3, "other": 1, "chain": 1}),
        ("traceloop.rag.pb", {"embedding": 1, "llm": 2, "chain": 2, "tool": 1}),
        ("traceloop.agent.pb", {"llm": 3, "agent": 2}),
        ("vercel-ai-7.tools.json", {"llm": 2, "tool": 1, "chain": 2, "agent": 1}),
        ("vercel-ai-7.chat_legacy.json", {"llm": 1, "chain": 1}),
    ],
)
def test_wrappers_are_not_taken_for_calls(name, kinds):
    found = [record.kind for record in records(name)]
    assert {kind: found.count(kind) for kind in set(found)} == kinds


@pytest.mark.parametrize(
    "name", ["otel-genai-openai.chat.pb", "openinference.chat.pb", "otel-openai-v2-latest.chat.pb"]
)
def test_conventions_agree_on_a_conversation(name):
    call = the_call(name)
    assert call.payload.input == [SYSTEM, ASKED]
    assert call.payload.output[0]["content"].startswith("Paris is the capital of France.")
    assert call.payload.parameters["temperature"] == 0.2
    assert call.payload.parameters["stop"] == ["END"]


@pytest.mark.parametrize(
    "name", ["otel-genai-openai.agent.pb", "openinference.agent.pb", "openinference-langchain.agent.pb"]
)
def test_a_tool_call_and_its_result_are_messages(name):
    calls = [record for record in records(name) if record.kind == "llm"]
    asked = next(call for call in calls if call.finish_reason == "tool_calls")
    (wanted,) = asked.payload.output[0]["tool_calls"]
    assert (wanted["name"], wanted["arguments"]) == ("get_weather", {"city": "Paris"})
    told = next(message for call in calls for message in call.payload.input if message["role"] == "tool")
    assert told["tool_call_id"] == wanted["id"]
    assert "21" in told["content"]
    assert "get_weather" in str(asked.payload.tools)


@pytest.mark.parametrize("name", ["otel-genai-openai.image.pb", "openinference.image.pb"])
def test_an_image_is_a_part_with_its_type_and_data(name):
    (message,) = the_call(name).payload.input
    text, image = message["content"]
    assert text == {"type": "text", "text": "What is this?"}
    assert (image["type"], image["media_type"], image["data"][:8]) == ("image", "image/png", "iVBORw0K")


@pytest.mark.parametrize("name", ["otel-genai-openai.responses.pb", "openinference.responses.pb"])
def test_instructions_stand_in_front_of_the_conversation(name):
    assert the_call(name).payload.input == [
        {"role": "system", "content": "You are terse."},
        {"role": "user", "content": "What is the capital of France?"},
    ]


def test_a_history_that_its_client_cut_keeps_what_is_left():
    call = the_call("openinference.longhist.pb")
    assert call.payload.dropped_attributes == 95
    assert len(call.payload.input) == 58
    assert call.payload.input[0] == {"role": "assistant", "content": "msg 43"}
    assert call.payload.input[-1] == {"role": "user", "content": "last question"}


def test_documents_of_a_retrieval_come_with_score_and_metadata():
    retrieval = next(record for record in records("openinference.rag.pb") if record.kind == "retrieval")
    assert retrieval.payload.input == "Weather in Paris?"
    assert len(retrieval.payload.documents) == 2
    assert all({"text", "score"} <= set(document) for document in retrieval.payload.documents)


def test_the_output_of_a_retriever_is_its_documents():
    retrieval = next(record for record in records("langfuse-v5.rag.pb.gz") if record.kind == "retrieval")
    assert retrieval.payload.documents == [{"id": "d1", "text": "Paris is mild", "score": 0.91}]


def test_a_prompt_is_stored_once():
    """OpenInference sends it twice: as messages, and inside the body of the request."""
    for name in ("openinference.chat.pb", "openinference-langchain.agent.pb", "openinference-langchain.chain.pb.gz"):
        for record in records(name):
            if record.kind == "llm":
                assert "input.value" not in record.payload.attributes
                assert "messages" not in str(record.payload.attributes.get("output.value"))


def test_what_no_field_holds_stays_an_attribute():
    call = the_call("otel-genai-openai.chat.pb")
    assert call.payload.attributes == {
        "server.address": "127.0.0.1",
        "server.port": 9101,
        "openai.response.system_fingerprint": "fp_fake",
        "otel.scope.name": "opentelemetry.instrumentation.genai.openai",
        "resource": {
            "telemetry.sdk.language": "python",
            "telemetry.sdk.name": "opentelemetry",
            "telemetry.sdk.version": "1.45.2",
            "service.instance.id": call.payload.attributes["resource"]["service.instance.id"],
        },
    }


# Vocabularies of which there is no recording here: names from their sources.
NAMED = [
    ({"gen_ai.usage.cost": 0, "gen_ai.usage.input_tokens": 5}, {"cost_usd": None, "kind": "llm"}),
    ({"gen_ai.usage.cost": 0.5, "gen_ai.request.user": "u"}, {"cost_usd": Decimal("0.5"), "user_id": "u"}),
    (
        {"gen_ai.cost.total_cost": 0.25, "gen_ai.response.finish_reasons": '["stop"]', "llm.is_streaming": "False"},
        {"cost_usd": Decimal("0.25"), "finish_reason": "stop"},
    ),
    (
        {"gen_ai.usage.details.reasoning_tokens": 3, "logfire.msg": "chat gpt-4o", "logfire.tags": ["a"]},
        {"reasoning_tokens": 3, "name": "chat gpt-4o", "tags": ["a"]},
    ),
    (
        {"gen_ai.operation.name": "invoke_agent", "gen_ai.aggregated_usage.input_tokens": 240},
        {"kind": "agent", "input_tokens": None},
    ),
    (
        {
            "mlflow.spanType": '"CHAT_MODEL"',
            "mlflow.llm.model": '"gpt-4o"',
            "mlflow.chat.tokenUsage": '{"input_tokens": 5, "output_tokens": 7}',
            "mlflow.llm.cost": '{"total_cost": 0.5}',
            "mlflow.trace.user": '"u"',
        },
        {
            "kind": "llm",
            "model": "gpt-4o",
            "input_tokens": 5,
            "output_tokens": 7,
            "cost_usd": Decimal("0.5"),
            "user_id": "u",
        },
    ),
    (
        {"llm.request.type": "chat", "gen_ai.usage.prompt_tokens": 5, "gen_ai.usage.cache_read_input_tokens": 2},
        {"kind": "llm", "input_tokens": 5, "cache_read_tokens": 2},
    ),
]


@pytest.mark.parametrize(("attributes", "fields"), NAMED)
def test_a_call_has_the_fields_that_a_vocabulary_names(attributes, fields):
    call = normalise(make.raw_span(**attributes), NOW)
    assert {field: getattr(call, field) for field in fields} == fields


def test_flattened_prompts_of_old_versions_are_messages():
    call = normalise(
        make.raw_span(
            **{
                "llm.request.type": "chat",
                "gen_ai.prompt.43.role": "user",
                "gen_ai.prompt.43.content": "Weather?",
                "gen_ai.completion.0.role": "assistant",
                "gen_ai.completion.0.finish_reason": "tool_calls",
                "gen_ai.completion.0.tool_calls.0.id": "c",
                "gen_ai.completion.0.tool_calls.0.name": "f",
                "gen_ai.completion.0.tool_calls.0.arguments": '{"a": 1}',
                "llm.request.functions.0.name": "f",
            }
        ),
        NOW,
    )
    assert call.payload.input == [{"role": "user", "content": "Weather?"}]
    assert call.payload.output[0]["tool_calls"] == [{"id": "c", "name": "f", "arguments": {"a": 1}}]
    assert (call.finish_reason, call.payload.tools) == ("tool_calls", [{"name": "f"}])


def test_a_long_status_is_cut_and_kept_whole_beside():
    call = the_call("openinference-langchain.err429.pb")
    assert len(call.status_message) == 2_000
    assert call.payload.attributes["status.message"].startswith(call.status_message)


def test_an_exception_stays_an_event_with_its_moment():
    child = records("otel-js-json.plain.json")[0]
    exception, other = child.payload.events
    assert (exception["name"], exception["attributes"]["exception.message"]) == ("exception", "bad")
    assert exception["offset_us"] == 283
    assert exception["at"] == "2026-11-21T02:21:23.579283Z"
    assert other == {"name": "ev", "at": "2026-11-21T02:21:23.579343Z", "offset_us": 343, "attributes": {"a": 1}}
    assert (child.status, child.failure, child.status_message) == ("error", "other", "bad")


def test_hostile_values_are_kept_where_json_can_say_them():
    root = records("otel-js-json.plain.json")[1]
    attributes = root.payload.attributes
    assert attributes["sur"] == "x\ufffdy"
    assert (attributes["big"], attributes["nan"], attributes["neg"]) == (9_007_199_254_740_991, None, -5)
