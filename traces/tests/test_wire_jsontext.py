import json

import orjson
import pytest

from traces.errors import Unreadable
from traces.wire.jsontext import MAX_DEPTH, MAX_EMBEDDED_DEPTH, TooDeep, embedded, loads


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": [1, 2.5, null, true]}', {"a": [1, 2.5, None, True]}),
        ('{"a": NaN, "b": [Infinity, -Infinity]}', {"a": "NaN", "b": ["Infinity", "-Infinity"]}),
        ('{"a": 1e400}', {"a": "Infinity"}),
        ('["\\ud800x", "\\ud83c\\uddeb"]', ["\ufffdx", "🇫"]),
        ('{"\\ud800": 1}', {"\ufffd": 1}),
        ("[NaN, 123456789012345678901234567890]", ["NaN", "123456789012345678901234567890"]),
        ("[NaN, " + "9" * 5_000 + "]", ["NaN", "9" * 5_000]),
        ("\ufeff[1]", [1]),
    ],
)
def test_json_is_read_as_senders_write_it(text, value):
    assert loads(text.encode()) == value
    assert loads(text) == value
    orjson.dumps(loads(text))


@pytest.mark.parametrize("text", [b"", b"{", b'{"a": }', b"nonsense", b"\xff\xfe", b'{"a": "'])
def test_what_is_no_json_is_unreadable(text):
    with pytest.raises(Unreadable):
        loads(text)


@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 900, 1_100, 100_000])
@pytest.mark.parametrize("inside", ["1", "NaN"])
def test_deep_nesting_is_refused_and_said(levels, inside):
    with pytest.raises(TooDeep, match="nested more than 150 levels deep"):
        loads("[" * levels + inside + "]" * levels)


def test_the_deepest_that_is_taken_can_be_written_again_with_a_text_inside():
    inner = "[" * MAX_EMBEDDED_DEPTH + "1" + "]" * MAX_EMBEDDED_DEPTH
    value = loads("[" * (MAX_DEPTH - 1) + json.dumps([inner]) + "]" * (MAX_DEPTH - 1))
    for _ in range(MAX_DEPTH - 1):
        value = value[0]
    deepest = embedded(value[0])
    for _ in range(MAX_DEPTH):
        deepest = [deepest]
    orjson.dumps({"attributes": {"metadata": deepest}})


@pytest.mark.parametrize("text", ["", "hello", "12", '"quoted"', "[1", "[" * 100 + "]" * 100])
def test_a_text_that_spells_no_object_or_list_is_only_a_text(text):
    assert embedded(text) is None
