"""LiteLLM's `generic_api`, Helicone's webhook, and what LangWatch, PromptLayer, Portkey and Kong say by OTLP."""

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from tests.payloads import FOLDER, NOW, records
from traces.models import Refusal
from traces.normalise import normalise
from traces.queries.traces import traces_of_request
from traces.records import RawSpan
from traces.wire import helicone, litellm

CALLS = json.loads((FOLDER / "litellm.calls.json").read_text())
FAILED, ANSWERED, STREAMED, EMBEDDED = range(4)
WEBHOOK = {  # as Helicone's documentation has it, with bodies of OpenAI's form
    "request_id": "550e8400-e29b-41d4-a716-446655440000",
    "user_id": "user-123",
    "request_body": '{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}], "temperature": 0.2}',
    "response_body": '{"id": "chatcmpl-1", "choices": [{"message": {"role": "assistant", "content": "Hello."}}]}',
    "request_response_url": "https://s3.example/whole",
    "model": "gpt-4o-mini",
    "provider": "openai",
    "metadata": {"cost": 0.0015, "promptTokens": 10, "completionTokens": 15, "totalTokens": 25, "latencyMs": 1200},
}


def calls(*items):
    decoded = litellm.decode(json.dumps(items).encode(), "application/json")
    assert decoded.rejected == []
    return [normalise(raw, NOW) for raw in decoded.spans]


def webhook(**changes):
    decoded = helicone.decode(json.dumps({**WEBHOOK, **changes}).encode(), "application/json")
    assert decoded.rejected == []
    return normalise(decoded.spans[0], NOW)


def of_otlp(**attributes):
    raw = RawSpan(0, "0" * 31 + "1", "0" * 15 + "1", name="x", start_ns=1_795_000_000_000_000_000)
    raw.attributes = attributes
    return normalise(raw, NOW)


def fields(record, *names):
    return tuple(getattr(record, name) for name in names)


def test_what_litellm_logs_of_a_call_is_the_call():
    (record,) = calls(CALLS[ANSWERED])
    assert fields(record, "kind", "name", "provider", "model", "status") == (
        "llm", "acompletion", "openai", "gpt-4o-mini", "ok",
    )  # fmt: skip
    assert fields(record, "input_tokens", "output_tokens", "cost_usd", "cost_source") == (
        10, 20, Decimal("0.0000135"), "sent",
    )  # fmt: skip
    assert fields(record, "user_id", "tags", "finish_reason", "duration_us") == ("anna", ["vip"], "stop", 2_734_742)
    assert record.response_id == CALLS[ANSWERED]["response"]["id"]
    assert record.payload.input == CALLS[ANSWERED]["messages"]
    assert record.payload.output == [{"role": "assistant", "content": "Hello.", "finish_reason": "stop"}]
    assert (record.payload.parameters, len(record.payload.tools)) == ({"temperature": 0.2}, 1)
    assert not any("model_map" in name for name in record.payload.attributes)


def test_a_call_that_failed_has_its_error_and_no_made_up_zeros():
    (record,) = calls(CALLS[FAILED])
    assert fields(record, "status", "failure") == ("error", "rate_limited")
    assert "mock rate limit" in record.status_message
    assert fields(record, "input_tokens", "output_tokens", "cost_usd") == (None, None, None)
    assert record.model_requested == "gpt-4o-mini"


def test_only_a_streamed_call_has_a_first_token():
    streamed, answered = calls(CALLS[STREAMED], CALLS[ANSWERED])
    assert (streamed.time_to_first_token_us, answered.time_to_first_token_us) == (699_258, None)


def test_calls_of_one_request_are_one_trace_and_an_embedding_is_one():
    first, second = calls({**CALLS[EMBEDDED], "trace_id": "t-1"}, {**CALLS[ANSWERED], "trace_id": "t-1"})
    assert first.trace_id == second.trace_id
    assert first.kind == "embedding"


def test_what_the_caller_gave_as_metadata_is_found_by_its_names():
    given = {"request_id": "req-9", "feature": "refund", "order": 7}
    metadata = {**CALLS[ANSWERED]["metadata"], "requester_metadata": given, "user_api_key_alias": "web"}
    (record,) = calls({**CALLS[ANSWERED], "metadata": metadata, "session_id": "s-1"})
    assert fields(record, "request_id", "feature", "session_id") == ("req-9", "refund", "s-1")
    assert record.payload.attributes["litellm.metadata.user_api_key_alias"] == "web"
    assert record.payload.attributes["litellm.metadata.order"] == 7


@pytest.mark.parametrize("form", ["list", "lines", "single"])
def test_litellm_may_write_its_log_in_any_of_its_formats(form):
    body = {
        "list": json.dumps(CALLS),
        "lines": "\n".join(json.dumps(call) for call in CALLS),
        "single": json.dumps(CALLS[0]),
    }[form]
    decoded = litellm.decode(body.encode(), "application/json")
    assert (len(decoded.spans), decoded.rejected) == (1 if form == "single" else 4, [])


@pytest.mark.parametrize("bad", [None, 7, [], {}, {"id": {"a": 1}}, {"id": "x", "startTime": "soon"}, {"model": "m"}])
def test_a_call_that_cannot_be_read_costs_only_itself(bad):
    decoded = litellm.decode(json.dumps([bad, CALLS[ANSWERED]]).encode(), None)
    assert (len(decoded.spans), [one.index for one in decoded.rejected]) == (1, [0])


@pytest.mark.parametrize(
    "name", ["metadata", "response", "model_parameters", "error_information", "messages", "stream"]
)
@pytest.mark.parametrize("odd", [7, "x\0", [1], {"choices": 3}, {"choices": [None]}, True])
def test_members_of_another_type_are_no_crash(name, odd):
    decoded = litellm.decode(json.dumps([{**CALLS[ANSWERED], name: odd}]).encode(), None)
    assert len([normalise(raw, NOW) for raw in decoded.spans]) + len(decoded.rejected) == 1


ANY_JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(), inner, max_size=3),
)


@settings(max_examples=200, deadline=None)
@given(data=some.data())
def test_whatever_stands_in_a_member_is_taken_or_refused_and_never_a_crash(data):
    call, hook = dict(CALLS[ANSWERED]), dict(WEBHOOK)
    for sent in (call, hook):
        for name in data.draw(some.lists(some.sampled_from(sorted(sent)), max_size=4)):
            sent[name] = data.draw(ANY_JSON)
    for decode, sent in ((litellm.decode, call), (helicone.decode, hook)):
        decoded = decode(json.dumps(sent).encode(), "application/json")
        assert len([normalise(raw, NOW) for raw in decoded.spans]) + len(decoded.rejected) == 1


def test_a_webhook_of_helicone_is_a_call():
    record = webhook()
    assert fields(record, "kind", "request_id", "user_id", "model", "provider", "duration_us") == (
        "llm", WEBHOOK["request_id"], "user-123", "gpt-4o-mini", "openai", 1_200_000,
    )  # fmt: skip
    assert fields(record, "input_tokens", "output_tokens", "cost_usd") == (10, 15, Decimal("0.0015"))
    assert record.payload.input == [{"role": "user", "content": "Hi"}]
    assert record.payload.output == [{"role": "assistant", "content": "Hello."}]
    assert record.payload.attributes["helicone.request_response_url"] == "https://s3.example/whole"


def test_a_body_that_helicone_cut_is_kept_as_the_text_that_came():
    record = webhook(request_body='{"messages": [{"role": "us', response_body="truncated-response-data", metadata=None)
    assert (record.payload.input, record.payload.output) == ('{"messages": [{"role": "us', "truncated-response-data")
    assert record.input_tokens is None


@pytest.mark.django_db
def test_both_are_posted_to_their_address_and_once_more_change_nothing(client, project, ingest_key):
    bearer = {"Authorization": f"Bearer {ingest_key}"}
    for count in ("accepted", "duplicates"):
        answer = client.post("/api/litellm", json.dumps(CALLS), "application/json", headers=bearer)
        assert (answer.status_code, answer.json()[count]) == (200, 4)
    answer = client.post(f"/api/helicone?key={ingest_key}", json.dumps(WEBHOOK), "application/json")
    assert (answer.status_code, answer.json()["accepted"]) == (200, 1)
    assert traces_of_request(project.pk, WEBHOOK["request_id"]).totals.calls == 1


@pytest.mark.django_db
def test_texts_that_a_database_cannot_hold_are_stored_without_what_it_cannot(client, ingest_key):
    bad = {"k\0\ud800": "v\0\ud800" * 3, "n": float("nan"), "big": 2**70}
    call = {**CALLS[ANSWERED], "litellm_call_id": "c\0\ud800", "messages": [{"role": "user", "content": bad}]}
    call["metadata"] = {"requester_metadata": bad, "usage_object": {"prompt_tokens_details": bad}}
    hook = {**WEBHOOK, "user_id": "u\0\ud800", "request_body": json.dumps(bad), "more": bad}
    for path, sent in (("/api/litellm", [call]), ("/api/helicone", hook)):
        answer = client.post(path, json.dumps(sent), "application/json", headers={"x-api-key": ingest_key})
        assert (answer.status_code, answer.json()["accepted"]) == (200, 1)


@pytest.mark.django_db
def test_they_need_a_key_that_may_send_and_what_is_refused_is_kept_without_it(client, project, ingest_key, read_key):
    for path in ("/api/litellm", "/api/helicone"):
        assert client.post(path, "[]", "application/json").status_code == 401
        assert client.post(path, "[]", "application/json", headers={"x-api-key": read_key}).status_code == 403
        assert client.get(path, headers={"x-api-key": ingest_key}).status_code == 405
    assert client.post(f"/api/helicone?key={ingest_key}", "no json", "application/json").status_code == 400
    kept = Refusal.objects.get(project=project, status=400)
    assert kept.address == "/api/helicone"
    assert ingest_key not in repr(vars(kept))


def test_langwatch_says_kinds_contents_usage_and_who_it_was():
    search, weather, ask, judge, answer = records("langwatch.answer.pb")
    assert [one.kind for one in (search, weather, ask, judge, answer)] == [
        "retrieval", "tool", "llm", "evaluator", "other",
    ]  # fmt: skip
    assert search.payload.documents == [{"id": "d1", "text": "Balconies get sun.", "chunk_id": "c1"}]
    assert ask.payload.output == [{"role": "assistant", "content": "Yes."}]
    assert fields(ask, "input_tokens", "output_tokens", "cost_usd") == (12, 3, Decimal("0.0012"))
    assert (ask.payload.parameters, len(ask.payload.tools)) == ({"temperature": 0.2}, 1)
    assert fields(answer, "user_id", "session_id", "tags") == ("anna", "th-1", ["vip"])
    assert (answer.payload.input, answer.payload.output) == ({"q": "Do tomatoes grow?"}, "Yes.")


def test_promptlayer_says_what_traced_functions_took_and_gave():
    search, answer = records("promptlayer.answer.pb")
    assert (search.parent_id, search.user_id) == (answer.span_id, "anna")
    assert answer.payload.output == "Balconies get sun."
    called = of_otlp(**{"node_type": "LLM_CALL", "promptlayer.prompt.name": "refund", "promptlayer.prompt.version": 12})
    assert fields(called, "kind", "prompt_name", "prompt_version") == ("llm", "refund", "12")


def test_portkey_says_tokens_by_names_of_its_own():
    record = of_otlp(
        **{
            "gen_ai.request.model": "gpt-4o-mini",
            "gen_ai.provider.name": "openai",
            "gen_ai.response.input_tokens": 12,
            "gen_ai.response.output_tokens": 3,
            "gen_ai.prompt.0.role": "user",
            "gen_ai.prompt.0.content": "Hi",
            "gen_ai.output.messages": '[{"role": "assistant", "content": "Hello."}]',
        }
    )
    assert fields(record, "kind", "input_tokens", "output_tokens") == ("llm", 12, 3)
    assert record.payload.input == [{"role": "user", "content": "Hi"}]
    assert record.payload.output == [{"role": "assistant", "content": "Hello."}]


def test_kong_says_what_opentelemetry_says():
    record = of_otlp(
        **{
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o-mini",
            "gen_ai.usage.input_tokens": 12,
            "gen_ai.usage.output_tokens": 3,
            "gen_ai.input.messages": '[{"role": "user", "content": "Hi"}]',
            "gen_ai.output.messages": '[{"role": "assistant", "content": "Hello."}]',
        }
    )
    assert fields(record, "kind", "provider", "input_tokens", "output_tokens") == ("llm", "openai", 12, 3)
    assert record.payload.input == [{"role": "user", "content": "Hi"}]
