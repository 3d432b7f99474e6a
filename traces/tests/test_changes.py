"""What a call ran with, and what changed since one like it went well."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import make
from tests.markup import HOSTILE, Markup
from traces import rollups
from traces.changes import Told, Version, compared_call, counterpart, prompt_text, versions
from traces.records import Payload
from traces.tests.told import call, step
from traces.textdiff import MOST_CHARACTERS, MOST_LINES, difference


def told(*spans, **payload):
    return Told(spans, spans[-1], Payload(**payload))


def changed(now, before, live=()):
    rows = versions(now, before, live, live[-1] if live else None)
    return {(row.what, row.name): (row.before, row.now, row.live) for row in rows if row.changed}


@pytest.mark.parametrize(
    ("now", "before", "expected"),
    [
        (
            told(call(2, prompt_name="faq", prompt_version="8")),
            told(call(2, prompt_name="faq", prompt_version="7")),
            {("prompt", "faq"): ("7", "8", None)},
        ),
        (
            told(call(2, prompt_name="faq-new", prompt_version="1")),
            told(call(2, prompt_name="faq", prompt_version="7")),
            {("prompt name", ""): ("faq", "faq-new", None)},
        ),
        (told(call(2, model_requested="b")), told(call(2, model_requested="a")), {("model", ""): ("a", "b", None)}),
        (
            told(call(2, model="a-2026-05")),
            told(call(2, model="a-2026-01")),
            {("answered by", ""): ("a-2026-01", "a-2026-05", None)},
        ),
        (
            told(call(2), parameters={"temperature": 0.7, "top_p": 1}),
            told(call(2), parameters={"temperature": 0, "seed": 7}),
            {
                ("parameter", "temperature"): ("0", "0.7", None),
                ("parameter", "top_p"): ("not set", "1", None),
                ("parameter", "seed"): ("7", "not set", None),
            },
        ),
        (told(call(2, release="2.1")), told(call(2, release="2.0")), {("release", ""): ("2.0", "2.1", None)}),
        (
            told(step(1, kind="parser", parser_name="json", parser_version="2"), call(2)),
            told(step(1, kind="parser", parser_name="json", parser_version="1"), call(2)),
            {("parser", "json"): ("1", "2", None)},
        ),
        (
            told(call(2), tools=[{"name": "a"}, {"function": {"name": "b"}}]),
            told(call(2), tools=[{"name": "a"}]),
            {("tools offered", ""): ("a", "a, b", None)},
        ),
        (told(step(1, kind="tool", tool_name="x", tool_version="1"), call(2)), told(call(2)), {}),
        (told(call(2)), None, {}),
    ],
)
def test_what_is_different(now, before, expected):
    assert changed(now, before) == expected


def test_what_is_live_now_is_said():
    now, before = (told(call(2, prompt_name="faq", prompt_version=version, release="1")) for version in ("8", "7"))
    live = [call(3, prompt_name="faq", prompt_version="9", release="1")]
    rows = {row.what: row for row in versions(now, before, live, live[0])}
    assert (rows["prompt"].live, rows["prompt"].replaced) == ("9", True)
    assert (rows["release"].live, rows["release"].replaced) == ("1", False)


def test_a_name_shows_what_it_hides_and_is_cut():
    (row,) = versions(told(call(2, model_requested="gpt\u202e4\x1b[31m" + "x" * 3_000)), None, [], None)
    assert row == Version("model", "", row.now)
    assert row.now.startswith("gpt⟨U+202E⟩4⟨ESC⟩[31mx")
    assert len(row.now) == 200


def test_the_call_that_a_step_is_about():
    first, second = call(2, 1, at_ms=10), call(4, 1, at_ms=30)
    root, parser = step(1), step(3, 1, kind="parser", at_ms=20)
    spans = [root, first, parser, second]
    assert compared_call(spans, second) is second
    assert compared_call(spans, parser) is first
    assert compared_call(spans, root) is first
    assert compared_call([root], root) is root


def test_its_counterpart_has_its_prompt_or_its_name():
    spans = [
        call(2, prompt_name="a", name="x"),
        call(3, prompt_name="b", name="y"),
        call(4, prompt_name="b", attempt=2),
    ]
    assert counterpart(spans, call(9, prompt_name="b", name="z")) is spans[1]
    assert counterpart(spans, call(9, name="x")) is spans[0]
    assert counterpart(spans, call(9, name="other")) is None
    assert counterpart(spans, step(9, kind="tool", name="x")) is None


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ({"input": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}]}, "Be kind."),
        ({"input": [{"role": "system", "content": [{"type": "text", "text": "Be"}, 5]}]}, "Be"),
        ({"input": [{"role": "developer", "content": {"a": 1}}]}, '{\n  "a": 1\n}'),
        ({"input": "no messages", "attributes": {"llm.prompt_template.template": "Say {x}"}}, "Say {x}"),
        ({"input": [{"role": "user", "content": "Hi"}]}, None),
        ({"input": "text"}, None),
    ],
)
def test_the_text_of_a_prompt(payload, text):
    assert prompt_text(Payload(**payload)) == text


def lines(before, now):
    return [(line.sign, [(run.tone, run.text) for run in line.runs], line.folded) for line in difference(before, now)]


def test_a_difference_marks_the_words_of_a_changed_line_and_folds_what_is_equal():
    before = "\n".join(["one", "two", "three", "four", "Answer with JSON only.", "six"])
    now = "\n".join(["one", "two", "three", "four", "Answer kindly with JSON only.", "six", "seven"])
    assert lines(before, now) == [
        (" ", [], 2),
        (" ", [("same", "three")], 0),
        (" ", [("same", "four")], 0),
        ("±", [("same", "Answer"), ("new", " kindly"), ("same", " with JSON only.")], 0),
        (" ", [("same", "six")], 0),
        ("+", [("new", "seven")], 0),
    ]


@pytest.mark.parametrize(
    ("before", "now", "signs"),
    [
        ("a", "a", ""),
        ("", "new", "+"),
        ("old", "", "−"),
        ("the quick fox", "something else entirely", "−+"),
        ("x\n" * MOST_LINES + "x", "y", None),
        ("x" * (MOST_CHARACTERS + 1), "y", None),
    ],
)
def test_odd_differences(before, now, signs):
    found = difference(before, now)
    assert found is None if signs is None else "".join(line.sign for line in found) == signs


def refund(project, ago, *, version, failed=False, text="Be kind.\nAnswer.", **fields):
    """A request to a feature whose prompt has versions; its page's address."""
    begun = make.now() - timedelta(minutes=ago)
    root = make.span(feature="refund", started_at=begun, status="error" if failed else "ok", **fields)
    messages = [{"role": "system", "content": text}, {"role": "user", "content": "Hi"}]
    below = make.call(
        trace_id=root.trace_id, parent_id=root.span_id, started_at=begun, name=f"chat {version}", prompt_name="refund",
        prompt_version=version, input=messages, parameters={"temperature": 0}, model_requested=f"gpt-{version}",
    )  # fmt: skip
    make.stored(project.pk, root, below)
    while rollups.rebuild_marked():
        pass
    return f"/p/shop/changes/{root.trace_id.hex()}"


def test_the_page_shows_what_changed_since_it_last_worked_and_what_is_live(project, member_client):
    refund(project, 90, version="7", request_id="req-good")
    refund(project, 80, version="8", failed=True)
    page = refund(project, 70, version="8", failed=True, text="Be kind.\nAnswer with care.", request_id="req-bad")
    refund(project, 10, version="9", request_id="req-live")
    words = Markup(member_client.get(page)).words
    for said in (
        "What changed since this last worked", "req-good", "Prompt refund from 7→to 8 9 is live now",
        "Model from gpt-7→to gpt-8", "new: with care", "The newest is in req-live",
    ):  # fmt: skip
        assert said in words, said


def test_where_the_last_good_one_ran_with_the_same_the_version_before_is_compared(project, member_client):
    refund(project, 90, version="7", request_id="req-other")
    refund(project, 80, version="8", request_id="req-lucky")
    words = Markup(member_client.get(refund(project, 70, version="8", failed=True))).words
    assert "req-lucky" in words
    assert "It ran with the same versions. The last with another version of its prompt is in req-other" in words
    assert "Prompt refund from 7→to 8" in words


def test_where_nothing_went_well_it_says_so(project, member_client):
    refund(project, 80, version="8", failed=True)
    words = Markup(member_client.get(refund(project, 70, version="8", failed=True))).words
    assert "What it ran with" in words
    assert "there is nothing to compare" in words
    assert "This is the newest call of the feature." in words


def test_htmx_gets_the_part_alone_and_the_trace_page_asks_for_it(project, member_client):
    address = refund(project, 70, version="8")
    part = member_client.get(address, headers={"HX-Request": "true"})
    assert part.content.decode().lstrip().startswith('<section class="changed"')
    page = Markup(member_client.get(address.replace("changes", "traces")))
    (later,) = page.all("section", id="changes")
    assert later["hx-get"].partition("?")[0] == address
    assert later["hx-get"] in page.links  # without scripts


def test_it_is_404_to_strangers_and_for_a_trace_that_there_is_not(project, member_client, stranger_client):
    address = refund(project, 70, version="8")
    assert stranger_client.get(address).status_code == 404
    assert member_client.get("/p/shop/changes/none").status_code == 404


@pytest.mark.parametrize("span", ["", "none", "\x00", "x" * 5_000, HOSTILE])
def test_a_step_that_there_is_not_is_the_first(project, member_client, span):
    assert member_client.get(refund(project, 70, version="8"), {"span": span}).status_code == 200


def test_hostile_versions_are_text(project, member_client):
    refund(project, 90, version=HOSTILE, text=HOSTILE)
    page = Markup(member_client.get(refund(project, 70, version="8\u202e", failed=True, text=HOSTILE + "2")))
    assert page.inline == []
    assert not page.all("img")
    assert page.text.count("<script>alert(1)") >= 3
    assert "8⟨U+202E⟩" in page.words


def test_its_queries_do_not_grow_with_the_traffic(project, member_client):
    counts = []
    for number in (1, 30):
        for ago in range(number):
            refund(project, 60 + ago / 10, version="7")
        page = refund(project, 50, version="8", failed=True)
        with CaptureQueriesContext(connection) as queries:
            assert member_client.get(page).status_code == 200
        counts.append(len(queries))
    assert max(counts) <= 24
