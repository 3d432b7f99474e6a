import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from traces.conventions.rules import EXACT
from traces.normalise import normalise
from traces.records import FAILURES, KINDS, STATUSES, RawSpan, SpanEvent
from traces.wire import plain

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
START = 1_769_860_800_000_000_000  # 2026-01-31T12:00:00Z


def raw(attributes=None, **fields):
    ids = {"trace_id": "5b8efff798038103d269b633813fc60c", "span_id": "eee19b7ec3c1b174"}
    times = {"start_ns": START, "end_ns": START + 1_500_000_999}
    return RawSpan(0, **{**ids, **times, **fields}, attributes=attributes or {})


def record(attributes=None, **fields):
    return normalise(raw(attributes, **fields), NOW)


def plain_record(**sent):
    (span,) = plain.decode(orjson.dumps(sent), "application/json").spans
    return normalise(span, NOW)


@pytest.mark.parametrize(
    ("attributes", "request_id"),
    [
        ({"llmobs.request_id": "a", "app.request_id": "b"}, "a"),
        ({"app.request_id": "b", "request.id": "c"}, "b"),
        ({"request.id": "c", "request_id": "d"}, "c"),
        ({"http.request_id": "e", "request_id": "d"}, "d"),
        ({"http.request.header.x-request-id": ["f"], "x.metadata.request_id": "g"}, "f"),
        ({"langfuse.trace.metadata.request_id": "g"}, "g"),
        ({"ai.telemetry.metadata.requestId": "h"}, "h"),
        ({"traceloop.association.properties.request_id": "i"}, "i"),
        ({"metadata": '{"request_id": "j"}'}, "j"),
        ({"metadata": {"requestId": 7}}, "7"),
        ({"request_id": "", "http.request_id": "e"}, "e"),
        ({"request_id": "a\0b"}, "ab"),
        ({"request_id": "  "}, None),
        ({"request_id": "x" * 5_000}, "x" * 2_000),
        ({"my_request_id": "z"}, None),
    ],
)
def test_request_id(attributes, request_id):
    assert record(attributes).request_id == request_id


@pytest.mark.parametrize(
    ("attributes", "feature"),
    [
        ({"llmobs.feature": "a", "feature": "c"}, "a"),
        ({"app.feature": "b", "feature": "c"}, "b"),
        ({"feature": "c", "x.metadata.feature": "d"}, "c"),
        ({"x.metadata.feature": "d", "ai.telemetry.functionId": "e"}, "d"),
        ({"ai.telemetry.functionId": "e", "traceloop.workflow.name": "f"}, "e"),
        ({"traceloop.workflow.name": "f", "gen_ai.workflow.name": "g"}, "f"),
        ({"gen_ai.workflow.name": "g"}, "g"),
        ({}, None),
    ],
)
def test_feature(attributes, feature):
    assert record(attributes, resource={"service.name": "shop"}).feature == feature


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"gen_ai.usage.input_tokens": 7}, 7),
        ({"gen_ai.usage.input_tokens": 0}, 0),
        ({"gen_ai.usage.input_tokens": 7.0}, 7),
        ({"gen_ai.usage.prompt_tokens": 7}, 7),
        ({"llm.token_count.prompt": "7"}, 7),
        ({"gen_ai.usage.input_tokens": 7, "llm.token_count.prompt": 8}, 7),
        ({"gen_ai.usage.input_tokens": "many", "llm.token_count.prompt": 8}, 8),
        ({"gen_ai.usage.input_tokens": "many"}, None),
        ({"gen_ai.usage.input_tokens": "NaN"}, None),
        ({"gen_ai.usage.input_tokens": -1}, None),
        ({"gen_ai.usage.input_tokens": 2**63}, None),
        ({"gen_ai.usage.input_tokens": 1e300}, None),
        ({"gen_ai.usage.input_tokens": 1.5}, None),
        ({"gen_ai.usage.input_tokens": True}, None),
        ({"gen_ai.usage.input_tokens": [7]}, None),
        ({"gen_ai.usage.input_tokens": "9" * 5_000}, None),
        ({}, None),
    ],
)
def test_input_tokens(attributes, expected):
    assert record(attributes).input_tokens == expected


def test_a_value_that_is_no_number_stays_an_attribute():
    assert record({"gen_ai.usage.input_tokens": "many"}).payload.attributes == {"gen_ai.usage.input_tokens": "many"}


def test_two_names_of_one_field_keep_what_differs():
    same = record({"gen_ai.provider.name": "openai", "gen_ai.system": "openai"})
    assert (same.provider, same.payload.attributes) == ("openai", {})
    other = record({"gen_ai.system": "az.ai", "gen_ai.provider.name": "azure"})
    assert (other.provider, other.payload.attributes) == ("azure", {"gen_ai.system": "az.ai"})


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        ({"gen_ai.operation.name": "chat"}, "llm"),
        ({"gen_ai.operation.name": "embeddings"}, "embedding"),
        ({"gen_ai.operation.name": "execute_tool"}, "tool"),
        ({"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 240}, "agent"),
        ({"gen_ai.operation.name": "invoke_workflow"}, "chain"),
        ({"gen_ai.operation.name": "agent_step", "gen_ai.request.model": "m"}, "chain"),
        ({"gen_ai.operation.name": "retrieval"}, "retrieval"),
        ({"openinference.span.kind": "LLM"}, "llm"),
        ({"openinference.span.kind": "RERANKER"}, "rerank"),
        ({"openinference.span.kind": "UNKNOWN"}, "other"),
        ({"llmobs.kind": "parser", "openinference.span.kind": "CHAIN"}, "parser"),
        ({"gen_ai.response.model": "m"}, "llm"),
        ({"llm.token_count.prompt": 5}, "llm"),
        ({"gen_ai.agent.name": "a", "gen_ai.request.model": "m"}, "agent"),
        ({"tool.name": "t"}, "tool"),
        ({"retrieval.documents.0.document.content": "x"}, "retrieval"),
        ({"http.method": "GET"}, "other"),
        ({}, "other"),
    ],
)
def test_kind(attributes, kind):
    assert record(attributes).kind == kind


def test_a_word_that_says_more_than_its_kind_is_kept():
    assert record({"openinference.span.kind": "PROMPT"}).payload.attributes == {"openinference.span.kind": "PROMPT"}
    assert record({"gen_ai.operation.name": "chat"}).payload.attributes == {}


@pytest.mark.parametrize(
    ("attributes", "status", "requested", "answered"),
    [
        ({"gen_ai.request.model": "a", "gen_ai.response.model": "b"}, "ok", "a", "b"),
        ({"llm.model_name": "b", "llm.invocation_parameters": '{"model": "a"}'}, "ok", "a", "b"),
        ({"llm.model_name": "a"}, "error", "a", None),
        ({"llm.model_name": "b"}, "ok", None, "b"),
        ({"embedding.model_name": "e"}, "unset", None, "e"),
    ],
)
def test_models(attributes, status, requested, answered):
    found = record(attributes, status=status)
    assert (found.model_requested, found.model) == (requested, answered)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"attributes": {"gen_ai.response.time_to_first_chunk": 0.25}}, 250_000),
        ({"attributes": {"gen_ai.server.time_to_first_token": "0.25"}}, 250_000),
        ({"attributes": {"llmobs.time_to_first_token_us": 250_000}}, 250_000),
        ({"attributes": {"app.time_to_first_token_ms": 250}}, 250_000),
        ({"attributes": {"gen_ai.response.time_to_first_chunk": "NaN"}}, None),
        ({"attributes": {"gen_ai.response.time_to_first_chunk": -1}}, None),
        ({"events": [SpanEvent("First Token Stream Event", START + 250_000_000)]}, 250_000),
        ({"events": [SpanEvent("First Token Stream Event", START - 1)]}, None),
        ({"events": [SpanEvent("First Token Stream Event", None)]}, None),
        ({}, None),
    ],
)
def test_time_to_first_token(fields, expected):
    assert record(**fields).time_to_first_token_us == expected


@pytest.mark.parametrize(
    ("cost", "expected"),
    [(0.25, "0.25"), ("0.000001", "0.000001"), (0, "0"), (-1, None), ("NaN", None), (1e300, None), (True, None)],
)
def test_cost(cost, expected):
    found = record({"llm.cost.total": cost})
    assert found.cost_usd == (None if expected is None else Decimal(expected))
    assert found.cost_source == (None if expected is None else "sent")


@pytest.mark.parametrize(
    ("kind", "message", "attributes", "failure"),
    [
        ("llm", "Error code: 429 - slow down", {}, "rate_limited"),
        ("llm", "", {"error.type": "openai.RateLimitError"}, "rate_limited"),
        ("llm", "", {"http.response.status_code": 429}, "rate_limited"),
        ("llm", "request req_4291 failed", {}, "model_error"),
        ("llm", "APITimeoutError: request timed out", {}, "timeout"),
        ("llm", "", {"error.type": "TimeoutError"}, "timeout"),
        ("llm", "BadRequestError: maximum context length exceeded", {}, "context_length"),
        ("llm", "prompt is too long: 200001 tokens", {}, "context_length"),
        ("llm", "", {"error.type": "content_filter"}, "content_filter"),
        ("llm", "The response was filtered due to the content management policy", {}, "content_filter"),
        ("llm", "asyncio.CancelledError", {}, "cancelled"),
        ("llm", "Internal server error", {}, "model_error"),
        ("embedding", "boom", {}, "model_error"),
        ("tool", "request timed out", {}, "tool_failed"),
        ("retrieval", "connection refused", {}, "retrieval_failed"),
        ("parser", "boom", {}, "parser_failed"),
        ("guardrail", "boom", {}, "guardrail_blocked"),
        ("chain", "OutputParserException: no JSON", {}, "parser_failed"),
        ("chain", "json.decoder.JSONDecodeError: Expecting value", {}, "parser_failed"),
        ("chain", "budget exceeded for team x", {}, "budget_blocked"),
        ("chain", "child failed", {}, "other"),
        ("other", "", {}, "other"),
        ("llm", "whatever", {"llmobs.failure": "guardrail_blocked"}, "guardrail_blocked"),
    ],
)
def test_failure(kind, message, attributes, failure):
    found = record({"llmobs.kind": kind, **attributes}, status="error", status_message=message)
    assert (found.kind, found.status, found.failure) == (kind, "error", failure)


def test_the_exception_speaks_where_the_status_is_silent():
    events = [SpanEvent("exception", START, {"exception.type": "RateLimitError", "exception.message": "slow down"})]
    found = record({"gen_ai.operation.name": "chat"}, status="error", events=events)
    assert (found.failure, found.status_message) == ("rate_limited", "slow down")


def test_a_type_of_error_without_a_status_is_an_error():
    assert record({"error.type": "TimeoutError"}).status == "error"
    assert record({"error.type": "TimeoutError"}, status="ok").failure is None


@pytest.mark.parametrize(
    ("resource", "attributes", "expected"),
    [
        ({"service.name": "shop", "service.version": "2"}, {}, ("shop", "2", None)),
        ({"service.name": "unknown_service:python"}, {}, (None, None, None)),
        ({"deployment.environment": "old", "deployment.environment.name": "new"}, {}, (None, None, "new")),
        ({"deployment.environment": "old"}, {"deployment.environment.name": "span"}, (None, None, "span")),
        ({}, {"service.name": "own", "deployment.environment": "x"}, ("own", None, "x")),
    ],
)
def test_service_release_and_environment(resource, attributes, expected):
    found = record(attributes, resource=resource)
    assert (found.service, found.release, found.environment) == expected


def test_what_the_resource_says_beyond_is_kept_and_the_resource_left_alone():
    resource = {"service.name": "shop", "host.name": "h", "deployment.environment": "old"}
    resource["deployment.environment.name"] = "new"
    before = dict(resource)
    kept = record(resource=resource, scope="app").payload.attributes
    assert kept == {"resource": {"host.name": "h", "deployment.environment": "old"}, "otel.scope.name": "app"}
    assert resource == before


@pytest.mark.parametrize(
    ("start", "end", "started_at", "duration_us", "ended"),
    [
        (START, START + 1_500_000_999, NOW, 1_500_000, True),
        (START, START, NOW, 0, True),
        (START, START - 5_000_000_000, NOW, -5_000_000, True),
        (START, None, NOW, None, False),
        (None, START, None, None, True),
        (None, None, None, None, True),
        (1_000, 2_000, datetime(1970, 1, 1, microsecond=1, tzinfo=UTC), 1, True),
        (2**63 - 1, None, datetime(2262, 4, 11, 23, 47, 16, 854_775, tzinfo=UTC), None, False),
        (2**100, None, None, None, False),
    ],
)
def test_times_are_kept_as_sent(start, end, started_at, duration_us, ended):
    found = record(start_ns=start, end_ns=end)
    assert (found.started_at, found.duration_us, found.ended) == (started_at, duration_us, ended)
    assert not found.start_assumed


def test_ids_keep_their_bytes_and_their_spelling():
    found = record(parent_id="EEE19B7EC3C1B173")
    assert found.trace_id == bytes.fromhex("5b8efff798038103d269b633813fc60c")
    assert (found.trace_text, found.span_text) == (None, None)
    assert (found.parent_id, found.parent_text) == (bytes.fromhex("eee19b7ec3c1b173"), "EEE19B7EC3C1B173")
    odd = record(trace_id="order/17 \0?", span_id="日本")
    assert (len(odd.trace_id), odd.trace_text) == (16, "order/17 ?")
    assert (len(odd.span_id), odd.span_text) == (8, "日本")


def test_texts_are_cut_and_cleaned_for_their_columns():
    found = record({"session.id": ["s\0", "t"], "user.id": 5}, name="n\0\ud800" + "x" * 3_000)
    assert found.name == "n" + "x" * 998 + "xx"[: 1_000 - 999]
    assert (found.session_id, found.user_id) == ("s", "5")


def test_attempts_are_one_more_than_retries():
    assert record({"llmobs.attempts": 3}).retries == 2
    assert record({"app.retries": 4, "app.attempts": 3}).retries == 4
    assert record({"app.retries": 2**40}).retries is None


def test_a_plain_call_is_what_it_says():
    found = plain_record(
        request_id="r-1", feature="search", model="gpt-4o-mini", input="Hi", output="Hello", input_tokens=3,
        duration_ms=1_500, user_id=7, cost_usd=0.25, fallback="retry", parsed_output={"a": 1}, prompt_version=4,
        metadata={"request_id": "other", "tenant": "x"},
    )  # fmt: skip
    assert (found.kind, found.request_id, found.feature, found.user_id) == ("llm", "r-1", "search", "7")
    assert (found.payload.input, found.payload.output, found.payload.parsed_output) == ("Hi", "Hello", {"a": 1})
    assert (found.started_at, found.duration_us) == (NOW - timedelta(seconds=1.5), 1_500_000)
    assert (found.start_assumed, found.start_may_change, found.ended) == (True, True, True)
    assert (found.cost_usd, found.cost_source, found.fallback) == (Decimal("0.25"), "sent", "retry")
    assert found.payload.attributes == {"metadata": {"request_id": "other", "tenant": "x"}}


@pytest.mark.parametrize(
    ("sent", "kind", "status", "failure"),
    [
        ({"name": "x"}, "other", "unset", None),
        ({"output_tokens": 1}, "llm", "unset", None),
        ({"kind": "tool", "status": "error"}, "tool", "error", "tool_failed"),
        ({"model": "m", "status": "error", "status_message": "rate limit"}, "llm", "error", "rate_limited"),
        ({"model": "m", "failure": "timeout"}, "llm", "error", "timeout"),
        ({"attributes": {"gen_ai.operation.name": "chat"}}, "llm", "unset", None),
    ],
)
def test_a_plain_record_may_leave_the_obvious_out(sent, kind, status, failure):
    found = plain_record(**sent)
    assert (found.kind, found.status, found.failure) == (kind, status, failure)


def test_plain_messages_come_out_in_the_one_shape():
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    found = plain_record(
        input=[{"role": "user", "content": "Hi"}], output=[{"role": "assistant", "tool_calls": [call]}]
    )
    assert found.payload.input == [{"role": "user", "content": "Hi"}]
    assert found.payload.output[0]["tool_calls"] == [{"id": "c", "name": "f", "arguments": {}}]


def test_a_plain_record_that_only_began_has_not_ended():
    assert plain_record(span_id="s", started_at=1_769_860_800).ended is False
    assert plain_record(span_id="s", started_at=1_769_860_800, output="done").ended is True


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
)
ROLES = st.fixed_dictionaries(
    {"role": SCALARS, "parts": VALUES, "content": VALUES, "tool_calls": VALUES, "type": SCALARS}
)
TEXTS = (VALUES | st.lists(ROLES, max_size=3)).map(
    lambda value: orjson.dumps(value, default=str).decode() if _sayable(value) else "[{"
)
GROUPED = st.builds(
    "{}{}.{}".format,
    st.sampled_from(["llm.input_messages.", "llm.output_messages.", "retrieval.documents.", "llm.tools."]),
    st.integers(-1, 5) | st.sampled_from(["", "x", "²"]),
    st.sampled_from(["message.role", "message.content", "message", "document.content", "message.contents.0", ""]),
)
NAMES = st.sampled_from(sorted(EXACT)) | GROUPED | st.text(max_size=30)


def _sayable(value):
    try:
        orjson.dumps(value)
    except TypeError:
        return False
    return True


@settings(max_examples=400, deadline=None)
@given(
    attributes=st.dictionaries(NAMES, VALUES | TEXTS | ROLES, max_size=8),
    name=st.text(),
    status=st.sampled_from(STATUSES),
    message=st.text(),
    times=st.tuples(st.none() | st.integers(), st.none() | st.integers()),
    resource=st.dictionaries(st.sampled_from(["service.name", "service.version", "x"]), VALUES),
    event=st.dictionaries(st.text(max_size=20), VALUES, max_size=2),
)
def test_no_value_is_too_odd(attributes, name, status, message, times, resource, event):
    found = normalise(
        raw(attributes, name=name, status=status, status_message=message, start_ns=times[0], end_ns=times[1],
            resource=resource, events=[SpanEvent("exception", times[0], event)]),
        NOW,
    )  # fmt: skip
    assert found.kind in KINDS
    assert found.failure is None or found.failure in FAILURES
    for field in ("input_tokens", "output_tokens", "reasoning_tokens", "time_to_first_token_us"):
        value = getattr(found, field)
        assert value is None or (type(value) is int and 0 <= value < 2**63)
    for field in ("name", "request_id", "user_id", "model", "provider", "status_message", "finish_reason"):
        value = getattr(found, field)
        assert value is None or (type(value) is str and "\0" not in value and value.encode() is not None)
    assert found.confidence is None or math.isfinite(found.confidence)
