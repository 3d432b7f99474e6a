"""LangSmith's runs and feedback, decoded: pure, without a database."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.langsmith import BEGAN, CHILD, ENDED, MULTIPART, TRACE, feedback, multipart, parts, run
from tests.payloads import NOW
from traces.errors import Unreadable
from traces.ids import span_key, trace_key
from traces.normalise import normalise
from traces.wire import langsmith

BEGAN_NS, ENDED_NS = 1_795_227_043_446_119_000, 1_795_227_043_946_119_000
ROOT_ORDER = f"20261121T021043446119Z{TRACE}"
ORDER = f"{ROOT_ORDER}.20261121T021043551237Z{CHILD}"


def one(**members):
    """The span of one run."""
    sent = langsmith.of_run(json.dumps(run(**members)).encode())
    assert sent.rejected == []
    return sent.spans[0]


def record(**members):
    """What is kept of one run."""
    return normalise(one(**members), NOW)


def why(body):
    sent = langsmith.of_run(body)
    assert (sent.spans, len(sent.rejected)) == ([], 1)
    return sent.rejected[0].reason


# Ids and moments


@pytest.mark.parametrize(
    ("members", "trace_id", "parent_id"),
    [
        ({}, TRACE, None),
        ({"id": CHILD, "parent_run_id": TRACE}, TRACE, TRACE),
        ({"id": CHILD, "trace_id": None, "dotted_order": ORDER}, TRACE, TRACE),
        ({"id": CHILD, "trace_id": None, "parent_run_id": TRACE}, "", TRACE),
        ({"trace_id": None, "dotted_order": ROOT_ORDER}, TRACE, None),
        ({"trace_id": None, "dotted_order": "nonsense.Z"}, "", None),
        ({"trace_id": None, "dotted_order": 7}, "", None),
    ],
)
def test_trace_and_parent_are_said_or_stand_in_the_order(members, trace_id, parent_id):
    raw = one(**members)
    assert (raw.trace_id, raw.parent_id) == (trace_id, parent_id)


@pytest.mark.parametrize(
    ("start", "end", "order", "said"),
    [
        (BEGAN, None, None, (BEGAN_NS, None, BEGAN_NS)),
        (BEGAN, ENDED, None, (BEGAN_NS, ENDED_NS, ENDED_NS)),
        (BEGAN.replace("+00:00", ""), ENDED.replace("+00:00", "Z"), None, (BEGAN_NS, ENDED_NS, ENDED_NS)),
        (BEGAN_NS // 1_000_000, None, None, (1_795_227_043_446_000_000, None, 1_795_227_043_446_000_000)),
        (None, ENDED, ROOT_ORDER, (BEGAN_NS, ENDED_NS, ENDED_NS)),
        (None, ENDED, None, (None, ENDED_NS, ENDED_NS)),
        (None, None, None, (None, None, 0)),
        ("yesterday", "NaN", None, (None, None, 0)),
    ],
)
def test_a_version_is_said_at_its_end_or_else_at_its_start(start, end, order, said):
    raw = one(start_time=start, end_time=end, dotted_order=order)
    assert (raw.start_ns, raw.end_ns, raw.said_at_ns) == said
    assert raw.start_may_change


def test_a_moment_that_cannot_be_read_is_kept():
    assert one(start_time="yesterday").attributes["langsmith.start_time"] == "yesterday"


def test_a_run_that_has_not_ended_is_open():
    assert not record().ended
    assert record(end_time=ENDED).ended
    assert record(end_time=ENDED).duration_us == 500_000


# What a run says


@pytest.mark.parametrize(
    ("run_type", "kind"),
    [
        ("llm", "llm"), ("chain", "chain"), ("tool", "tool"), ("retriever", "retrieval"), ("embedding", "embedding"),
        ("prompt", "chain"), ("parser", "parser"), ("LLM", "llm"), ("new-one", "other"), (7, "other"),
    ],
)  # fmt: skip
def test_kinds(run_type, kind):
    assert record(run_type=run_type).kind == kind


@pytest.mark.parametrize("run_type", ["prompt", "new-one"])
def test_a_word_that_says_more_than_its_kind_is_kept(run_type):
    assert record(run_type=run_type).payload.attributes["langsmith.span.kind"] == run_type


def test_null_and_the_empty_contents_of_a_post_say_nothing():
    nulls = dict.fromkeys(("name", "run_type", "trace_id", "tags", "extra", "session_name", "inputs", "error"))
    empty = record(**nulls, outputs={}, events=[], start_time=None, dotted_order=None)
    assert (empty.name, empty.kind, empty.tags, empty.service, empty.status) == ("", "other", None, None, "unset")
    assert (empty.payload.input, empty.payload.output, empty.payload.events) == (None, None, None)
    assert empty.payload.attributes == {}
    assert "kind" not in one(**nulls).fields


@pytest.mark.parametrize(
    ("outputs", "output"),
    [
        ({"output": "21C"}, "21C"),
        ({"output": {"a": 1}}, {"a": 1}),
        ({"output": 0}, 0),
        ({"output": None}, None),
        ({"a": 1, "output": 2}, {"a": 1, "output": 2}),
        ({"output": [["user", "Hi"]]}, [{"role": "user", "content": "Hi"}]),
        ({"messages": [{"type": "human", "content": "Hi"}]}, [{"role": "user", "content": "Hi"}]),
        ("text", "text"),
        ([1, 2], [1, 2]),
    ],
)
def test_what_a_function_gave_is_shown_without_its_wrapping(outputs, output):
    assert record(outputs=outputs).payload.output == output


@pytest.mark.parametrize(
    ("outputs", "answer"),
    [
        ({"choices": [{"message": {"role": "assistant", "content": "Hi"}}]}, "Hi"),
        ({"role": "assistant", "content": "Hi"}, "Hi"),
        ({"output": {"role": "assistant", "content": "Hi"}}, "Hi"),
        ({"message": {"role": "assistant", "content": "Hi"}}, "Hi"),
        ({"messages": [{"role": "assistant", "content": "Hi"}]}, "Hi"),
        ({"type": "message", "role": "assistant", "content": [{"type": "text", "text": "Hi"}]}, "Hi"),
        ({"generations": [[{"text": "Hi", "generation_info": None}]]}, "Hi"),
        ({"generations": [{"text": "Hi"}], "llm_output": {"model_name": "m"}}, "Hi"),
    ],
)
def test_answers_in_any_form_are_messages(outputs, answer):
    (message,) = record(run_type="llm", outputs=outputs).payload.output
    assert (message["role"], message["content"]) == ("assistant", answer)


@pytest.mark.parametrize(
    ("metadata", "field", "value"),
    [
        ({"session_id": "s"}, "session_id", "s"),
        ({"thread_id": "s"}, "session_id", "s"),
        ({"conversation_id": 7}, "session_id", "7"),
        ({"thread_id": "t", "session_id": "s"}, "session_id", "s"),
        ({"user_id": "u"}, "user_id", "u"),
        ({"request_id": "r"}, "request_id", "r"),
        ({"requestId": "r"}, "request_id", "r"),
        ({"feature": "f"}, "feature", "f"),
        ({"prompt_version": 3}, "prompt_version", "3"),
        ({"lc_hub_repo": "p", "lc_hub_commit_hash": "c0ffee"}, "prompt_version", "c0ffee"),
        ({"lc_hub_repo": "p"}, "prompt_name", "p"),
        ({"revision_id": "v1-2-g3"}, "release", "v1-2-g3"),
        ({"ls_provider": "OpenAI"}, "provider", "openai"),
        ({"ls_retriever_name": "kb"}, "retriever_name", "kb"),
    ],
)
def test_metadata_becomes_fields(metadata, field, value):
    kept = record(extra={"metadata": {**metadata, "own": [1]}, "runtime": {"sdk": "x"}})
    assert getattr(kept, field) == value
    assert kept.payload.attributes["langsmith.metadata.own"] == [1]
    assert kept.payload.attributes["langsmith.span.runtime"] == {"sdk": "x"}


def test_what_no_field_takes_is_kept_under_its_own_name():
    kept = record(
        reference_example_id="e", session_id="p", serialized={"name": "n"}, extra={"batch_size": 2, "x": None}
    )
    assert kept.payload.attributes == {
        "langsmith.reference_example_id": "e", "langsmith.trace.session_id": "p", "langsmith.serialized": {"name": "n"},
        "langsmith.extra.batch_size": 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    "where",
    [
        lambda usage: {"outputs": {"usage_metadata": usage}},
        lambda usage: {"extra": {"metadata": {"usage_metadata": usage}}},
        lambda usage: {"outputs": {"generations": [[{"message": {"kwargs": {"usage_metadata": usage}}}]]}},
        lambda usage: {"outputs": {"generations": [[{"message": {"usage_metadata": usage}}]]}},
    ],
)
def test_usage_is_taken_from_wherever_it_stands(where):
    details = {"input_token_details": {"cache_read": 3, "cache_creation": 4}, "output_token_details": {"reasoning": 2}}
    kept = record(run_type="llm", **where({"input_tokens": 10, "output_tokens": 5, "total_cost": 0.003, **details}))
    told = (kept.input_tokens, kept.output_tokens, kept.cache_read_tokens, kept.cache_write_tokens)
    assert (*told, kept.reasoning_tokens, str(kept.cost_usd)) == (10, 5, 3, 4, 2, "0.003")


@pytest.mark.parametrize("tokens", ["NaN", -1, 2**70, [1], None, True, 1.5])
def test_tokens_that_are_no_count_are_unknown(tokens):
    kept = record(run_type="llm", outputs={"usage_metadata": {"input_tokens": tokens, "output_tokens": 5}})
    assert (kept.input_tokens, kept.output_tokens) == (None, 5)


@pytest.mark.parametrize(
    ("error", "message", "kind"),
    [
        ("ValueError('x')\n\nTraceback (most recent call last):\n  File", "ValueError('x')", "ValueError"),
        (
            "httpx.ReadTimeout: slow\nTraceback (most recent call last):\n",
            "httpx.ReadTimeout: slow",
            "httpx.ReadTimeout",
        ),
        ("late error", "late error", None),
        ("Traceback (most recent call last):\nE", "Traceback (most recent call last):\nE", None),
        ({"code": 7}, '{"code":7}', None),
    ],
)
def test_an_error_is_told_without_its_traceback_which_is_kept(error, message, kind):
    kept = record(error=error, end_time=ENDED)
    assert (kept.status, kept.status_message) == ("error", message)
    details = kept.payload.events[0]["attributes"] if kept.payload.events else {}
    assert details.get("exception.type") == kind
    assert ("exception.stacktrace" in details) == ("Traceback" in str(error))


def test_the_first_token_is_the_first_of_those_that_came():
    events = [{"name": "start", "time": BEGAN}, *({"name": "new_token", "time": at} for at in (ENDED, BEGAN))]
    assert record(run_type="llm", events=[*events, {"name": "new_token"}]).time_to_first_token_us == 0
    kept = record(run_type="llm", events=[{"name": "new_token", "time": ENDED, "kwargs": {"token": "Hi"}}])
    assert kept.time_to_first_token_us == 500_000
    assert kept.payload.events[0]["attributes"] == {"kwargs": {"token": "Hi"}}


# Bodies


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"[]", "runs[0]: this is no JSON object."),
        (b"{}", 'runs[0]: it has no "id".'),
        (b'{"id": 7}', 'runs[0]: "id" is 7; write a UUID.'),
        (b'{"id": "%s"}' % (b"x" * 3_000), 'runs[0]: "id" is 3,000 characters long; write a UUID.'),
        (b'{"id": "a", "trace_id": []}', 'runs[0]: "trace_id" is []; write a UUID.'),
    ],
)
def test_what_cannot_be_a_run_is_told(body, reason):
    assert why(body) == reason


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 1_000])
def test_a_body_that_is_no_json_is_unreadable(body):
    for decode in (langsmith.of_run, langsmith.of_batch, langsmith.of_feedback):
        with pytest.raises(Unreadable):
            decode(body)


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"post": {}, "patch": 7}', b'{"post": []}'])
def test_a_batch_without_runs_is_unreadable(body):
    with pytest.raises(Unreadable, match="no runs"):
        langsmith.of_batch(body)


def test_the_address_says_which_run_is_patched():
    assert langsmith.of_run(json.dumps(run(id="other")).encode(), CHILD).spans[0].span_id == CHILD


def test_parts_are_put_together_to_runs():
    begun = run(inputs={"q": 1}, outputs={}, events=[], extra={"metadata": {"user_id": "u"}}, error="E", serialized={})
    sent = langsmith.of_multipart(multipart(*parts("post", begun)), MULTIPART)
    assert sent.spans == langsmith.of_run(json.dumps(begun).encode()).spans


def test_each_version_of_a_run_is_one_of_its_own():
    versions = [("post", run(inputs={"q": 1})), ("patch", run(tags=["a"])), ("patch", run(tags=["b"], error="E"))]
    some = [part for op, version in versions for part in parts(op, version)]
    sent = langsmith.of_multipart(multipart(*some), MULTIPART)
    assert [raw.fields.get("tags") for raw in sent.spans] == [None, ["a"], ["b"]]
    assert [raw.index for raw in sent.spans] == [0, 1, 2]
    assert sent.spans[2].status == "error"


def test_members_of_a_run_may_come_before_it():
    first, *others = parts("post", run(inputs={"q": 1}))
    (raw,) = langsmith.of_multipart(multipart(*others, first), MULTIPART).spans
    assert (raw.name, raw.attributes["langsmith.inputs"]) == ("answer", {"q": 1})


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ((f"post.{CHILD}.inputs", "", b"{"), f"runs[1]: the part 'post.{CHILD}.inputs' cannot be read. The JSON"),
        ((f"post.{CHILD}", "", b"[]"), f"runs[1]: the part 'post.{CHILD}' is no JSON object."),
        ((f"attachment.{CHILD}.a", "", b"x"), f"runs[1]: the part 'attachment.{CHILD}.a' comes before its run."),
        (("feedback.x", "", b"{"), "feedback[1]: the part 'feedback.x' cannot be read. The JSON"),
        (("feedback.x", "", b"{}"), "feedback[1]: it is of no run; write a run_id or a trace_id."),
        (("post.", "", b"{}"), "runs[1]: the part 'post.' is no run, attachment or feedback."),
        (("", "", b"{}"), "runs[1]: the part '' is no run, attachment or feedback."),
        (("x" * 5_000, "", b"{}"), f"runs[1]: the part '{'x' * 200}' is no run"),
    ],
)
def test_a_bad_part_costs_only_its_run(bad, reason):
    body = multipart(*parts("post", run()), bad, *parts("patch", run(end_time=ENDED)))
    sent = langsmith.of_multipart(body, MULTIPART)
    assert [raw.index for raw in sent.spans] == [0, 2]
    (rejection,) = sent.rejected
    assert rejection.index == 1
    assert rejection.reason.startswith(reason)


def test_no_parts_are_unreadable():
    with pytest.raises(Unreadable, match="no parts"):
        langsmith.of_multipart(multipart(), MULTIPART)


def test_attachments_are_of_the_version_that_they_came_with():
    picture = (f"attachment.{TRACE}.photo", "Image/PNG; length=3", b"\0\xff\r")
    sent = langsmith.of_multipart(
        multipart(*parts("post", run()), *parts("patch", run(end_time=ENDED)), picture), MULTIPART
    )
    ((place, attachment),) = sent.attachments
    assert (place, attachment.name, attachment.media_type, attachment.data) == (1, "photo", "image/png", b"\0\xff\r")


def test_a_body_tells_the_traces_of_its_other_runs():
    told = run(trace_id=None, id=CHILD, parent_run_id=TRACE)
    grandchild = run(trace_id=None, id="g", parent_run_id=CHILD)
    patched = {"id": CHILD, "trace_id": None, "end_time": ENDED}
    sent = langsmith.of_batch(json.dumps({"post": [run(), told, grandchild], "patch": [patched]}).encode())
    assert [raw.trace_id for raw in sent.spans] == [TRACE] * 4


# Feedback


def score(**members):
    sent = langsmith.of_feedback(json.dumps(feedback(**members)).encode())
    assert sent.rejected == []
    return sent.scores[0]


@pytest.mark.parametrize(
    ("members", "data_type", "number", "text"),
    [
        ({"score": 0.9}, "numeric", 0.9, None),
        ({"score": 1, "value": "good"}, "numeric", 1.0, None),
        ({"score": True}, "boolean", 1.0, None),
        ({"score": None, "value": "good"}, "categorical", None, "good"),
        ({"score": None, "value": 3}, "numeric", 3.0, None),
        ({"score": None, "value": {"a": 1}}, "text", None, '{"a":1}'),
        ({"score": None, "comment": "nice"}, "text", None, "nice"),
        ({"score": None, "correction": {"a": 1}}, "text", None, '{"a":1}'),
    ],
)
def test_a_feedback_s_value_is_its_score_else_whatever_it_says(members, data_type, number, text):
    kept = score(**members)
    assert (kept.data_type, kept.number, kept.text) == (data_type, number, text)


@pytest.mark.parametrize(
    ("run_id", "trace_id", "target"),
    [
        (TRACE, TRACE, (trace_key(TRACE), None)),
        (None, TRACE, (trace_key(TRACE), None)),
        (CHILD, TRACE, (trace_key(TRACE), span_key(CHILD))),
        (CHILD, None, (None, span_key(CHILD))),
    ],
)
def test_feedback_is_of_its_run_or_of_the_trace_whose_root_that_is(run_id, trace_id, target):
    kept = score(run_id=run_id, trace_id=trace_id)
    assert (kept.trace_id, kept.span_id) == target


@pytest.mark.parametrize(
    ("source", "by"), [("api", "code"), ("model", "judge"), ("app", "member"), ("new", "code"), (7, "code")]
)
def test_who_gave_it(source, by):
    assert score(feedback_source={"type": source}).source == by


def test_a_feedback_keeps_its_id_its_moment_and_the_rest():
    kept = score(comment="nice", correction={"a": 1}, value="good", created_at=BEGAN)
    assert kept.id_text == str(feedback()["id"])
    assert kept.given_at.isoformat() == ENDED
    assert (kept.comment, kept.metadata["correction"], kept.metadata["value"]) == ("nice", {"a": 1}, "good")
    assert kept.metadata["feedback_source"] == {"type": "api", "metadata": {}}


@pytest.mark.parametrize(
    "members", [{"key": None}, {"key": 7.5, "score": None}, {"run_id": None, "trace_id": None}, {"run_id": {"a": 1}}]
)
def test_what_is_no_feedback_is_told(members):
    sent = langsmith.of_feedback(json.dumps(feedback(**members)).encode())
    assert (sent.scores, len(sent.rejected)) == ([], 1)


# Whatever comes

_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text() | st.sampled_from([TRACE, ORDER, BEGAN, ENDED]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_WORDS = """
    id trace_id parent_run_id dotted_order name run_type start_time end_time inputs outputs error events tags extra
    serialized session_name run_id key score value comment
"""
_MEMBERS = st.sampled_from(_WORDS.split())


@given(st.dictionaries(_MEMBERS, _JSON))
def test_any_members_are_a_record_or_a_sentence(members):
    body = json.dumps({**run(), **members}).encode()
    for sent in (langsmith.of_run(body), langsmith.of_feedback(body)):
        assert len(sent.spans) + len(sent.scores) + len(sent.rejected) == 1
        for raw in sent.spans:
            normalise(raw, NOW)
