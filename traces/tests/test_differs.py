"""What is different about the second of two traces, in a sentence and as facts."""

from datetime import timedelta
from decimal import Decimal

import pytest

from traces.differs import remarks, what_differs
from traces.ratios import dearer, longer
from traces.sentences import plain
from traces.side_facts import of_traces
from traces.sides import Side
from traces.tests.told import NOW


def side(**fields):
    return Side(**{"happened_at": NOW, **fields})


def said(a, b):
    return plain(what_differs(side(**a), side(**b))).replace("\u00a0", " ")


ALIKE = "B went like A: nothing that was sent of them differs but the moment."
REFUND = ("prompt", "refund")


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ({}, {}, ALIKE),
        (
            {"model": "gpt-4o", "versions": {REFUND: "v7"}, "duration_us": 1_000_000, "cost_usd": Decimal("0.02")},
            {"model": "gpt-4o-mini", "versions": {REFUND: "v8"}, "duration_us": 3_000_000, "cost_usd": Decimal("0.01")},
            "B answered with gpt-4o-mini instead of gpt-4o and ran with prompt refund v8 instead of v7; "
            "it took 3 times as long and cost half.",
        ),
        (
            {"model": "a"},
            {"outcome": "No answer", "tone": "bad", "why": "it took too long", "model": "b"},
            "Unlike A, B got no answer because it took too long; it asked b instead of a.",
        ),
        ({"outcome": "No answer", "tone": "bad"}, {}, "Unlike A, B got an answer."),
        ({"outcome": "Fallback"}, {"outcome": "2nd try"}, "Unlike A, B needed no fallback."),
        ({"outcome": "A step failed"}, {}, "Unlike A, B had no step that failed."),
        ({}, {"outcome": "2nd try", "retries": 2}, "Unlike A, B needed another try; it tried 2 times more."),
        ({"duration_us": 100}, {"duration_us": 300}, "B went like A, but it took 3 times as long."),
        (
            {"versions": {REFUND: "7"}},
            {"versions": {("prompt", "decide"): "1"}},
            "B ran with prompt decide instead of refund.",
        ),
        ({"versions": {("parser", ""): "7"}}, {"versions": {("parser", ""): "8"}}, "B ran with parser 8 instead of 7."),
        ({"versions": {REFUND: "7"}}, {}, ALIKE),
        ({"releases": ("1",)}, {"releases": ("2", "3")}, "B ran with release 2, 3 instead of 1."),
        (
            {"versions": {REFUND: "7", ("parser", "json"): "1"}, "releases": ("1",)},
            {"versions": {REFUND: "8", ("parser", "json"): "2"}, "releases": ("2",)},
            "B ran with prompt refund 8 instead of 7, parser json 2 instead of 1 and 1 other version.",
        ),
        (
            {"parameters": {"temperature": "0", "seed": "1"}},
            {"parameters": {"temperature": "1"}},
            "B ran with temperature 1 instead of 0 and seed not set instead of 1.",
        ),
        ({"parameters": {"seed": "1"}}, {"parameters": None}, ALIKE),
        ({"documents": ("x", "y")}, {"documents": ("y", "z")}, "B found other documents (1 of 2 is the same)."),
        ({"documents": ("x",)}, {"documents": ("z",)}, "B found other documents."),
        ({"documents": ("x", "y")}, {"documents": ("y", "x")}, ALIKE),
        ({"steps": 4}, {"steps": 3}, "B had 1 step less."),
        ({"feature": "faq"}, {"feature": "refund"}, "B is of the feature refund instead of faq."),
        (
            {"models": ("a",), "responded": ("a-1",), "model": "a"},
            {"models": ("a",), "responded": ("a-2",), "model": "a"},
            "B was answered by a-2 instead of a-1.",
        ),
        # What is not known in full is not compared.
        (
            {"cost_usd": Decimal(1)},
            {"cost_usd": Decimal(3), "calls_without_price": 1},
            ALIKE,
        ),
        # At most three things are said before time and money.
        (
            {"feature": "a", "model": "a", "releases": ("1",), "steps": 1, "documents": ("x",)},
            {"feature": "b", "model": "b", "releases": ("2",), "steps": 2, "documents": ("y",)},
            "B is of the feature b instead of a, answered with b instead of a and ran with release 2 instead of 1.",
        ),
    ],
)  # fmt: skip
def test_the_sentence(a, b, expected):
    assert said(a, b) == expected


def test_names_of_senders_stay_short_and_show_what_they_hold():
    sentence = what_differs(side(model="a" * 3_000), side(model="b\u202e" * 2_000))
    assert len(plain(sentence)) < 300
    assert "\u202e" not in plain(sentence)
    assert [piece.text[:3] for piece in sentence if piece.foreign] == ["b⟨U", "aaa"]


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ({}, {}, ""),
        ({"asked": "x"}, {"asked": "y"}, "They were not asked the same."),
        ({"asked": "x"}, {"asked": "x"}, "Both were asked the same."),
        (
            {"asked": "x", "answered": "y"},
            {"asked": "x", "answered": "y"},
            "Both were asked the same and answered the same.",
        ),
        # Only the beginning of a long question is kept with the trace.
        ({"asked": "x" * 300}, {"asked": "x" * 300}, ""),
        ({}, {"happened_at": NOW + timedelta(hours=2)}, "B began 2 h after A."),
        ({}, {"happened_at": NOW - timedelta(seconds=2)}, "B began 2 s before A."),
    ],
)  # fmt: skip
def test_what_to_know_beside_it(a, b, expected):
    assert " ".join(map(plain, remarks(side(**a), side(**b)))).replace("\u00a0", " ") == expected


@pytest.mark.parametrize(
    ("a", "b", "long", "dear"),
    [
        (100, 300, "3 times as long", "3 times as much"),
        (100, 200, "twice as long", "twice as much"),
        (100, 328, "3.3 times as long", "3.3 times as much"),
        (1, 1_240, "1,240 times as long", "1,240 times as much"),
        (100, 140, "40 % longer", "40 % more"),
        (100, 104, "", ""),
        (100, 97, "", ""),
        (100, 80, "20 % shorter", "20 % less"),
        (100, 51, "half as long", "half"),
        (100, 33, "a third as long", "a third"),
        (100, 25, "a quarter as long", "a quarter"),
        (100, 20, "a fifth as long", "a fifth"),
        (100, 10, "a tenth as long", "a tenth"),
        (100, 7, "93 % shorter", "93 % less"),
        (100_000, 7, "more than 99 % shorter", "more than 99 % less"),
        (0, 5, "", ""),
        (5, 0, "", ""),
        (None, 5, "", ""),
        (Decimal("0.02"), Decimal("0.01"), "half as long", "half"),
    ],
)
def test_how_one_amount_stands_to_another(a, b, long, dear):
    assert (longer(a, b).replace("\u00a0", " "), dearer(a, b).replace("\u00a0", " ")) == (long, dear)


def test_facts_that_differ_come_first_and_what_nobody_sent_is_left_out():
    facts = of_traces(
        side(feature="faq", duration_us=1_200_100, steps=3),
        side(feature="faq", duration_us=1_200_200, steps=5, happened_at=NOW + timedelta(minutes=1)),
    )
    assert [(fact.name, fact.a.text, fact.b.text, fact.change) for fact in facts.different][1:] == [
        ("Steps", "3", "5", "+2")
    ]
    assert facts.different[0].name == "When"
    same = {fact.name: fact.a.text.replace("\u00a0", " ") for fact in facts.same}
    assert same["Feature"] == "faq"
    assert same["Took"] == "1.2 s"
    assert not {"Release", "User", "Tokens in", "Asked"} & same.keys()


def test_unknown_is_a_word_and_a_sum_with_an_unknown_part_says_so():
    facts = of_traces(
        side(cost_usd=Decimal("0.5"), calls=2, calls_without_price=1, duration_us=None),
        side(cost_usd=Decimal("0.1"), calls=2, duration_us=5_000, scores=(("good", "yes"), ("good", "no"))),
    )
    told = {fact.name: (fact.a.text, fact.b.text.replace("\u00a0", " "), fact.change) for fact in facts.different}
    assert told["Cost"] == ("at least $0.500", "$0.100", "")
    assert told["Took"] == ("not ended", "5 ms", "")
    assert told["Score good"] == ("not scored", "yes, no", "")


def test_long_texts_are_cut_and_differ_where_their_rest_does():
    a, b = "x" * 500, "x" * 499 + "y"
    facts = of_traces(side(asked=a), side(asked=b))
    asked = next(fact for fact in facts.different if fact.name == "Asked")
    assert len(asked.a.text) == 400
    assert asked.b.full.endswith("y")
