"""What members say of an answer: yes or no with a note, on the whole and on a step, kept as scores."""

import pytest
from django.db import connection

from accounts.models import Role
from conftest import client_of, person
from tests import make
from tests.markup import HOSTILE, Markup

TRACE = bytes.fromhex("5b8efff798038103d269b633813fc60c")
SPAN = bytes.fromhex("eee19b7ec3c1b174")
PAGE = f"/p/shop/traces/{TRACE.hex()}"
FORM = f"/p/shop/feedback/{TRACE.hex()}"


@pytest.fixture
def trace(project):
    root, call = make.trace(trace_id=TRACE, session_id="s-1", input="What?", output="This.")
    call.span_id = SPAN
    make.stored(project.pk, root, call)


def kept():
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, source, number, comment, trace_id, span_id FROM traces_score ORDER BY given_at")
        return [(*line[:4], bytes(line[4]), line[5] and bytes(line[5])) for line in cursor.fetchall()]


def test_support_says_yes_or_no_with_a_note_and_the_page_shows_it(member_client, trace):
    answer = member_client.post(FORM, {"answer": "no", "note": "The refund was due."}, follow=True)
    assert answer.redirect_chain == [(f"{PAGE}#trace-feedback", 302)]
    assert kept() == [("feedback", "member", 0.0, "The refund was due.", TRACE, None)]
    words = Markup(answer).words
    assert "You said no" in words
    assert "The refund was due." in words
    assert "by sue@example.org" in words


def test_saying_it_again_changes_it_and_it_can_be_taken_back(member_client, trace):
    for said in ({"answer": "yes"}, {"answer": "no", "note": "a"}, {"answer": "no", "note": "b"}):
        member_client.post(FORM, said)
    assert kept() == [("feedback", "member", 0.0, "b", TRACE, None)]
    member_client.post(FORM, {"answer": "none"})
    member_client.post(FORM, {"answer": "none"})
    assert kept() == []
    member_client.post(FORM, {"answer": "yes"})
    assert [line[2] for line in kept()] == [1.0]


def test_a_step_has_feedback_of_its_own(member_client, trace):
    member_client.post(FORM, {"answer": "yes"})
    answer = member_client.post(FORM, {"answer": "no", "span": SPAN.hex()}, follow=True)
    assert answer.redirect_chain == [(f"{PAGE}?span={SPAN.hex()}#step-feedback", 302)]
    assert [line[2:] for line in kept()] == [(1.0, None, TRACE, None), (0.0, None, TRACE, SPAN)]
    assert Markup(answer).words.count("You said") == 2


def test_each_member_has_a_voice(member_client, project, trace):
    member_client.post(FORM, {"answer": "yes"})
    client_of(person("tom@example.org", project, Role.SUPPORT)).post(FORM, {"answer": "no"})
    assert [line[2] for line in kept()] == [1.0, 0.0]


def test_htmx_gets_the_form_alone(member_client, trace):
    answer = member_client.post(FORM, {"answer": "yes"}, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert answer.content.decode().lstrip().startswith("<form")
    assert "You said yes" in Markup(answer).words


def test_it_is_shown_in_the_session_and_answered_as_a_score(member_client, trace):
    member_client.post(FORM, {"answer": "no", "note": "Too late."})
    assert "feedback: no by sue@example.org “Too late.”" in Markup(member_client.get("/p/shop/sessions/s-1")).words
    (score,) = member_client.get(f"/api/v1/traces/{TRACE.hex()}").json()["scores"]
    assert (score["name"], score["value"], score["source"], score["comment"]) == (
        "feedback",
        False,
        "member",
        "Too late.",
    )


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/p/shop/feedback/none", {"answer": "yes"}),
        (FORM, {"answer": "yes", "span": "0123456789abcdef"}),
        (FORM.replace("shop", "bank"), {"answer": "yes"}),
    ],
)
def test_there_is_no_feedback_on_what_is_not_there(member_client, trace, other_project, address, said):
    assert member_client.post(address, said).status_code == 404
    assert kept() == []


def test_a_stranger_a_get_and_a_forged_form_change_nothing(stranger_client, member, member_client, trace):
    assert stranger_client.post(FORM, {"answer": "yes"}).status_code == 404
    assert member_client.get(FORM).status_code == 405
    strict = client_of(member)
    strict.handler.enforce_csrf_checks = True
    assert strict.post(FORM, {"answer": "yes"}).status_code == 403
    member_client.post(FORM, {"answer": "perhaps"})
    assert kept() == []


def test_a_note_is_text_of_any_kind_and_at_most_so_long(member_client, trace):
    answer = member_client.post(FORM, {"answer": "no", "note": HOSTILE + "\x00" + "x" * 9_000}, follow=True)
    assert Markup(answer).inline == []
    ((_, _, _, note, _, _),) = kept()
    assert note.startswith(HOSTILE)
    assert len(note) == 2_000
