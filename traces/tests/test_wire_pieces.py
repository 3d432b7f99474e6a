"""Files of any size in pieces: each value once, wherever reading begins; a broken one costs only itself."""

import json
import tracemalloc
from io import BytesIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from traces.wire import pieces
from traces.wire.pieces import Place, csv_rows, json_lines, json_values, splitter

VALUES = [{"a": 1}, {"b": 'x"}]\\', "c": [{"d": "[{"}, []]}, {"e": "two\nlines é"}]
LINES = "".join(json.dumps(value) + "\n" for value in VALUES).encode()
LIST = json.dumps(VALUES, ensure_ascii=False).encode()
PRETTY = "\n".join(json.dumps(value, indent=2) for value in VALUES).encode()
TABLE = b'id,text\r\n1,"two\nlines, ""quoted"""\r\n2,\r\n\r\n3,\xc3\xa9\r\n'


@pytest.mark.parametrize(
    ("head", "split"),
    [
        (LINES, json_lines),
        (b"\xef\xbb\xbf" + LINES, json_lines),
        (b'{"a": 1', json_lines),  # one long line, or the beginning of it
        (b'{"broken": \n{"a": 1}\n', json_lines),
        (LIST, json_values),
        (b"\n [\n" + LIST, json_values),
        (PRETTY, json_values),
        (b'{"resourceSpans": [\n  {', json_values),
        (TABLE, csv_rows),
        (b"", csv_rows),
    ],
)
def test_how_a_file_is_split_is_told_by_its_beginning(head, split):
    assert splitter(head) is split


@pytest.mark.parametrize("body", [LINES, b"\xef\xbb\xbf" + LINES, LIST, PRETTY, b" [ " + LIST[1:], LIST + b"\n"])
def test_every_value_is_found(body):
    found = list(splitter(body)(BytesIO(body), Place()))
    assert [one.value for one in found] == VALUES
    assert all(one.problem is None for one in found)


@pytest.mark.parametrize("body", [LINES, LIST, PRETTY, TABLE])
def test_reading_begins_again_behind_any_piece(body):
    split = splitter(body)
    whole = list(split(BytesIO(body), Place()))
    for number, piece in enumerate(whole, 1):
        assert list(split(BytesIO(body), piece.after)) == whole[number:]
        assert body[: piece.after.byte].endswith(piece.tail)


texts = st.text(max_size=6) | st.sampled_from(['"', "\\", '\\"', "}", "[{", "\n", "é"])
values = st.dictionaries(
    texts, texts | st.lists(texts | st.dictionaries(texts, texts, max_size=2), max_size=3), max_size=3
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(values, min_size=1, max_size=4), st.integers(1, 40), st.sampled_from([None, 1]))
def test_any_values_are_found_with_any_size_of_chunk(values, chunk, indent):
    body = json.dumps(values, indent=indent, ensure_ascii=False).encode("utf-8", "replace")
    before, pieces._CHUNK = pieces._CHUNK, chunk
    try:
        assert [one.value for one in json_values(BytesIO(body), Place())] == json.loads(body)
    finally:
        pieces._CHUNK = before


def test_a_broken_line_costs_only_itself_and_has_its_number():
    body = b'{"a": 1}\n{"a": \n\n{"a": 3}\n7\n'
    found = list(json_lines(BytesIO(body), Place()))
    assert [(one.line, one.value, one.problem is None) for one in found] == [
        (1, {"a": 1}, True),
        (2, None, False),
        (4, {"a": 3}, True),
        (5, 7, True),
    ]


def test_a_broken_value_of_a_list_costs_only_itself():
    found = list(json_values(BytesIO(b'[{"a": 1}, {"a" 2},\n {"a": 3}, nonsense, {"a": 4}]'), Place()))
    assert [one.value for one in found] == [{"a": 1}, None, {"a": 3}, None, {"a": 4}]
    assert [one.line for one in found] == [1, 1, 2, 2, 2]


@pytest.mark.parametrize("body", [b'[{"a": 1}, {"a": "no end', b'[{"a": 1}, {"a": [1, 2}'])
def test_a_list_that_ends_too_early_says_so(body):
    first, last = json_values(BytesIO(body), Place())
    assert first.value == {"a": 1}
    assert (last.problem, last.whole) == ("The file ends inside of it.", False)


def test_a_last_line_without_its_end_is_not_passed_over():
    *_, last = json_lines(BytesIO(b'{"a": 1}\n{"a": '), Place())
    assert last.problem
    assert not last.whole


@pytest.mark.parametrize("split", [json_lines, json_values])
def test_what_is_too_long_is_not_held(split, monkeypatch):
    monkeypatch.setattr(pieces, "LONGEST", 1000)
    monkeypatch.setattr(pieces, "_CHUNK", 100)
    body = b'{"a": 1}\n{"a": "' + b"x" * 5_000_000 + b'"}\n{"a": 3}\n'
    tracemalloc.start()
    found = list(split(BytesIO(body), Place()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found[0].value == {"a": 1}
    assert "more than is read at once" in found[1].problem
    assert peak < 1_000_000
    if split is json_lines:  # of values the rest is not known to begin anywhere
        assert found[2].value == {"a": 3}
        assert body[: found[1].after.byte].endswith(b'"}\n')


def test_rows_are_objects_of_what_is_not_empty():
    found = list(csv_rows(BytesIO(TABLE), Place()))
    assert [one.value for one in found] == [
        {"id": "1", "text": 'two\nlines, "quoted"'},
        {"id": "2"},
        {"id": "3", "text": "é"},
    ]
    assert [one.line for one in found] == [2, 4, 6]
    assert found[1].raw == b"id,text\r\n2,\r\n"


def test_a_row_with_more_cells_than_the_header_is_refused_alone():
    found = list(csv_rows(BytesIO(b"id\n1\n2,3\n4\n"), Place()))
    assert [(one.value, one.problem) for one in found] == [
        ({"id": "1"}, None),
        (None, "The row has 2 cells."),
        ({"id": "4"}, None),
    ]
