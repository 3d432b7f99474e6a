"""The piece of text that a search found, with the found words marked. A table, no database."""

import pytest

from traces.records import Payload
from traces.search.excerpt import WHOLE, excerpt
from traces.search.grammar import parse

LONG = "before " * 100


def told(said, line, **more):
    """The excerpt with the found words in brackets; None where there is none."""
    pieces = excerpt(Payload(output=said, **more), parse(line))
    return "".join(f"[{piece.text}]" if piece.found else piece.text for piece in pieces) or None


@pytest.mark.parametrize(
    ("said", "line", "expected"),
    [
        ("We sent the Parcel", "parcel", "We sent the [Parcel]"),
        ("unrefunded, refunded, refund", "refund", "unrefunded, refunded, [refund]"),
        ("unrefunded, refunded", "refund*", "unrefunded, [refund]ed"),
        ("unrefunded", "*fund*", "unre[fund]ed"),
        ("exact\n  phrase here", '"exact phrase"', "[exact phrase] here"),
        ("exact, phrase", '"exact phrase"', "[exact, phrase]"),
        ("我想申请退款，谢谢", "退款", "我想申请[退款]，谢谢"),
        ("a b c", "a c feature:x", "[a] b [c]"),
        ("a b c", "feature:x -d", None),
        ("a b c", "d", None),
        ("50% (all)", '"% (all)"', "50[% (all)]"),
        ([{"role": "assistant", "content": "Here it is"}], "here", "[Here] it is"),
        ({"answer": {"text": "deep inside"}}, "inside", "deep [inside]"),
    ],
)
def test_the_words_are_marked(said, line, expected):
    found = told(said, line)
    assert found == expected if expected is None else expected in found


def test_a_long_text_is_cut_around_the_first_of_them():
    found = told(LONG + "needle " + LONG, "needle")
    assert found.startswith("… ")
    assert found.endswith(" …")
    assert "before [needle] before" in found
    assert len(found) < 3 * WHOLE


def test_what_was_said_comes_before_what_the_model_was_told():
    said = [{"role": "system", "content": "told needle"}, {"role": "user", "content": "asked needle"}]
    assert told(None, "needle", input=said) == "asked [needle]"


def test_a_file_in_a_message_is_not_searched():
    said = [{"role": "user", "content": [{"type": "image", "data": "needle", "media_type": "image/png"}]}]
    assert told(said, "needle") is None
