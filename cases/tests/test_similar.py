"""What counts as similar: what the traces of a case share, as a line, and the line in words."""

import pytest
from django.utils import timezone

from cases.similar import headline_of, line_from, words_of
from tests import make
from traces.queries.spans import StoredSpan
from traces.search.grammar import LONGEST, parse


def spans(*records):
    now = timezone.now()
    at = int(now.timestamp() * 1_000_000)
    return [StoredSpan(record, now, now, 0, at + place, at) for place, record in enumerate(records)]


def failed(kind="parser", failure="parser_failed", **fields):
    root = make.span(feature="refund", status="error", failure=failure)
    return spans(
        root,
        make.span(trace_id=root.trace_id, parent_id=root.span_id, kind=kind, status="error", failure=failure, **fields),
    )


LINES = [
    ([], ""),
    ([spans(make.span(feature="refund"))], ""),
    ([failed(parser_name="json")], "feature:refund failure:parser_failed parser:json"),
    ([failed(parser_name="json"), failed(parser_name="xml")], "feature:refund failure:parser_failed"),
    ([failed("tool", "tool_failed", tool_name="find orders")], 'feature:refund failure:tool_failed tool:"find orders"'),
    ([failed("llm", "timeout", model_requested="gpt-4o")], "feature:refund failure:timeout model:gpt-4o"),
    ([failed("llm", "timeout"), failed("tool", "tool_failed")], "feature:refund has:error"),
    ([failed(), spans(make.span(feature="refund"))], ""),
    ([failed(prompt_name="ask", prompt_version="3")], "feature:refund failure:parser_failed prompt:ask"),
    ([spans(make.span(service="shop", status="error"))], "feature:shop has:error"),
    ([spans(make.span(feature="x", fallback="other_model"))], "feature:x fallback:other_model"),
    ([spans(make.span(feature="x", refused=True))], "feature:x has:refusal"),
    ([failed(parser_name=" ")], "feature:refund failure:parser_failed"),
    ([failed(parser_name="x" * 3_000)], "feature:refund failure:parser_failed"),
]


@pytest.mark.parametrize(("traces", "line"), LINES, ids=[line or str(n) for n, (_, line) in enumerate(LINES)])
def test_the_line_says_what_all_traces_share(traces, line):
    found = line_from(traces)
    assert found == line
    assert len(found) <= LONGEST
    parse(found)


WORDS = [
    ("feature:refund failure:parser_failed", "A request of refund in which the answer could not be read"),
    ("failure:tool_failed tool:mail", "A request in which a tool failed, with tool mail"),
    ("has:refusal prompt:ask model:m", "A request in which the model refused, with prompt ask and model m"),
    ("feature:x latency:>2s money", "A request of x, and latency:>2s money"),
    ("-failure:timeout", "A request, and -failure:timeout"),
]


@pytest.mark.parametrize(("line", "words"), WORDS)
def test_the_line_is_said_in_words(line, words):
    assert words_of(line) == words


def test_a_new_case_is_called_by_what_went_wrong():
    assert headline_of("feature:refund failure:parser_failed") == "refund: the answer could not be read"
    assert headline_of("failure:timeout") == "A step took too long"
    assert headline_of("feature:refund") == ""
