"""The page of a session: the whole conversation, turn by turn."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import make
from tests.markup import HOSTILE, Markup
from traces.addresses import session_url
from traces.session_views import PAGE_TURNS

PAGE = "/p/shop/sessions/s-1"


@pytest.fixture
def conversation(project):
    """Stores turns of the session s-1 a minute apart, oldest first: each a root and a call, and gives the roots."""

    def _conversation(*turns, session_id="s-1"):
        roots = []
        for number, fields in enumerate(turns):
            at = make.now() - timedelta(minutes=len(turns) - number)
            said = {"session_id": session_id, "started_at": at, "user_id": "anna", **fields}
            root, call = make.trace(**{name: value for name, value in said.items() if name not in ("cost_usd", "call")})
            for name, value in fields.get("call", {}).items():
                setattr(call, name, value)
            call.cost_usd, call.cost_source = fields.get("cost_usd", Decimal("0.01")), "priced"
            make.stored(project.pk, root, call)
            roots.append(root)
        return roots

    return _conversation


def test_it_tells_every_turn_oldest_first_with_its_outcome(member_client, conversation):
    roots = conversation(
        {"input": "Where is my tent?", "output": "On its way.", "feature": "orders"},
        {
            "input": "Can I return it?", "status": "error",
            "call": {"status": "error", "failure": "timeout", "name": "decide"},
        },
        {"input": "Hello?", "output": "Yes, you can.", "fallback": "other_model"},
    )  # fmt: skip
    markup = Markup(member_client.get(PAGE))
    assert "3 turns, 1 of them without an answer" in markup.words
    places = [markup.words.index(said) for said in ("Where is my tent?", "On its way.", "Can I return it?", "Hello?")]
    assert places == sorted(places)
    assert "took too long" in markup.words
    assert "Fallback" in markup.words
    assert "$0.03" in markup.words
    for root in roots:
        assert f"/p/shop/traces/{root.trace_id.hex()}" in markup.links
    assert any("user_id=anna" in link or "anna" in link for link in markup.links)


def test_a_long_session_pages_in_both_directions_and_shows_each_turn_once(member_client, project):
    spans = [
        make.span(session_id="s-1", input=f"turn-{n:03}", started_at=make.now() - timedelta(minutes=300 - n))
        for n in range(2 * PAGE_TURNS + 7)
    ]
    make.stored(project.pk, *spans)
    url, seen = PAGE, []
    while url:
        markup = Markup(member_client.get(url))
        seen += re.findall(r"turn-\d{3}", markup.words)
        url = next((link["href"] for link in markup.all("a", rel="next")), None)
    assert seen == [f"turn-{n:03}" for n in range(len(spans))]
    back = Markup(member_client.get(markup.all("a", rel="prev")[0]["href"]))
    assert "turn-050" in back.words
    assert "turn-100" not in back.words
    assert PAGE in back.links


def test_a_link_from_a_trace_opens_the_session_at_its_turn(member_client, project):
    spans = [
        make.span(session_id="s-1", input=f"turn-{n}", started_at=make.now() - timedelta(minutes=9 - n))
        for n in range(5)
    ]
    make.stored(project.pk, *spans)
    words = Markup(member_client.get(f"{PAGE}?trace={spans[3].trace_id.hex()}")).words
    assert "turn-3" in words
    assert "turn-2" not in words
    assert "← Earlier" in words
    first = Markup(member_client.get(f"{PAGE}?trace={spans[0].trace_id.hex()}")).words
    assert "turn-4" in first
    assert "← Earlier" not in first
    assert "From the beginning" not in first


@pytest.mark.parametrize("address", ["/p/shop/sessions/none", "/p/shop/sessions/%00", "/p/shop/sessions/s-1/"])
def test_an_unknown_session_is_a_page_that_says_so(member_client, conversation, address):
    conversation({})
    answer = member_client.get(address)
    assert answer.status_code == 404
    assert b"</html>" in answer.content


def test_sessions_of_other_projects_are_not_there(member_client, other_project, stranger_client, conversation):
    make.stored(other_project.pk, make.span(session_id="theirs"))
    conversation({})
    assert member_client.get("/p/shop/sessions/theirs").status_code == 404
    assert stranger_client.get(PAGE).status_code == 404


@pytest.mark.parametrize(
    "session_id", [HOSTILE, "a/b//c", "a?b#c%2F", "..a/../b", "ein Blank", "請求", "line\nend", ".."]
)
def test_any_text_may_be_the_id_of_a_session(member_client, conversation, session_id):
    conversation({"input": "Where is my tent?"}, session_id=session_id)
    url = session_url("shop", session_id)
    answer = member_client.get(url)
    assert answer.status_code == 200
    if "/sessions/" in url:
        assert "Where is my tent?" in Markup(answer).words
        assert Markup(answer).inline == []


def test_scores_of_a_turn_and_of_the_session_are_shown(member_client, project, conversation, ingest_key):
    (_, other) = conversation({"request_id": "req-1"}, {})
    for record in (
        {"trace_id": other.trace_id.hex(), "name": "helpful", "value": False, "source": "user", "comment": "Too slow"},
        {"request_id": "req-1", "name": "tone", "value": 0.25},
        {"session_id": "s-1", "name": "solved", "value": True},
    ):
        sent = member_client.post(
            "/api/v1/scores", record, "application/json", headers={"Authorization": f"Bearer {ingest_key}"}
        )
        assert sent.status_code == 200
    words = Markup(member_client.get(PAGE)).words
    assert "Scores of the whole session solved yes" in words
    assert "tone: 0.25" in words
    assert "helpful: no by the user “Too slow”" in words


def test_its_queries_do_not_grow_with_the_turns(member_client, conversation):
    counts = []
    for size in (2, 20):
        conversation(*[{"status": "error", "call": {"status": "error"}}] * size)
        with CaptureQueriesContext(connection) as queries:
            assert member_client.get(PAGE).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert counts[0] <= 16


def test_a_session_of_many_turns_is_added_up_from_the_index(member_client, project, monkeypatch):
    monkeypatch.setattr("traces.session_views.SMALL_SESSION", 3)
    make.stored(project.pk, *(make.call(session_id="s-1", cost_usd=Decimal("0.5")) for _ in range(5)))
    words = Markup(member_client.get(PAGE)).words
    assert "5 turns" in words
    assert "0 turns the others are not indexed yet" in words


@pytest.mark.parametrize(
    "query", ["after=x", "before=2026-01-01~zz", "after=9999-12-31T23:59:59%2B00:00~ff", "trace=x"]
)
def test_garbage_in_the_place_shows_a_page(member_client, conversation, query):
    conversation({})
    assert member_client.get(f"{PAGE}?{query}").status_code == 200
