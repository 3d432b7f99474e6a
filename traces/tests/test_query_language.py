"""The query line: what it means, how it is written, and what is said about a wrong one. Tables, no database."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traces.search.fields import FIELDS, amount, nearest
from traces.search.grammar import LONGEST, MOST_TERMS, QueryError, Term, exactly, line_of, parse

NAMES = ["score.helpful", 'metadata.a "b"', "metadata.x.y", *(name for name, one in FIELDS.items() if not one.keyed)]


def text(value, **more):
    return Term(None, ":", value, **more)


@pytest.mark.parametrize(
    ("line", "terms"),
    [
        ("", []),
        (" \t\n ", []),
        ("model:gpt-4o", [Term("model", ":", "gpt-4o")]),
        ("MODEL:GPT-4o", [Term("model", ":", "GPT-4o")]),
        ("status:ERROR", [Term("status", ":", "error")]),
        ("-status:ok", [Term("status", ":", "ok", negated=True)]),
        ("failure:parser_failed", [Term("failure", ":", "parser_failed")]),
        ("latency:>2s", [Term("latency", ">", "2s")]),
        ("latency:>=2s latency:≤1.5m", [Term("latency", ">=", "2s"), Term("latency", "<=", "1.5m")]),
        ("cost:>$0.05", [Term("cost", ">", "$0.05")]),
        ("tokens:8000", [Term("tokens", ":", "8000")]),
        ("prompt:refund@12", [Term("prompt", ":", "refund@12")]),
        ("session:a:b::c", [Term("session", ":", "a:b::c")]),
        ("user:https://x.y/z?a=b", [Term("user", ":", "https://x.y/z?a=b")]),
        ("environment:prod user_id:u", [Term("env", ":", "prod"), Term("user", ":", "u")]),
        ("score.helpful:<0.5", [Term("score.helpful", "<", "0.5")]),
        ("score.tone:rude", [Term("score.tone", ":", "rude")]),
        ("metadata.order_id:77", [Term("metadata.order_id", ":", "77")]),
        ("metadata.a.b-c/d:77", [Term("metadata.a.b-c/d", ":", "77")]),
        ('metadata."order id: x":77', [Term("metadata.order id: x", ":", "77")]),
        ('feature:"two words"', [Term("feature", ":", "two words", phrase=True)]),
        ('feature:">x"', [Term("feature", ":", ">x", phrase=True)]),
        (r'feature:"a \"b\" \\ \n"', [Term("feature", ":", r'a "b" \ \n', phrase=True)]),
        ("feature:bil*", [Term("feature", ":", "bil*")]),
        ('"exact phrase" words', [text("exact phrase", phrase=True), text("words")]),
        ('-"not this" -that', [text("not this", negated=True, phrase=True), text("that", negated=True)]),
        ("“typed on a phone”", [text("typed on a phone", phrase=True)]),
        ("prefix* *part*", [text("prefix*"), text("*part*")]),
        ("退款 ﷼ 🙂 งาน", [text("退款"), text("﷼"), text("🙂"), text("งาน")]),
        ("https://shop.example/a?b=c:d", [text("https://shop.example/a?b=c:d")]),
        ("12:30 5:1", [text("12:30"), text("5:1")]),
        ("注:说明", [text("注:说明")]),
        ("--verbose - a-b", [text("--verbose"), text("-"), text("a-b")]),
        ('5" screen', [text('5"'), text("screen")]),
        ("a=b x<y or and", [text("a=b"), text("x<y"), text("or"), text("and")]),
    ],
)
def test_a_line_means_its_conditions(line, terms):
    assert parse(line) == tuple(terms)


def test_a_condition_knows_where_it_stands():
    assert [term.position for term in parse('  model:a -status:ok  "x y" z')] == [2, 10, 22, 28]


@pytest.mark.parametrize(
    ("line", "wrong", "said"),
    [
        ("modle:gpt-4o", "modle", 'There is no field "modle" (character 1). model is the nearest.'),
        ("a durations:>2s", "durations", "latency is the nearest"),
        ("note: call back", "note", 'put it in quotes: "note: …"'),
        ("-colour:red", "colour", "(character 2)"),
        ("java.lang.Error:x", "java.lang.Error", '"java"'),
        ("status:failed", "failed", '"failed" at character 8 is not a value of status; write ok or error.'),
        ("failure:broken", "broken", "rate_limited"),
        ("status:err*", "err*", "write ok or error"),
        ("x latency:>2x", "2x", '"2x" at character 12 is not a time; write 2s, 250ms or 1.5m.'),
        ("latency:>2", "2", "not a time"),
        ("latency:2s", "2s", "latency:>2s or latency:<2s"),
        ("cost:>0,05", "0,05", "write 0.05 or $0.05"),
        ("tokens:>many", "many", "write 8000 or 8k"),
        ("tokens:>9999999999999999", "9999999999999999", "not a number"),
        ("score.helpful:<low", "low", "not a number"),
        ("feature:>x", ">", "feature cannot be compared with >"),
        ("feature:", ":", "feature has no value at character 9"),
        ("latency:> 2s", ":", "directly behind"),
        ('feature:""', '""', "no value"),
        ("feature:*", "*", "no value"),
        ("latency>2s", "latency>2s", "A colon is missing after latency at character 1"),
        ("metadata:77", "metadata", "needs a name after a dot"),
        ("model.name:x", "model.name", "takes no name after a dot"),
        ('x feature:"two words', '"two words', "The quote at character 11 is not closed."),
        ('"', '"', "not closed"),
        ('x "a"b', "b", "A space is missing after the quote at character 5."),
        ("a OR b", "OR", 'To search for the word, write "OR".'),
        ("a NOT b", "NOT", "minus"),
        ("*", "*", "nothing to search for"),
        ('""', '""', "nothing to search for"),
        ("a\0b", "\0", "Character 2"),
        ("a\ud800", "\ud800", "Character 2"),
    ],
)
def test_a_wrong_line_says_what_is_wrong_and_where(line, wrong, said):
    with pytest.raises(QueryError) as caught:
        parse(line)
    problem = caught.value
    assert line[problem.position : problem.position + problem.length] == wrong
    assert said in problem.message == str(problem)


@pytest.mark.parametrize("line", ["x" * (LONGEST + 1), "x " * (MOST_TERMS + 1)])
def test_a_line_has_an_end(line):
    with pytest.raises(QueryError):
        parse(line)
    parse(line[: LONGEST // MOST_TERMS])


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("duration", "2s", 2_000_000),
        ("duration", "250ms", 250_000),
        ("duration", "1.5m", 90_000_000),
        ("duration", "1m30s", 90_000_000),
        ("duration", "40µs", 40),
        ("duration", "2 s", None),
        ("duration", "-2s", None),
        ("duration", "٢s", None),
        ("money", "0.05", Decimal("0.05")),
        ("money", "$1", 1),
        ("money", ".5", Decimal("0.5")),
        ("count", "8k", 8_000),
        ("count", "1.5M", 1_500_000),
        ("count", "21,390", 21_390),
        ("count", "2,1", None),
        ("number", "-0.25", Decimal("-0.25")),
        ("number", "nan", None),
        ("number", "1e9", None),
        ("word", "5", None),
    ],
)
def test_an_amount_is_read_in_its_unit(kind, value, expected):
    assert amount(kind, value) == expected


@pytest.mark.parametrize(
    ("value", "prefix", "part", "sought"),
    [
        ("refund", False, False, "refund"),
        ("refund*", True, False, "refund"),
        ("*fund*", False, True, "fund"),
        ("*fund", False, True, "fund"),
        ('"refund*"', False, False, "refund*"),
        ("feature:bil*", True, False, "bil"),
        ("feature:*bil", False, False, "*bil"),
    ],
)
def test_stars_outside_quotes_mean_that_more_may_follow(value, prefix, part, sought):
    (term,) = parse(value)
    assert (term.is_prefix, term.is_part, term.sought) == (prefix, part, sought)


def test_a_condition_on_an_amount_carries_it():
    assert [term.amount for term in parse("latency:>2s score.a:<0.5 score.b:good feature:5 7")] == [
        2_000_000,
        Decimal("0.5"),
        None,
        None,
        None,
    ]


@pytest.mark.parametrize(("name", "meant"), [("modle", "model"), ("durations", "latency"), ("zzz", None)])
def test_a_mistyped_field_is_recognised(name, meant):
    assert nearest(name) == meant


def test_every_field_s_example_can_be_read():
    for one in FIELDS.values():
        (term,) = parse(one.example)
        assert term.field.partition(".")[0] == one.name
        for choice in one.choices:
            parse(f"{one.name}:{choice}")


LINES = st.text() | st.lists(
    st.sampled_from(
        [
            "model:",
            "-",
            "latency:>",
            '"',
            "\\",
            "“",
            "”",
            "metadata.",
            "score.x:<",
            "2s",
            "*",
            " ",
            ":",
            "a",
            "0.5",
            "OR",
        ]
    )
).map("".join)


def problem_of(line):
    """What is wrong with the line; None when nothing is."""
    try:
        parse(line)
    except QueryError as problem:
        return problem
    return None


@given(LINES)
def test_whatever_is_typed_is_read_and_written_again_or_refused_with_its_place(line):
    if problem := problem_of(line):
        assert 0 <= problem.position <= len(line)
        assert problem.message
    else:
        assert parse(line_of(parse(line))) == parse(line)


@given(st.sampled_from(NAMES).filter(lambda name: FIELDS[name.partition(".")[0]].kind == "word"), st.text(min_size=1))
def test_any_stored_value_can_be_asked_for_exactly(name, value):
    value = value.replace("\0", "x")
    if not value.strip():
        return
    term = exactly(name, value)
    assert parse(line_of([term])) == (term,)
    assert (term.field, term.sought, term.is_prefix) == (name, value, False)
