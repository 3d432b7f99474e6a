"""The box: from what somebody pasted to the trace, as support sees it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import make
from tests.markup import HOSTILE, Markup
from traces.search.index import index_marked

PAGE = "/p/shop"
TRACE = bytes.fromhex("5b8efff798038103d269b633813fc60c")
SPAN = bytes.fromhex("eee19b7ec3c1b174")


@pytest.fixture
def look_up(member_client):
    """The answer to something pasted into the box."""
    return lambda pasted, **headers: member_client.get(PAGE, {"q": pasted}, headers=headers)


@pytest.fixture
def one_trace(project):
    root, call = make.trace(trace_id=TRACE, request_id="req-ABC.1", session_id="s-1", user_id="u-1")
    call.span_id, call.response_id = SPAN, "chatcmpl-9"
    make.stored(project.pk, root, call)
    return f"{PAGE}/traces/{TRACE.hex()}"


@pytest.mark.parametrize(
    ("pasted", "opens_the_step"),
    [
        ("req-ABC.1", False),
        ("  req-ABC.1\n", False),
        (TRACE.hex(), False),
        (TRACE.hex().upper(), False),
        ("5b8efff7-9803-8103-d269-b633813fc60c", False),
        (SPAN.hex(), True),
        (SPAN.hex().upper(), True),
        ("chatcmpl-9", True),
        ("s-1", False),
        ("u-1", False),
        ("req-AB", False),
    ],
)
def test_an_id_of_any_kind_leads_straight_to_its_trace(look_up, one_trace, pasted, opens_the_step):
    answer = look_up(pasted)
    assert answer.status_code == 302
    assert answer.headers["Location"] == one_trace + (f"?span={SPAN.hex()}" if opens_the_step else "")


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-21T04:12:09Z ERROR checkout failed request_id=req-ABC.1 status=500",
        '{"level":"error","request_id":"req-ABC.1","took":3}',
        "Please help, my order failed (req-ABC.1).\nBest, Ann",
        "x-request-id: req-ABC.1",
        "<req-ABC.1>",
        "Dear support, " + "I have waited for a long time and nothing at all happened. " * 60 + "Request: req-ABC.1",
        f"traceparent: 00-{TRACE.hex()}-{SPAN.hex()}-01",
        f"trace_id={TRACE.hex()} span_id={SPAN.hex()}",
    ],
)
def test_a_whole_log_line_or_mail_may_be_pasted(look_up, one_trace, line):
    answer = look_up(line)
    if answer.status_code == 200:  # several ids of one trace
        assert {link.partition("?")[0] for link in Markup(answer).links if link.startswith(f"{PAGE}/traces/")} == {
            one_trace
        }
    else:
        assert answer.headers["Location"].startswith(one_trace)


def test_several_traces_of_one_request_lead_to_the_newest_which_names_the_others(look_up, project, member_client):
    old = make.trace(request_id="req-1", started_at=make.now() - timedelta(hours=1))
    new = make.trace(request_id="req-1")
    make.stored(project.pk, *old, *new)
    location = look_up("req-1").headers["Location"]
    assert location == f"{PAGE}/traces/{new[0].trace_id.hex()}"
    assert f"{PAGE}/traces/{old[0].trace_id.hex()}" in Markup(member_client.get(location)).links


@pytest.mark.parametrize(
    ("field", "value", "page"),
    [
        ("session_id", "s-7", f"{PAGE}/sessions/s-7"),
        ("user_id", "anna@example.org", f"{PAGE}/users/anna%40example.org"),
    ],
)
def test_a_session_or_user_with_several_traces_leads_to_all_of_them(
    look_up, project, member_client, field, value, page
):
    for name in ("first", "second"):
        make.stored(project.pk, make.span(name=name, **{field: value}))
    make.stored(project.pk, make.span(name="of another"))
    index_marked()
    location = look_up(value).headers["Location"]
    assert location.startswith(page)
    listed = Markup(member_client.get(location))
    assert "first" in listed.words
    assert "second" in listed.words
    assert "of another" not in listed.words


def test_one_id_in_several_senses_asks_which(look_up, project):
    make.stored(
        project.pk, make.span(name="by request", request_id="42-42"), make.span(name="by user", user_id="42-42")
    )
    answer = look_up("42-42")
    assert answer.status_code == 200
    words = Markup(answer).words
    assert "2 things match. Which one?" in words
    assert "by request" in words
    assert "by user" in words


@pytest.mark.parametrize(
    ("pasted", "heading"),
    [
        ("req-none", "No trace has this id"),
        ("''); DROP TABLE traces_span; --", "No trace has these words"),
        ("%", "No trace has this id"),
        ("x" * 50_000, "No trace has this id"),
        ("請求", "No trace has this id"),
        ("a\x00b", "No trace has these words"),
        ("it said req_77AB12cd and then nothing", "No trace has this id"),
        ("first req_77AB12cd, then req_88AB12cd", "No trace has any of these ids"),
    ],
)
def test_nothing_found_says_what_was_searched(look_up, one_trace, pasted, heading):
    answer = look_up(pasted)
    assert answer.status_code == 200
    words = Markup(answer).words
    assert heading in words
    assert "Searched request, trace, span and response ids, sessions and users of the last 90 days" in words


def test_what_was_searched_for_stays_in_the_box(look_up, one_trace):
    assert 'spellcheck="false"' in look_up("req-none").content.decode()
    assert "req-none</textarea>" in look_up("req-none").content.decode()


def test_what_was_searched_for_is_never_markup(look_up, one_trace):
    markup = Markup(look_up(HOSTILE))
    assert markup.inline == []
    assert not markup.all("img")
    assert HOSTILE in markup.text


def test_hostile_ids_are_text_in_the_list_of_hits(look_up, project):
    make.stored(project.pk, make.span(request_id=HOSTILE, name=HOSTILE), make.span(user_id=HOSTILE, name=HOSTILE))
    markup = Markup(look_up(HOSTILE))
    assert markup.inline == []
    assert not markup.all("img")
    assert markup.text.count(HOSTILE) >= 4


def test_the_traces_of_another_project_are_not_found(look_up, one_trace, other_project):
    make.stored(other_project.pk, *make.trace(request_id="theirs", session_id="their-session"))
    for pasted in ("theirs", "their-session"):
        assert "No trace has this id" in look_up(pasted).content.decode()


def test_the_page_without_a_question_shows_the_newest_traces(member_client, project):
    for number in range(12):
        make.stored(project.pk, make.span(name=f"trace-{number:02}", started_at=make.now() - timedelta(minutes=number)))
    words = Markup(member_client.get(PAGE)).words
    assert [number for number in range(12) if f"trace-{number:02}" in words] == list(range(8))


def test_going_back_in_history_gets_the_whole_page(member_client, project):
    answer = member_client.get(PAGE, headers={"HX-Request": "true", "HX-History-Restore-Request": "true"})
    assert "<html" in answer.content.decode()


def test_queries_do_not_grow_with_the_traces(member_client, project):
    counts = []
    for size in (1, 29):
        for _ in range(size):
            make.stored(project.pk, *make.trace(request_id="req-1", user_id="r-1"), make.span(session_id="r-1"))
        for query in ({}, {"q": "r-1"}):
            counts.append(_queries(member_client, query))
    assert counts[:2] == counts[2:]
    assert max(counts) <= 12


def _queries(client, query):
    with CaptureQueriesContext(connection) as queries:
        assert client.get(PAGE, query).status_code == 200
    return len(queries)
