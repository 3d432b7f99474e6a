"""An entry holds each word of its trace, however its texts are taken: together while there is room, else one by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import make
from traces.queries.spans import StoredSpan
from traces.records import Payload
from traces.search.entries import Draft, Entry
from traces.search.words import lexemes, normalised


def entry_of(*texts: str) -> Entry:
    """The entry of a trace with a step for each of the texts."""
    spans = [StoredSpan(make.span(trace_id=b"t" * 16), make.now(), make.now(), 0, 0, 0) for _ in texts]
    draft = Draft(1, make.now(), spans)
    for span, text in zip(spans, texts, strict=True):
        draft.read(span, Payload(output=text))
    return draft.entry()


def words_of(entry: Entry) -> set[str]:
    return {word for word in entry.words if word[0] != ":"}


@pytest.mark.parametrize("steps", [1, 4, 300])
def test_each_word_of_many_texts_is_indexed(steps: int) -> None:
    texts = [
        f"question{step} " + " ".join(f"word{step % 7}_{n}" for n in range(300)) + " 退款" for step in range(steps)
    ]
    entry = entry_of(*texts)
    assert words_of(entry) == lexemes(normalised(" ".join(["answer", *texts])))
    assert not entry.text_cut


def test_where_there_is_no_more_room_for_a_text_the_entry_is_cut_there() -> None:
    texts = ["".join(f"{step}x{n} " for n in range(5_000)) for step in range(30)]
    entry = entry_of(*texts, "too late")
    taken = next(step for step in range(30) if f"{step}x0" not in entry.words)
    assert words_of(entry) == lexemes(normalised(" ".join(["answer", *texts[:taken]])))
    assert entry.text_cut
    assert 10 < taken < 30


@given(st.text(st.characters(max_codepoint=127), max_size=40))
def test_text_in_ascii_is_compared_in_small_letters_with_single_spaces(text: str) -> None:
    assert normalised(text) == " ".join(text.lower().split())
