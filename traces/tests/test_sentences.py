"""Sentences with other people's words in them."""

import pytest

from traces.sentences import listed, name, plain, quoted, say, visible


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m", "⟨ESC⟩[31mred⟨ESC⟩[0m"),
        ("exe.\u202egpj", "exe.⟨U+202E⟩gpj"),
        ("a\u200bb\ufeffc\u00add", "a⟨U+200B⟩b⟨U+FEFF⟩c⟨U+00AD⟩d"),
        ("\u2066isolate\u2069", "⟨U+2066⟩isolate⟨U+2069⟩"),
        ("\U000e0041tag", "⟨U+E0041⟩tag"),
        ("bell\x07 c1\x9b", "bell⟨U+0007⟩ c1⟨U+009B⟩"),
        ("line\r\n\ttab", "line\r\n\ttab"),
        (
            "👩\u200d🌾 می\u200cخواهم \u200fעברית",
            "👩\u200d🌾 می\u200cخواهم \u200fעברית",
        ),  # joiners and marks are needed
    ],
)
def test_what_no_eye_sees_is_written_out(text, seen):
    assert visible(text) == seen


def test_a_name_is_one_short_line():
    assert name("a\n b\t\tc").text == "a b c"
    assert len(name("x" * 3_000).text) == 80
    assert len(name("\u202e" * 3_000).text) == 80
    assert name(" ").text == " "
    assert name("x").foreign


def test_of_a_message_the_first_line_is_quoted():
    assert quoted("\n  \nboom: no\nTraceback").text == "boom: no"
    assert quoted("").text == ""
    assert len(quoted("y" * 10_000_000).text) == 160


def test_a_sentence_is_its_words_with_the_pieces_between():
    assert plain(say("{} then {}.", name("{}"), "ours")) == "{} then ours."
    assert plain(say("{}", name(""))) == ""
    with pytest.raises(ValueError, match="zip"):
        say("{}")


@pytest.mark.parametrize(
    ("words", "joined"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a"] * 3, "a, a and a")]
)
def test_a_list_reads_as_people_write_it(words, joined):
    assert plain(listed([name(word) for word in words])) == joined
