"""What is said of a trace: each sentence a reader could meet, from the spans alone."""

from datetime import timedelta

import pytest
from django.utils import timezone

from traces.account import Beside, account_of
from traces.sentences import plain
from traces.tests.told import NOW, call, step, trace
from traces.usual import Usual

ERROR = {"status": "error"}


def account(*spans, usual=None, **summary):
    return account_of(trace(*spans, **summary), NOW, Beside(usual=usual))


def told(*spans, **summary):
    said = account(*spans, **summary)
    return " ".join(words(sentence) for sentence in [said.headline, *said.story])


def words(sentence):
    return plain(sentence).replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("spans", "said"),
    [
        pytest.param([step(1), call(2, 1)], "Answered by gpt-4o-mini in 500 ms", id="well"),
        pytest.param(
            [step(1, **ERROR), call(2, 1, **ERROR, failure="timeout", status_message="after 30 s")],
            "No answer: it took too long The model gpt-4o-mini took too long. It said: “after 30 s”.",
            id="a call that fails",
        ),
        pytest.param(
            [
                step(1, fallback="other_model"),
                *(call(n, 1, at_ms=n, **ERROR, failure="rate_limited", attempt=n - 1) for n in (2, 3, 4, 5)),
                call(6, 1, at_ms=9, model_requested="gpt-4o", fallback="other_model"),
            ],
            "Answered by another model after 4 failed calls "
            "The model gpt-4o-mini had too many requests and refused 4 times. It was tried again 3 times. "
            "Another model answered instead.",
            id="three retries, then a fallback that the root tells",
        ),
        pytest.param(
            [step(1), call(2, 1, **ERROR), call(3, 1, at_ms=9, model_requested="gpt-4o", fallback="other_model")],
            "Answered by another model after 1 failed call The model gpt-4o-mini failed. gpt-4o answered instead.",
            id="a fallback that the call tells",
        ),
        pytest.param(
            [
                step(1, fallback="default_answer"),
                *(
                    step(n, 1, at_ms=n, kind="parser", parser_name="json", **ERROR, failure="parser_failed")
                    for n in (2, 3)
                ),
            ],
            "Answered with the default answer after 2 unreadable answers "
            "The reader json could not read the model's answer twice. "
            "The answer that is kept for such cases was given instead.",
            id="unreadable twice",
        ),
        pytest.param(
            [step(1, **ERROR, failure="guardrail_blocked"), step(2, 1, kind="guardrail", name="cards", **ERROR,
             failure="guardrail_blocked")],
            "No answer: a check stopped it The check “cards” stopped the request.",
            id="a guardrail",
        ),
        pytest.param(
            [
                step(1, **ERROR, failure="budget_blocked", name="turn", status_message="over 20,000 tokens"),
                *(step(n, 1, kind="tool", tool_name="weather", **ERROR, failure="tool_failed") for n in (2, 3)),
            ],
            "No answer: the budget was used up The step “turn” was stopped because its budget was used up. "
            "It said: “over 20,000 tokens”. The tool weather did not work twice.",
            id="a loop that a budget ends",
        ),
        pytest.param(
            [step(1, fallback="human"), step(2, 1, name="hand over", **ERROR)],
            "Handed to a person The step “hand over” failed. The request was handed to a person.",
            id="a person",
        ),
        pytest.param(
            [step(1, fallback="cached"), call(2, 1, **ERROR, failure="timeout")],
            "Answered from a cache after 1 failed call The model gpt-4o-mini took too long. "
            "An answer that was kept from before was given instead.",
            id="a cache",
        ),
        pytest.param([call(2, 1)], "Not finished, as far as its spans tell", id="no root"),
        pytest.param(
            [call(2, 1, **ERROR, failure="model_error")],
            "No answer: the model's provider answered with an error The model gpt-4o-mini answered with an error.",
            id="no root, and the last call failed",
        ),
        pytest.param([step(1, ended=False, duration_us=None)], "Not finished, as far as its spans tell", id="running"),
        pytest.param([step(1, kind="tool", tool_name="weather")], "The tool weather ran in 500 ms", id="only a tool"),
        pytest.param(
            [step(1, kind="embedding")], "A text was made ready for a search in 500 ms", id="only an embedding"
        ),
        pytest.param([step(1, kind="retrieval")], "Documents were looked up in 500 ms", id="only a look-up"),
        pytest.param([step(1, name="nightly")], "nightly, finished in 500 ms", id="nothing that is known"),
        pytest.param([step(1), call(2, 1, refused=True)], "The model refused to answer", id="refused"),
        pytest.param([step(1), call(2, 1, retries=1)], "Answered after another try It was tried again once.", id="2nd"),
        pytest.param(
            [step(1), step(2, 1, kind="retrieval", retriever_name="handbook", **ERROR, failure="retrieval_failed")],
            "Answered, though the look-up of documents failed The look-up “handbook” did not work.",
            id="answered without its documents",
        ),
        pytest.param(
            [step(1, **ERROR), *(step(n, 1, at_ms=n, name=f"s{n}", **ERROR) for n in range(2, 8))],
            "No answer: a step failed The step “s2” failed. The step “s3” failed. The step “s4” failed. "
            "3 other steps failed too.",
            id="many different ones",
        ),
    ],
)  # fmt: skip
def test_what_happened_and_what_was_done_about_it(spans, said):
    assert told(*spans) == said


@pytest.mark.parametrize(
    ("summary", "zone", "said"),
    [
        ({"asked": "Why?", "user_id": "anna"}, "UTC", "anna asked billing today at 13:00:00."),
        ({"asked": "Why?"}, "Asia/Tokyo", "Somebody asked billing yesterday at 22:00:00."),
        ({"asked": "Why?", "feature": None, "service": "shop"}, "UTC", "Somebody asked shop today at 13:00:00."),
        (
            {"asked": "Why?", "feature": None},
            "America/New_York",
            "Somebody asked today at 08:00:00, and no service named itself.",
        ),
        ({}, "UTC", "billing ran today at 13:00:00."),
        ({"feature": None}, "UTC", "Something without a name ran today at 13:00:00."),
        ({"happened_at": NOW - timedelta(days=7)}, "UTC", "billing ran on 3 November at 15:00:00."),
        ({"happened_at": NOW - timedelta(days=365)}, "UTC", "billing ran on 10 November 2025 at 15:00:00."),
    ],
)
def test_when_who_and_which_feature(summary, zone, said):
    now = NOW + timedelta(hours=1) if zone == "Asia/Tokyo" else NOW
    with timezone.override(zone):
        assert plain(account_of(trace(call(1), **summary), now).lead) == said


@pytest.mark.parametrize(
    ("spans", "answered", "nothing"),
    [
        ([step(1), call(2, 1)], "In Lyon.", None),
        ([step(1), call(2, 1)], None, "not sent with the trace"),
        ([step(1, **ERROR)], "half an answ", "no answer"),
        ([call(2, 1)], None, "not known: not all steps have come"),
        ([step(1, fallback="human")], None, "the answer of a person, which is not in this record"),
        ([step(1, kind="tool")], None, None),
    ],
)
def test_what_the_customer_got(spans, answered, nothing):
    said = account(*spans, answered=answered)
    assert (said.answered, said.nothing) == (None if nothing else answered, nothing)


def test_the_versions_that_were_live_are_one_sentence():
    spans = [
        step(1, release="2.1"),
        call(2, 1, prompt_name="faq", prompt_version="7"),
        call(3, 1, prompt_name="faq", prompt_version="7"),
        step(4, 1, kind="parser", parser_name="json"),
        step(5, 1, kind="tool", tool_name="order", tool_version="2"),
    ]
    sentences = [words(one) for one in account(*spans).amounts]
    assert sentences[-1] == "It ran with release 2.1, prompt faq 7 and tool order 2."


USUAL = Usual("billing", 100, low_us=200_000, middle_us=400_000, high_us=900_000)


def test_a_step_that_is_named_leads_to_it():
    (sentence,) = account(step(1, **ERROR), call(2, 1, **ERROR)).story
    assert [piece.span for piece in sentence if piece.foreign] == [(2).to_bytes(8, "big").hex()]


def test_the_amounts_come_before_the_versions():
    said = [words(one) for one in account(step(1), call(2, 1, prompt_version="2"), usual=USUAL).amounts]
    assert said == [
        "It took 500 ms, as usual (half take under 400 ms), and what it cost is not known.",
        "It ran with prompt 2.",
    ]


def test_text_of_a_sender_shows_what_it_hides():
    said = account(step(1), asked="\x1b[31mred\u202e\nsecond")
    assert said.asked == "⟨ESC⟩[31mred⟨U+202E⟩\nsecond"
