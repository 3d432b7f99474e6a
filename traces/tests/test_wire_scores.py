"""What a score may say, and what becomes of it."""

import json
from datetime import UTC, datetime

import pytest

from traces import ids
from traces.wire.scores import LONGEST_NAME, decode

JSON = "application/json"


def one(**fields):
    """The one score of a body, or the reason why there is none."""
    scores, rejected = decode(json.dumps({"name": "good", "value": 1, "trace_id": "t", **fields}).encode(), JSON)
    return scores[0] if scores else rejected[0].reason


@pytest.mark.parametrize(
    ("fields", "data_type", "number", "text"),
    [
        ({"value": 0.25}, "numeric", 0.25, None),
        ({"value": 5}, "numeric", 5.0, None),
        ({"value": -3, "data_type": "NUMERIC"}, "numeric", -3.0, None),
        ({"value": True}, "boolean", 1.0, None),
        ({"value": False}, "boolean", 0.0, None),
        ({"value": 1.0, "data_type": "BOOLEAN"}, "boolean", 1.0, None),
        ({"value": "false", "data_type": "boolean"}, "boolean", 0.0, None),
        ({"value": "helpful"}, "categorical", None, "helpful"),
        ({"value": ""}, "categorical", None, ""),
        ({"value": 3, "data_type": "categorical"}, "categorical", None, "3"),
        ({"value": True, "data_type": "categorical"}, "categorical", None, "true"),
        ({"value": "two\nlines"}, "text", None, "two\nlines"),
        ({"value": "x" * 201}, "text", None, "x" * 201),
        ({"value": "short", "data_type": "Text"}, "text", None, "short"),
        ({"value": "a\0b"}, "categorical", None, "ab"),
    ],
)
def test_a_value_is_a_number_or_a_text(fields, data_type, number, text):
    score = one(**fields)
    assert (score.data_type, score.number, score.text) == (data_type, number, text)


@pytest.mark.parametrize(
    ("fields", "target"),
    [
        ({"trace_id": "A" * 32}, {"trace_id": b"\xaa" * 16, "trace_text": "A" * 32}),
        ({"trace_id": "order 7"}, {"trace_id": ids.trace_key("order 7"), "trace_text": "order 7"}),
        ({"trace_id": "b" * 32, "span_id": "c" * 16}, {"trace_id": b"\xbb" * 16, "span_id": b"\xcc" * 8}),
        ({"trace_id": None, "span_id": 17}, {"span_id": ids.span_key("17"), "span_text": "17", "trace_id": None}),
        ({"trace_id": "", "session_id": " s-1 "}, {"session_id": "s-1", "trace_id": None}),
        ({"trace_id": None, "request_id": "req\0-1"}, {"request_id": "req-1"}),
    ],
)
def test_a_score_is_of_one_thing(fields, target):
    score = one(**fields)
    assert {name: getattr(score, name) for name in target} == target


@pytest.mark.parametrize(
    ("fields", "source"),
    [({}, "code"), ({"source": "user"}, "user"), ({"source": "LLM_JUDGE"}, "judge"), ({"source": "HUMAN"}, "user")],
)
def test_a_score_says_who_gave_it(fields, source):
    assert one(**fields).source == source


@pytest.mark.parametrize(
    ("said", "moment"),
    [
        ("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        (1_769_860_800_000, datetime(2026, 1, 31, 12, tzinfo=UTC)),
        (None, None),
    ],
)
def test_a_score_may_say_when_it_was_given(said, moment):
    assert one(timestamp=said).given_at == moment


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"name": None}, 'scores[0]: "name" is null; write a string.'),
        ({"name": " "}, 'scores[0]: "name" is 0 characters long; write 1 to 500.'),
        ({"name": "x" * (LONGEST_NAME + 1)}, 'scores[0]: "name" is 501 characters long; write 1 to 500.'),
        ({"value": None}, 'scores[0]: "value" is null; write a number, true, false, or a string.'),
        ({"value": [1]}, 'scores[0]: "value" is [1]; write a number, true, false, or a string.'),
        ({"value": "much", "data_type": "numeric"}, 'scores[0]: "value" is "much"; write a number.'),
        ({"value": float("nan"), "data_type": "numeric"}, 'scores[0]: "value" is "NaN"; write a number.'),
        ({"value": 2, "data_type": "boolean"}, 'scores[0]: "value" is 2; write true or false.'),
        (
            {"data_type": "stars"},
            'scores[0]: "data_type" is "stars"; write one of numeric, boolean, categorical, text.',
        ),
        ({"source": "boss"}, 'scores[0]: "source" is "boss"; write one of user, judge, code, member.'),
        (
            {"trace_id": None},
            "scores[0]: it says not what it is of; write one of trace_id, span_id, session_id, request_id.",
        ),
        (
            {"session_id": "s"},
            "scores[0]: it is of trace_id and session_id; write one of them, and send a score for each.",
        ),
        ({"trace_id": "x" * 2_001}, 'scores[0]: "trace_id" is 2,001 characters long; write at most 2,000.'),
        ({"metadata": "x"}, 'scores[0]: "metadata" is "x"; write a JSON object.'),
        ({"comment": {}}, 'scores[0]: "comment" is {}; write a string.'),
        ({"timestamp": 1e18}, None),
        ({"timestamp": -1e18}, None),
        ({"timestamp": "yesterday"}, None),
    ],
)
def test_what_cannot_be_taken_is_refused_with_its_cure(fields, reason):
    found = one(**fields)
    if reason is None:
        assert not isinstance(found, str) or found.startswith('scores[0]: "timestamp" is ')
    else:
        assert found == reason


def test_what_no_field_takes_is_kept_in_the_metadata():
    assert one(environment="prod", metadata={"rater": 7}).metadata == {"environment": "prod", "rater": 7}


def test_the_same_id_is_the_same_score_however_it_is_spelled():
    spellings = ("01890a5d-ac96-774b-bcce-b302099a8057", "01890A5DAC96774BBCCEB302099A8057")
    assert len({one(id=spelled).score_id for spelled in spellings}) == 1


def test_without_an_id_the_same_record_is_the_same_score():
    assert one(comment="a").score_id == one(comment="a").score_id
    assert one(comment="a").score_id != one(comment="b").score_id


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b'{"name": "a", "value": 1, "trace_id": "t"}', JSON),
        (b'[{"name": "a", "value": 1, "trace_id": "t"}]', JSON),
        (b'[{"name": "a", "value": 1, "trace_id": "t"}]', "application/x-www-form-urlencoded"),
        (b'{"name": "a", "value": 1, "trace_id": "t"}\n\n', "application/x-ndjson"),
    ],
)
def test_one_a_list_or_lines(body, content_type):
    scores, rejected = decode(body, content_type)
    assert [score.name for score in scores] == ["a"]
    assert rejected == []


def test_a_bad_line_costs_only_itself():
    scores, rejected = decode(b'{"name": "a", "value": 1, "trace_id": "t"}\n{\n7', "application/x-ndjson")
    assert len(scores) == 1
    assert [refusal.index for refusal in rejected] == [1, 2]
