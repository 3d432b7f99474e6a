"""What a case waits for: read, written and said."""

import pytest

from cases.fix import Fix, problem_of
from traces.search.grammar import line_of, parse

FIXES = [
    ("prompt", "refund@9", "refund v9", "prompt:refund@9"),
    ("prompt", "my refund@next", "my refund next", 'prompt:"my refund@next"'),
    ("prompt", "a@b@3", "a@b v3", "prompt:a@b@3"),
    ("release", "1.4.2", "release 1.4.2", "release:1.4.2"),
    ("release", "v2:beta", "release v2:beta", "release:v2:beta"),
    ("model", "gpt*", "model gpt*", 'model:"gpt*"'),
]


@pytest.mark.parametrize(("kind", "value", "words", "line"), FIXES)
def test_a_fix_is_kept_said_and_searched_for(kind, value, words, line):
    fix = Fix(kind, value)
    assert Fix.read(str(fix)) == fix
    assert fix.words == words
    assert line_of([fix.term]) == line
    assert parse(line) == (fix.term,)
    assert problem_of(kind, value) == ""


@pytest.mark.parametrize("text", ["", "prompt", "prompt:", "idea:x", ":x"])
def test_what_is_no_fix_is_none(text):
    assert Fix.read(text) is None


PROBLEMS = [
    ("", "refund@9", "Choose what it is"),
    ("prompt", "", "such as refund@9"),
    ("prompt", "refund", "such as refund@9"),
    ("prompt", "refund@", "such as refund@9"),
    ("prompt", "@9", "such as refund@9"),
    ("release", "", "Write the release's name"),
    ("model", "   ", "no value"),
    ("model", "\ud800", "cannot occur"),
]


@pytest.mark.parametrize(("kind", "value", "cure"), PROBLEMS)
def test_a_fix_that_cannot_be_looked_for_says_what_to_write(kind, value, cure):
    assert cure in problem_of(kind, value)


def test_no_fix_is_no_problem():
    assert problem_of("", "") == ""
