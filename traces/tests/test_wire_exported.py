"""What Phoenix and Langfuse export is read as what was sent to them."""

import csv
import json
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO

import pytest

from tests.payloads import FOLDER, records
from traces.normalise import normalise
from traces.wire.exported import FORMATS, langfuse, phoenix, recognised
from traces.wire.jsontext import loads
from traces.wire.pieces import Place, splitter
from traces.wire.plain_values import Refused

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
EXPORTS = FOLDER / "exports"
SENT = ["openinference.rag.pb", "openinference.agent.pb", "openinference.err429.pb", "openinference.emb.pb"]
SAME = (
    "kind", "name", "status", "failure", "model", "model_requested", "provider", "input_tokens", "output_tokens",
    "cache_read_tokens", "reasoning_tokens", "session_id", "user_id", "request_id", "tags", "finish_reason",
    "prompt_version", "tool_name", "parent_id",
)  # fmt: skip


def read(name):
    """The values of a file, and what they hold, by the format that is recognised."""
    body = (EXPORTS / name).read_bytes()
    values = [piece.value for piece in splitter(body)(BytesIO(body), Place())]
    formats = {recognised(value) for value in values}
    (name,) = formats
    return [FORMATS[name].read(value) for value in values]


def normalised(found):
    return {record.span_id: record for one in found for record in (normalise(raw, NOW) for raw in one.spans)}


@pytest.mark.parametrize("name", ["phoenix.spans.json", "phoenix.frame.jsonl", "phoenix.frame.csv"])
def test_what_phoenix_exports_is_what_was_sent_to_it(name):
    """Phoenix 20.26 was sent recorded bodies; these are what its REST interface and its client gave back."""
    found = read(name)
    assert not [one.refused for one in found if one.refused]
    sent = {record.span_id: record for body in SENT for record in records(body)}
    exported = normalised(found)
    assert exported.keys() == sent.keys()
    for span_id, record in sent.items():
        other = exported[span_id]
        assert {name: getattr(other, name) for name in SAME} == {name: getattr(record, name) for name in SAME}
        assert other.trace_id == record.trace_id
        assert abs(other.started_at - record.started_at).total_seconds() < 0.001
        for part in ("input", "output", "tools", "documents", "parameters"):
            assert getattr(other.payload, part) == getattr(record.payload, part), (record.name, part)


def test_annotations_of_phoenix_are_scores():
    scores = {score.name: score for one in read("phoenix.spans.json") for score in one.scores}
    assert (scores["correctness"].number, scores["correctness"].source) == (0.9, "judge")
    assert scores["correctness"].comment == "It says what the document says."
    assert scores["correctness"].metadata == {"label": "correct"}
    assert (scores["tone"].text, scores["tone"].source, scores["tone"].data_type) == ("kind", "member", "categorical")


def test_a_trace_of_the_command_line_is_its_spans():
    spans = json.loads((EXPORTS / "phoenix.spans.json").read_text())[:2]
    whole = {"traceId": spans[0]["context"]["trace_id"], "spans": spans, "rootSpan": spans[0], "status": "OK"}
    assert recognised(whole) == "phoenix"
    assert len(phoenix.read(whole).spans) == 2


@pytest.mark.parametrize(
    "value",
    [
        {"context": {"trace_id": 7, "span_id": None}},
        {"context": {"trace_id": "t", "span_id": "s"}, "start_time": "yesterday"},
        {"context.trace_id": "t"},
    ],
)
def test_a_span_of_phoenix_that_cannot_be_read_is_refused(value):
    found = phoenix.read(value)
    assert not found.spans
    assert len(found.refused) == 1


def test_python_notation_that_is_none_stays_text():
    deep = "[" * 5_000 + "]" * 5_000
    for cell in ("[datetime.datetime(2024, 1, 1)]", "{oops", deep, "[" + "1," * 600_000 + "]"):
        value = {"context.trace_id": "t", "context.span_id": "s", "attributes.llm.tools": cell}
        assert phoenix.read(value).spans[0].attributes["llm.tools"] == cell


# --- Langfuse

TRACE_ROW = {
    "id": "tr-1", "timestamp": "2026-11-20 13:46:19.963000", "name": "answer", "environment": "production",
    "project_id": "p", "metadata": {"request_id": "req-1", "plan": "gold"}, "user_id": "anna", "session_id": "s-1",
    "release": "v7", "version": "2", "public": False, "bookmarked": False, "tags": ["vip"], "input": '{"q":"Where?"}',
    "output": "Here.",
}  # fmt: skip
OBSERVATION_ROW = {
    "id": "ob-1", "trace_id": "tr-1", "project_id": "p", "environment": "production", "type": "GENERATION",
    "parent_observation_id": None, "start_time": "2026-11-20 13:46:20.000000", "end_time": "2026-11-20 13:46:21.500000",
    "name": "ask", "metadata": {"attempt": "1"}, "level": "DEFAULT", "status_message": None, "version": None,
    "input": '[{"role":"user","content":"Where?"}]', "output": '{"role":"assistant","content":"Here."}',
    "provided_model_name": "gpt-4o-mini-2024-07-18", "model_parameters": '{"temperature":0.2}',
    "usage_details": {"input": 56, "input_cached_tokens": 64, "output": 12, "output_reasoning_tokens": 5, "total": 137},
    "cost_details": {"input": 0.00001, "output": 0.00002, "total": 0.00003},
    "completion_start_time": "2026-11-20 13:46:20.400000", "prompt_name": "refund", "prompt_version": 12,
}  # fmt: skip
SCORE_ROW = {
    "id": "sc-1", "timestamp": "2026-11-20 14:00:00.000000", "project_id": "p", "environment": "default",
    "trace_id": "tr-1", "observation_id": "ob-1", "session_id": None, "name": "helpful", "value": 1,
    "source": "ANNOTATION", "comment": "Good", "data_type": "BOOLEAN", "string_value": "True",
}  # fmt: skip
# The same as its pages write it; in a CSV every value is text.
OBSERVATION_OF_PAGES = {
    "id": "ob-1", "traceId": "tr-1", "projectId": "p", "type": "GENERATION", "parentObservationId": None,
    "environment": "production", "startTime": "2026-11-20T13:46:20.000Z", "endTime": "2026-11-20T13:46:21.500Z",
    "name": "ask", "metadata": {"attempt": "1"}, "level": "DEFAULT", "statusMessage": None, "version": None,
    "input": [{"role": "user", "content": "Where?"}], "output": {"role": "assistant", "content": "Here."},
    "model": "gpt-4o-mini-2024-07-18", "modelParameters": {"temperature": 0.2},
    "usageDetails": OBSERVATION_ROW["usage_details"], "costDetails": OBSERVATION_ROW["cost_details"],
    "completionStartTime": "2026-11-20T13:46:20.400Z", "promptName": "refund", "promptVersion": 12, "latency": 1.5,
    "traceName": "answer", "traceTags": ["vip"], "traceTimestamp": "2026-11-20T13:46:19.963Z", "userId": "anna",
    "toolCallNames": ["look"], "comments": [], "accuracy": [0.75], "tone": None, "verdict": ["good"],
}  # fmt: skip


def one(value):
    assert recognised(value) == "langfuse"
    return langfuse.read(value)


def cells(row):
    return {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in row.items() if value is not None
    }


@pytest.mark.parametrize(
    "row", [OBSERVATION_ROW, OBSERVATION_OF_PAGES, cells(OBSERVATION_ROW), cells(OBSERVATION_OF_PAGES)]
)
def test_an_observation_is_a_model_call_with_all_that_was_said_of_it(row):
    record = normalise(one(row).spans[-1], NOW)
    assert (record.kind, record.name, record.status) == ("llm", "ask", "unset")
    assert (record.trace_text, record.span_text, record.parent_text) == ("tr-1", "ob-1", "tr-1")
    assert record.model == "gpt-4o-mini-2024-07-18"
    assert (record.input_tokens, record.cache_read_tokens) == (120, 64)
    assert (record.output_tokens, record.reasoning_tokens) == (17, 5)
    assert (record.cost_usd, record.cost_source) == (Decimal("0.00003"), "sent")
    assert (record.duration_us, record.time_to_first_token_us) == (1_500_000, 400_000)
    assert (record.prompt_name, record.prompt_version, record.environment) == ("refund", "12", "production")
    assert record.payload.parameters == {"temperature": 0.2}
    assert [message["content"] for message in record.payload.input] == ["Where?"]
    assert [message["content"] for message in record.payload.output] == ["Here."]
    assert record.started_at == datetime(2026, 11, 20, 13, 46, 20, tzinfo=UTC)


def test_a_trace_is_the_span_above_its_observations_and_not_open():
    record = normalise(one(TRACE_ROW).spans[0], NOW)
    assert (record.kind, record.name, record.parent_id, record.ended) == ("chain", "answer", None, True)
    assert record.span_id == normalise(one(OBSERVATION_ROW).spans[0], NOW).parent_id
    assert (record.user_id, record.session_id, record.request_id) == ("anna", "s-1", "req-1")
    assert (record.release, record.environment, record.tags) == ("v7", "production", ["vip"])
    assert record.payload.input == {"q": "Where?"}
    assert record.payload.output == "Here."


def test_a_trace_of_the_pages_has_an_end_and_scores_beside_it():
    row = {
        "id": "tr-1", "timestamp": "2026-11-20T13:46:19.963Z", "name": "answer", "userId": "anna", "sessionId": None,
        "tags": [], "latency": 1.5, "usage": {"promptTokens": 120}, "level": "DEFAULT", "accuracy": [0.5, 1],
    }  # fmt: skip
    found = one(row)
    record = normalise(found.spans[0], NOW)
    assert (record.duration_us, record.user_id, record.input_tokens) == (1_500_000, "anna", None)
    assert [(score.name, score.number, score.span_id) for score in found.scores] == [
        ("accuracy", 0.5, None),
        ("accuracy", 1.0, None),
    ]


def test_the_columns_of_scores_beside_an_observation_are_scores():
    scores = one(OBSERVATION_OF_PAGES).scores
    assert [(score.name, score.number, score.text) for score in scores] == [
        ("accuracy", 0.75, None),
        ("verdict", None, "good"),
    ]
    assert {score.span_text for score in scores} == {"ob-1"}
    assert [score.score_id for score in scores] == [score.score_id for score in one(OBSERVATION_OF_PAGES).scores]


def test_an_enriched_observation_without_a_parent_is_the_top():
    enriched = OBSERVATION_ROW | {"trace_name": "answer", "user_id": "anna", "session_id": "s-1", "tags": ["vip"]}
    (raw,) = one(enriched).spans
    record = normalise(raw, NOW)
    assert record.parent_id is None
    assert (record.user_id, record.session_id, record.tags) == ("anna", "s-1", ["vip"])


def test_a_failed_observation_failed():
    row = OBSERVATION_ROW | {"level": "ERROR", "status_message": "Rate limit reached", "cost_details": {"total": 0}}
    record = normalise(one(row).spans[0], NOW)
    assert (record.status, record.status_message, record.cost_usd) == ("error", "Rate limit reached", None)
    assert record.failure == "rate_limited"


@pytest.mark.parametrize(
    ("usage", "total_in"),
    [
        ({"input": 10, "output": 5, "cache_read_input_tokens": 90, "total": 105}, 100),  # beside the input
        ({"input": 100, "output": 5, "cache_read_input_tokens": 90, "total": 105}, 100),  # in it
        ({"input": "12", "output": "x", "total": -1}, 12),
    ],
)
def test_input_tokens_include_those_of_a_cache(usage, total_in):
    assert normalise(one(OBSERVATION_ROW | {"usage_details": usage}).spans[0], NOW).input_tokens == total_in


@pytest.mark.parametrize(
    ("said", "data_type", "number", "text", "source"),
    [
        ({}, "boolean", 1.0, None, "member"),
        ({"data_type": "NUMERIC", "value": "0.5", "source": "EVAL"}, "numeric", 0.5, None, "judge"),
        (
            {"data_type": "CATEGORICAL", "value": None, "string_value": "good", "source": "API"},
            "categorical", None, "good", "code",
        ),
    ],
)  # fmt: skip
def test_rows_of_scores_are_scores(said, data_type, number, text, source):
    (score,) = one(SCORE_ROW | said).scores
    assert (score.data_type, score.number, score.text, score.source) == (data_type, number, text, source)
    assert (score.trace_text, score.span_text, score.comment) == ("tr-1", "ob-1", "Good")
    assert score.given_at == datetime(2026, 11, 20, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    "row",
    [
        OBSERVATION_ROW | {"trace_id": 7},
        OBSERVATION_ROW | {"id": " "},
        OBSERVATION_ROW | {"start_time": "yesterday"},
        SCORE_ROW | {"value": {"a": 1}, "data_type": "NUMERIC"},
        SCORE_ROW | {"name": ""},
        {"id": "x", "a": 1},
    ],
)
def test_a_row_that_cannot_be_read_is_refused(row):
    with pytest.raises(Refused):
        langfuse.read(row)


VALUES = [None, 7, "x", "\ud800", "\0", [], {}, [[1]], {"a": {"b": [None]}}, 1e308, -1, 10**30, True, float("nan")]
HOSTILE = [loads(json.dumps(value)) for value in VALUES]  # as they come out of a file


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("base", [TRACE_ROW, OBSERVATION_ROW, SCORE_ROW, OBSERVATION_OF_PAGES])
def test_whatever_stands_in_a_column_the_row_is_taken_or_refused(base, value):
    for column in base:
        try:
            for raw in langfuse.read(base | {column: value}).spans:
                normalise(raw, NOW)
        except Refused:
            continue


@pytest.mark.parametrize("value", HOSTILE)
def test_whatever_stands_in_a_span_of_phoenix_it_is_taken_or_refused(value):
    span = json.loads((EXPORTS / "phoenix.spans.json").read_text())[4]
    with (EXPORTS / "phoenix.frame.csv").open() as file:
        row = {key: cell for key, cell in list(csv.DictReader(file))[2].items() if cell}
    for base in (span, row):
        for column in base:
            for raw in phoenix.read(base | {column: value}).spans:
                normalise(raw, NOW)
