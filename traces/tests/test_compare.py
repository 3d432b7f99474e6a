"""The page of two traces side by side: what names them, what it says, what it reads."""

from datetime import timedelta

import pytest

from tests import make
from tests.markup import HOSTILE, Markup
from traces import rollups
from traces.align import Pair
from traces.pair_detail import detail, said_in
from traces.records import Payload
from traces.tests.told import call, step
from traces.textdiff import MOST_CHARACTERS, difference, in_columns
from traces.tree import Node

A, B = b"\xaa" * 16, b"\xbb" * 16
PAGE = f"/p/shop/compare?a={A.hex()}&b={B.hex()}"


def asked_with(project, trace_id, *, ago=70, status="ok", **fields):
    """A request with one call; its root and its call."""
    begun = make.now() - timedelta(minutes=ago)
    root = make.span(trace_id=trace_id, started_at=begun, status=status, **{"feature": "refund", **fields})
    messages = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}]
    below = {
        "trace_id": trace_id,
        "parent_id": root.span_id,
        "started_at": begun,
        "input": messages,
        "output": "Hello.",
    }
    one = make.call(
        **{**below, **{name: fields[name] for name in fields if name in ("output", "model_requested", "name")}}
    )
    make.stored(project.pk, root, one)
    return root, one


@pytest.fixture
def two(project):
    return (
        asked_with(project, A, request_id="req-1", session_id="s-1", model_requested="gpt-4o"),
        asked_with(project, B, ago=30, request_id="req-2", model_requested="gpt-4o-mini", output="Good day."),
    )


def compared(client, a, b, **more):
    return Markup(client.get("/p/shop/compare", {"a": a, "b": b, **more}))


def test_the_page_says_what_differs_then_shows_it(two, member_client):
    page = Markup(member_client.get(PAGE))
    for said in (
        "B answered with gpt-4o-mini instead of gpt-4o.", "B began 40", "Models gpt-4o gpt-4o-mini",
        "more facts are the same", "2 rows, each step has its counterpart", "gpt-4o → gpt-4o-mini",
        "only in A: Hello", "only in B: Good day", "Input the same", "Be kind.",
    ):  # fmt: skip
        assert said in page.words, said
    assert f"/p/shop/compare?a={B.hex()}&b={A.hex()}" in " ".join(page.links)


@pytest.mark.parametrize(
    "spelling",
    [
        "req-2",
        B.hex(),
        B.hex().upper(),
        "bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb",
        f"https://llmobs.example/p/shop/traces/{B.hex()}?span=1",
        f"  {B.hex()}\n",
    ],
)
def test_an_id_of_any_kind_and_spelling_names_a_trace(two, member_client, spelling):
    assert "instead of gpt-4o" in compared(member_client, "req-1", spelling).words


def test_a_step_names_its_trace_and_is_opened(two, member_client):
    root = two[1][0]
    page = compared(member_client, "req-1", root.span_id.hex())
    assert "Open it in B" in page.words
    (current,) = page.all("a", aria_current="step")
    assert f"step_b={root.span_id.hex()}" in current["href"]


def test_of_several_that_an_id_names_it_is_the_newest_and_it_says_so(two, project, member_client):
    asked_with(project, b"\xcc" * 16, ago=10, request_id="req-2")
    page = compared(member_client, "req-1", "req-2")
    assert "the newest of 2 that this id names" in page.words
    assert f"/p/shop/traces/{'cc' * 16}" in page.links


def test_the_same_trace_twice_asks_for_another(two, member_client):
    page = compared(member_client, "req-1", A.hex())
    assert "These are the same trace" in page.words
    assert [one["value"] for one in page.all("input") if one.get("name") in ("a", "b")] == ["req-1", A.hex()]


@pytest.mark.parametrize("query", ["", "?a=req-1", "?b=req-1", "?a=&b=%00", "?a=%00"])
def test_what_is_missing_is_asked_for(two, member_client, query):
    answer = member_client.get(f"/p/shop/compare{query}")
    assert answer.status_code in (200, 404)
    assert len([one for one in Markup(answer).all("input") if one.get("name") in ("a", "b")]) == 2


def test_an_unknown_trace_is_404_in_a_page_that_keeps_the_other(two, member_client):
    answer = member_client.get("/p/shop/compare", {"a": "req-1", "b": HOSTILE})
    page = Markup(answer)
    assert answer.status_code == 404
    assert "One of the traces is not there" in page.words
    assert page.inline == []
    assert "Neither trace is there" in Markup(member_client.get("/p/shop/compare", {"a": "x-1", "b": "x-2"})).words


def test_a_trace_of_another_project_is_as_unknown_as_none(two, stranger_client, other_project, project, member_client):
    asked_with(other_project, b"\xdd" * 16, request_id="req-other", output="what only others may know")
    assert stranger_client.get(PAGE).status_code == 404
    for named in ("req-other", "dd" * 16, f"/p/{other_project.slug}/traces/{'dd' * 16}"):
        answer = member_client.get("/p/shop/compare", {"a": "req-1", "b": named})
        assert answer.status_code == 404
        assert "others may know" not in Markup(answer).text


def counted(project):
    while rollups.rebuild_marked():
        pass


def test_the_last_good_one_of_the_feature_comes_before_it(two, project, member_client):
    asked_with(project, b"\xcc" * 16, ago=50, status="error")
    asked_with(project, b"\xdd" * 16, ago=60, feature="other")
    counted(project)
    answer = member_client.get(f"/p/shop/compare?b={B.hex()}&good=1")
    assert answer.headers["Location"] == PAGE
    none = member_client.get(f"/p/shop/compare?b={A.hex()}&good=1")
    assert none.status_code == 200
    assert "No request of refund went well in the 7 days before req-1" in Markup(none).words


def test_htmx_gets_the_pair_alone_or_further_rows(two, member_client):
    step = two[0][1].span_id.hex()
    pair = member_client.get(f"{PAGE}&step_a={step}", headers={"HX-Request": "true"}).content.decode()
    assert pair.count('id="pair"') == 2  # the one that goes, and the one that comes
    assert 'hx-swap-oob="delete"' in pair
    assert "<html" not in pair
    rows = member_client.get(f"{PAGE}&from=1", headers={"HX-Request": "true"}).content.decode()
    assert rows.count('<li class="depth-') == 1


@pytest.mark.parametrize("step", ["", "none", "\0", "x" * 5_000, HOSTILE])
@pytest.mark.parametrize("first", ["", "0", "1", "9" * 5_000, "²", "-1", "999999"])
def test_a_place_that_nobody_wrote_breaks_nothing(two, member_client, step, first):
    answer = member_client.get(PAGE, {"a": "req-1", "b": "req-2", "step_a": step, "step_b": step, "from": first})
    assert answer.status_code == 200


def test_hostile_traces_are_text(project, member_client):
    for trace_id in (A, B):
        asked_with(
            project, trace_id, name=HOSTILE, model_requested=HOSTILE + trace_id.hex(), output=HOSTILE + trace_id.hex()
        )
    page = Markup(member_client.get(PAGE))
    assert page.inline == []
    assert not page.all("img")
    assert page.text.count("alert(1)") >= 3


def test_its_queries_do_not_grow_with_the_steps(two, project, member_client, django_assert_num_queries):
    # Session, user, project; each side its summary twice, spans and scores; the days and all payloads; the frame's.
    queries = 3 + 2 * 4 + 2 + 1
    with django_assert_num_queries(queries):
        assert member_client.get(PAGE).status_code == 200
    for trace_id, (root, _) in zip((A, B), two, strict=True):
        more = [make.call(trace_id=trace_id, parent_id=root.span_id, input="x" * 900) for _ in range(40)]
        make.stored(project.pk, *more)
    with django_assert_num_queries(queries):
        assert member_client.get(PAGE).status_code == 200


def test_5_000_steps_are_compared_in_rows_of_500(project, member_client):
    for trace_id, count in ((A, 4_999), (B, 5_400)):
        root = make.span(trace_id=trace_id)
        below = [
            make.span(trace_id=trace_id, parent_id=root.span_id, name=f"s {number % 3}") for number in range(count)
        ]
        make.stored(project.pk, root, *below)
    page = Markup(member_client.get(PAGE))
    assert len(page.all("a", data_row="pair")) == 500
    assert "Only the first 5,000 steps of each trace are compared; 401 are left out." in page.words
    assert f"{PAGE.partition('?')[2].partition('&')[0]}" in page.all("a", data_row="more")[0]["href"]


def test_texts_that_are_too_long_are_folded_and_say_so(project, member_client):
    for trace_id in (A, B):
        asked_with(project, trace_id, output=trace_id.hex() + "x" * (MOST_CHARACTERS + 1))
    answer = member_client.get(PAGE)
    assert "Output differs, and is too long to compare here" in Markup(answer).words
    assert len(answer.content) < 200_000
    (whole, _) = Markup(answer).all("details", hx_trigger="toggle once")
    assert member_client.get(whole["hx-get"]).content.count(b"x") > MOST_CHARACTERS


def opened(a, b, sent_a=None, sent_b=None):
    nodes = [None if one is None else Node(one, 0, 0, False) for one in (a, b)]
    return detail(Pair(*nodes, 0), sent_a or Payload(), sent_b or Payload())


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ({"input": "x"}, {"input": "x"}, [("Input", "same")]),
        ({"input": "x"}, {"input": "y"}, [("Input", "differ")]),
        ({"input": "x"}, {}, [("Input", "alone")]),
        ({"input": {"a": 1}}, {"input": {"a": 1}}, [("Input", "same")]),
        ({"input": "x" * 70_000}, {"input": "y"}, [("Input", "long")]),
        ({"output": "x", "parsed_output": {"a": 1}}, {"output": "y"}, [("Output", "differ"), ("Read as", "alone")]),
        ({}, {}, []),
    ],
)
def test_what_both_were_given_and_gave(a, b, expected):
    found = opened(call(1), call(2), Payload(**a), Payload(**b))
    assert [(text.title, text.state) for text in found.texts] == expected


def test_tools_and_look_ups_are_named_for_what_they_say():
    sent = Payload(input={"id": 1}, output="done")
    assert [text.title for text in opened(step(1, kind="tool"), step(2, kind="tool"), sent, sent).texts] == [
        "Arguments",
        "Result",
    ]


def test_documents_are_compared_by_their_names():
    a = Payload(documents=[{"title": "x", "score": 0.9}, {"id": "y"}, {"title": "x"}])
    b = Payload(documents=[{"id": "y", "score": 2}, "just a text"])
    found = opened(step(1, kind="retrieval"), step(2, kind="retrieval"), a, b).documents
    assert [(one.name, one.a, one.b) for one in found] == [
        ("x", "rank 1, score 0.9", ""),
        ("y", "rank 2", "rank 1, score 2"),
        ("just a text", "", "rank 2"),
    ]


def test_a_step_alone_tells_its_own_facts():
    alone = opened(None, call(2, status="error", status_message="no such order"), None, Payload(input="x"))
    assert alone.facts.different == []
    assert ("It said", "no such order") in [(one.name, one.b.text) for one in alone.facts.same]
    assert [text.state for text in alone.texts] == ["alone"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text", "text"),
        ({"a": 1}, '{\n  "a": 1\n}'),
        (None, ""),
        ([], ""),
        ([{"role": "user", "content": "Hi"}], "Customer:\nHi"),
        (
            [
                {"role": "system", "content": [{"type": "text", "text": "Be"}, {"type": "image", "url": "https://x/y"}]},
                {"role": "assistant", "reasoning": "hm", "tool_calls": [{"name": "look", "arguments": '{"a": 1}'}]},
            ],
            'System:\nBe\n[Image]\nhttps://x/y\n\nAssistant:\nthinks\nhm\ncalls look\n{"a": 1}',
        ),
        ([{"role": "user", "content": "long " * 9_000}], "Customer:\n" + "long " * 9_000),
    ],
)  # fmt: skip
def test_messages_as_one_text(value, expected):
    assert said_in(value, "input") == expected


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ("a", "a", []),
        ("", "new", [(None, "new")]),
        ("quick fox\nend", "else entirely\nend", [("quick fox", "else entirely"), ("end", "end")]),
        ("Answer with JSON.", "Answer kindly with JSON.", [("Answer with JSON.", "Answer kindly with JSON.")]),
        ("x\nq w e\nr t y", "x\nu i o", [("x", "x"), ("q w e", "u i o"), ("r t y", None)]),
        ("1\n2\n3\n4\n5\nz", "1\n2\n3\n4\n5", [("fold", 3), ("4", "4"), ("5", "5"), ("z", None)]),
    ],
)  # fmt: skip
def test_a_difference_in_two_columns(before, now, expected):
    def text(runs):
        return None if runs is None else "".join(run.text for run in runs)

    rows = in_columns(difference(before, now) or [])
    assert [("fold", row.folded) if row.folded else (text(row.left), text(row.right)) for row in rows] == expected
    assert [row.same for row in rows if not row.folded] == [one == other for one, other in expected if one != "fold"]


def test_what_was_selected_in_the_list_is_compared_with_the_earlier_one_first(two, member_client):
    for order in ((A, B), (B, A)):
        answer = member_client.get("/p/shop/compare", {"t": [one.hex() for one in order]})
        assert answer.headers["Location"] == PAGE


@pytest.mark.parametrize(
    ("picked", "status", "said"),
    [
        ([A.hex()], 200, "One trace was selected."),
        ([A.hex(), A.hex()], 200, "One trace was selected."),
        ([A.hex(), B.hex(), "x"], 200, "3 traces were selected; two of them stand below."),
        ([A.hex(), "nothing"], 404, "One of the traces is not there"),
        (["\0", ""], 404, "One of the traces is not there"),
    ],
)
def test_any_other_number_asks_for_two(two, member_client, picked, status, said):
    answer = member_client.get("/p/shop/compare", {"t": picked})
    assert answer.status_code == status
    assert said in Markup(answer).words
