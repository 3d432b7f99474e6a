"""Opik's bodies to spans and scores, without a database: any order of the versions makes the same span."""

import gzip
import json
from functools import reduce

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.payloads import FOLDER, NOW
from traces.errors import Unreadable
from traces.merge import merged
from traces.normalise import normalise
from traces.pricing import priced
from traces.wire.opik import attachments, entities, guardrails, scores

RECORDED = orjson.loads((FOLDER / "opik" / "requests.json").read_bytes())
TRACE = "01a1fbe3-02cc-7002-afe5-dc5ab2bc2f49"
SPAN = "01a1fbe3-02cd-761a-92bc-06f7d76e73ed"
BEGAN_NS = 0x01A1FBE302CD * 1_000_000
AT = "2026-11-21T02:15:2{}.036945Z"


def record(raw):
    return priced(normalise(raw, NOW))


def versions(case):
    """All versions of each trace and span of a case, by their ids."""
    found = {}
    for one in RECORDED[case]["requests"]:
        body = (FOLDER / "opik" / one["body"]).read_bytes()
        body = gzip.decompress(body) if one["encoding"] else body
        entity = "trace" if "/traces" in one["path"] else "span"
        if one["method"] == "PATCH":
            decoded = entities.decode_patch(body, entity, one["path"].rpartition("/")[2], 0)
        elif one["method"] == "POST":
            decoded = entities.decode_batch(body, entity)
        else:
            continue
        assert decoded.rejected == []
        for raw in decoded.spans:
            found.setdefault(raw.span_id, []).append(raw)
    return found


@given(st.data())
@pytest.mark.parametrize("case", RECORDED)
def test_the_versions_of_a_span_make_the_same_in_any_order_and_again(case, data):
    for raws in versions(case).values():
        records = [record(raw) for raw in raws]
        order = data.draw(st.permutations(records + data.draw(st.lists(st.sampled_from(records), max_size=3))))
        assert reduce(merged, order) == reduce(merged, records)


SAID = {
    "name": st.sampled_from(["a", "b"]),
    "type": st.sampled_from(["general", "llm", "tool", "guardrail"]),
    "end_time": st.sampled_from([AT.format(5), AT.format(6)]),
    "start_time": st.sampled_from([AT.format(1), AT.format(2)]),
    "last_updated_at": st.sampled_from([AT.format(second) for second in range(3, 9)]),
    "input": st.sampled_from([{"q": 1}, {"messages": [{"role": "user", "content": "Hi"}]}]),
    "output": st.sampled_from([{"output": "x"}, {"choices": [{"message": {"role": "assistant", "content": "y"}}]}]),
    "model": st.sampled_from(["gpt-4o", "gpt-4o-mini"]),
    "metadata": st.dictionaries(st.sampled_from(["created_from", "model", "k"]), st.sampled_from(["v", "w"])),
    "tags": st.lists(st.sampled_from(["s", "t"])),
    "usage": st.fixed_dictionaries({"prompt_tokens": st.integers(1, 9), "completion_tokens": st.integers(1, 9)}),
    "error_info": st.just({"exception_type": "ValueError", "message": "bad", "traceback": "Traceback"}),
    "parent_span_id": st.just(TRACE),
    "total_estimated_cost": st.sampled_from([0.01, 0.02]),
}


@given(st.lists(st.fixed_dictionaries({}, optional=SAID), min_size=2, max_size=5), st.data())
def test_made_up_versions_make_the_same_in_any_order(said, data):
    raws = [entities.raw_span("span", 0, {"id": SPAN, "trace_id": TRACE, **one}) for one in said]
    records = [record(raw) for raw in raws]
    assert reduce(merged, data.draw(st.permutations(records))) == reduce(merged, records)


def test_a_trace_is_the_root_and_a_span_without_a_parent_stands_below_it():
    trace = entities.raw_span("trace", 0, {"id": TRACE, "name": "ask", "start_time": AT.format(1)})
    span = entities.raw_span("span", 0, {"id": SPAN, "trace_id": TRACE, "start_time": AT.format(1)})
    child = entities.raw_span("span", 0, {"id": "c", "trace_id": TRACE, "parent_span_id": SPAN})
    assert (trace.trace_id, trace.span_id, trace.parent_id, trace.fields["kind"]) == (TRACE, TRACE, None, "chain")
    assert (span.parent_id, child.parent_id) == (TRACE, SPAN)
    assert not record(trace).ended


def test_a_version_without_a_start_began_when_its_id_says():
    assert entities.raw_span("span", 0, {"id": SPAN, "trace_id": TRACE}).start_ns == BEGAN_NS
    assert entities.raw_span("span", 0, {"id": "no uuid", "trace_id": TRACE}).start_ns is None
    told = {"id": SPAN, "trace_id": TRACE, "start_time": "2026-11-21T02:15:20Z"}
    change = entities.decode_patch(orjson.dumps({"trace_id": TRACE, "end_time": AT.format(2)}), "span", SPAN, 0).spans[
        0
    ]
    both = merged(record(change), record(entities.raw_span("span", 0, told)))
    assert (both.started_at.microsecond, both.duration_us) == (0, 2_036_945)


@pytest.mark.parametrize(
    ("said", "asked", "answered"),
    [
        ({"type": "general", "metadata": {"model": "a", "created_from": "openai"}}, "a", None),
        ({"type": "llm", "model": "a", "error_info": {"message": "no"}, "end_time": AT.format(2)}, "a", None),
        ({"type": "llm", "model": "b", "end_time": AT.format(2)}, None, "b"),
        ({"type": "llm", "metadata": {"model": "xgboost"}}, None, None),
        ({"type": "general", "model": "m"}, None, "m"),
    ],
)
def test_which_model_was_asked_and_which_answered(said, asked, answered):
    call = record(entities.raw_span("span", 0, {"id": SPAN, "trace_id": TRACE, "start_time": AT.format(1), **said}))
    assert (call.kind, call.model_requested, call.model) == ("llm", asked, answered)


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        *((word, word) for word in ("llm", "tool", "guardrail")),
        *((word, "other") for word in ("new word", ["llm"], None)),
        ("general", "chain"),
    ],
)
def test_the_kind_of_a_span(word, kind):
    assert record(entities.raw_span("span", 0, {"id": SPAN, "trace_id": TRACE, "type": word})).kind == kind


def test_what_nobody_named_is_no_service():
    named = [{"project_name": name, "id": TRACE} for name in ("shop", "Default Project")]
    assert [record(entities.raw_span("trace", 0, one)).service for one in named] == ["shop", None]


def test_a_file_that_was_taken_out_of_a_message_stands_in_it_by_its_name():
    left = "[input-attachment-8261-1795227312247-sdk.png]"
    content = [{"type": "text", "text": "See"}, {"type": "image_url", "image_url": {"url": left}}]
    call = {"id": SPAN, "trace_id": TRACE, "type": "llm", "input": {"messages": [{"role": "user", "content": content}]}}
    (message,) = record(entities.raw_span("span", 0, call)).payload.input
    name = left[1:-1]
    assert message["content"][1] == {
        "type": "image", "media_type": "image/png", "name": name, "media": attachments.file_name(SPAN, name),
    }  # fmt: skip


def test_scores_say_whose_they_are_and_the_same_name_is_the_same_score():
    body = orjson.dumps({"scores": [{"id": TRACE, "name": "good", "value": value} for value in (0, 1)]})
    (first, again), rejected = scores.decode(body, "traces")
    assert (first.score_id, rejected) == (again.score_id, [])
    (of_span,), _ = scores.decode(orjson.dumps({"scores": [{"id": TRACE, "name": "good", "value": 0}]}), "spans")
    assert of_span.score_id != first.score_id
    assert list(scores.taken_back(b'{"name": "good"}', "traces", TRACE)) == [first.score_id]


@pytest.mark.parametrize("body", [b"", b"1", b"[]", b"{}", b'{"names": 1}', b'{"thread_id": 1, "names": []}'])
def test_what_is_to_be_forgotten_must_be_told(body):
    with pytest.raises(Unreadable):
        list(scores.taken_back(body, "traces/threads", None))


@pytest.mark.parametrize("item", [1, {}, {"entity_id": TRACE}, {"entity_id": TRACE, "secondary_id": SPAN}, None])
def test_what_no_guardrail_said_is_refused(item):
    decoded = guardrails.decode(json.dumps({"guardrails": [item]}).encode())
    assert (decoded.spans, len(decoded.rejected)) == ([], 1)
