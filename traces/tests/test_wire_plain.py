import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from traces.errors import Unreadable
from traces.wire import plain

JSON = "application/json"


def decode(value, content_type=JSON):
    return plain.decode(json.dumps(value).encode(), content_type)


def one(**record):
    (span,) = decode(record).spans
    return span


def reason(**record):
    (rejection,) = decode([record]).rejected
    return rejection.reason


@pytest.mark.parametrize("content_type", [JSON, "application/x-www-form-urlencoded", "text/plain", "", None])
def test_json_is_read_under_any_content_type(content_type):
    (span,) = decode({"request_id": "r-1", "model": "m"}, content_type).spans
    assert span.fields["request_id"] == "r-1"


def test_a_flat_call_keeps_our_fields_apart_from_others():
    span = one(
        request_id="r-1", name="chat", input="Hi", output=[{"role": "assistant", "content": "Hello"}], cost_usd="0.012",
        user_id=42, prompt_version=3, tags=["a"], metadata={"tenant": "x"}, shoe_size=43, attributes={"x.y": 1},
        parameters={"temperature": 0}, cache_hit=False, duration_ms=12.5, temperature=None,
    )  # fmt: skip
    assert span.name == "chat"
    assert span.fields == {
        "request_id": "r-1", "input": "Hi", "output": [{"role": "assistant", "content": "Hello"}], "user_id": "42",
        "cost_usd": Decimal("0.012"), "prompt_version": "3", "tags": ["a"], "parameters": {"temperature": 0},
        "cache_hit": False, "duration_us": 12_500, "start_assumed": True,
    }  # fmt: skip
    assert span.attributes == {"metadata": {"tenant": "x"}, "shoe_size": 43, "x.y": 1}
    assert span.start_may_change


@pytest.mark.parametrize(
    ("sent", "moment"),
    [
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00"),
        ("2026-01-31T13:00:00.5+01:00", "2026-01-31T12:00:00.5"),
        ("2026-01-31 12:00:00", "2026-01-31T12:00:00"),
        (1_769_860_800, "2026-01-31T12:00:00"),
        (1_769_860_800.25, "2026-01-31T12:00:00.25"),
        (1_769_860_800_250, "2026-01-31T12:00:00.25"),
        (1_769_860_800_250_000, "2026-01-31T12:00:00.25"),
        (1_769_860_800_250_000_000, "2026-01-31T12:00:00.25"),
        ("1960-01-01T00:00:00Z", "1960-01-01T00:00:00"),
    ],
)
def test_a_moment_is_told_by_its_form_and_size(sent, moment):
    expected = datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp()
    assert one(started_at=sent).start_ns == pytest.approx(expected * 1e9, abs=1_000)


@pytest.mark.parametrize(
    ("times", "start_s", "end_s", "duration_us"),
    [
        ({"started_at": 100, "ended_at": 102}, 100, 102, None),
        ({"started_at": 100, "duration_ms": 500}, 100, 100.5, 500_000),
        ({"ended_at": 100, "duration_us": 500_000}, 99.5, 100, 500_000),
        ({"duration_us": 7, "duration_ms": 9}, None, None, 7),
        ({"started_at": 100, "ended_at": 99}, 100, 99, None),
        ({}, None, None, None),
    ],
)
def test_of_start_end_and_duration_two_give_the_third(times, start_s, end_s, duration_us):
    span = one(model="m", **times)
    assert span.start_ns == (None if start_s is None else start_s * 1e9)
    assert span.end_ns == (None if end_s is None else end_s * 1e9)
    assert span.fields.get("duration_us") == duration_us
    assert span.fields.get("start_assumed", False) == (start_s is None)


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        ({"input_tokens": "many"}, 'records[0]: "input_tokens" is "many"; write a whole number of 0 or more.'),
        ({"input_tokens": -1}, 'records[0]: "input_tokens" is -1; write a whole number of 0 or more.'),
        ({"input_tokens": 2**70}, "write a whole number of 0 or more."),
        ({"output_tokens": True}, '"output_tokens" is true; write a whole number of 0 or more.'),
        ({"duration_ms": "fast"}, '"duration_ms" is "fast"; write a number of milliseconds, 0 or more.'),
        ({"cost_usd": "cheap"}, '"cost_usd" is "cheap"; write an amount of US dollars, 0 or more.'),
        ({"cost_usd": [1]}, '"cost_usd" is [1]; write an amount of US dollars, 0 or more.'),
        ({"user_id": {"a": 1}}, '"user_id" is {"a":1}; write a string.'),
        ({"name": []}, '"name" is []; write a string.'),
        ({"tags": 5}, '"tags" is 5; write a list of strings.'),
        ({"cache_hit": "yes"}, '"cache_hit" is "yes"; write true or false.'),
        ({"parameters": []}, '"parameters" is []; write a JSON object.'),
        ({"documents": "x"}, '"documents" is "x"; write a list.'),
        ({"kind": 5}, '"kind" is 5; write one of agent, chain,'),
        ({"started_at": "soon"}, '"started_at" is "soon"; write an RFC 3339 time such as'),
        ({"started_at": 1e300}, "write a number of seconds, ms, µs or ns since 1970."),
        ({"trace_id": "x" * 3_000}, '"trace_id" is 3,000 characters long; write at most 2,000.'),
        ({"user_id": ["x" * 500]}, "…; write a string."),
        ({}, "records[0]: there is nothing in it."),
        ({"name": None}, "records[0]: there is nothing in it."),
    ],
)
def test_what_cannot_be_taken_is_said_in_a_sentence(record, sentence):
    assert sentence in reason(**record)


def test_one_bad_record_costs_only_itself():
    decoded = decode([{"model": "m"}, 5, {"input_tokens": "x"}, {"model": "n"}])
    assert [span.index for span in decoded.spans] == [0, 3]
    assert [rejection.index for rejection in decoded.rejected] == [1, 2]
    assert decoded.rejected[0].reason == "records[1]: this is no JSON object."


@pytest.mark.parametrize(
    ("field", "said", "read"),
    [
        ("kind", "generation", "llm"),
        ("kind", "Retriever", "retrieval"),
        ("kind", "juggling", "other"),
        ("status", "success", "ok"),
        ("status", "failed", "error"),
        ("status", "who knows", "unset"),
        ("failure", "rate_limited", "rate_limited"),
        ("failure", "gremlins", "other"),
        ("fallback", "other model", "other_model"),
    ],
)
def test_closed_lists_take_words_in_any_spelling(field, said, read):
    assert one(**{field: said}).fields[field] == read


def test_an_unknown_fallback_is_kept_as_an_attribute():
    span = one(fallback="prayer")
    assert "fallback" not in span.fields
    assert span.attributes == {"fallback": "prayer"}


def test_records_of_one_request_share_a_trace_and_differ_in_span():
    first, second = decode([{"request_id": "r", "model": "a"}, {"request_id": "r", "model": "b"}]).spans
    assert first.trace_id == second.trace_id
    assert first.span_id != second.span_id


def test_the_same_record_has_the_same_ids_whatever_the_order_of_its_keys():
    first, second = one(model="m", input="x"), one(input="x", model="m")
    assert (first.trace_id, first.span_id) == (second.trace_id, second.span_id)
    assert one(model="m", input="y").span_id != first.span_id


def test_a_trace_gives_its_words_to_its_spans():
    decoded = decode(
        {
            "request_id": "r", "feature": "search", "user_id": "u", "name": "answer", "input": "Hi", "input_tokens": 9,
            "spans": [
                {"span_id": "root", "kind": "chain"},
                {"span_id": "call", "parent_span_id": "root", "model": "m", "user_id": "other"},
            ],
        }
    )  # fmt: skip
    root, call = decoded.spans
    assert root.trace_id == call.trace_id
    assert (root.name, root.fields["input"], root.fields["feature"]) == ("answer", "Hi", "search")
    assert root.attributes == {"trace": {"input_tokens": 9}}
    assert (call.name, call.parent_id, call.fields["feature"], call.fields["user_id"]) == (
        "",
        "root",
        "search",
        "other",
    )
    assert "input" not in call.fields
    assert "trace" not in call.attributes


def test_a_trace_without_any_id_is_still_one_trace():
    spans = decode({"feature": "f", "spans": [{"model": "a"}, {"model": "b"}]}).spans
    assert len({span.trace_id for span in spans}) == 1
    assert len({span.span_id for span in spans}) == 2


def test_positions_count_the_spans_of_traces():
    decoded = decode([{"spans": [{"model": "a"}, {"model": []}]}, {"spans": []}, {"model": "b"}])
    assert [span.index for span in decoded.spans] == [0, 3]
    assert [rejection.reason for rejection in decoded.rejected] == [
        'records[1]: "model" is []; write a string.',
        'records[2]: "spans" holds no span; write a list of at least one record.',
    ]


@pytest.mark.parametrize("content_type", ["application/x-ndjson", "ndjson", "jsonl", "application/jsonl", "text/plain"])
def test_lines_are_records_and_a_bad_one_is_one_rejection(content_type):
    decoded = plain.decode(b'{"model": "a"}\n\n{oops\r\n{"model": "b"}\n', content_type)
    assert [span.fields["model"] for span in decoded.spans] == ["a", "b"]
    (rejection,) = decoded.rejected
    assert rejection.index == 1
    assert rejection.reason.startswith("records[1]: the line is no JSON; ")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", JSON),
        (b"  \n", "ndjson"),
        (b"{", JSON),
        (b"a=1&b=2", "application/x-www-form-urlencoded"),
        (b"5", JSON),
        (b"[]", JSON),
        (b"no\nlines\n", "ndjson"),
        (b"[" * 5_000, JSON),
    ],
)
def test_a_body_without_anything_readable_is_said_to_be_so(body, content_type):
    with pytest.raises(Unreadable):
        plain.decode(body, content_type)
