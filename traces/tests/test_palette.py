"""What the palette leads to: earlier look-ups of this member in this project, pages that the role reaches, projects."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.lookups import KEPT, LONGEST, lookups_of, remember
from accounts.models import LookUp, Membership, Role
from conftest import client_of, person
from tests import make
from tests.markup import HOSTILE, Markup
from traces.models import SavedView

PALETTE = "/p/shop/palette"
OF_ENGINEERS = {"/p/shop/inbox", "/p/shop/settings/ids", "/p/shop/settings/facets"}


def lines(client):
    """Where the lines lead."""
    answer = client.get(PALETTE)
    assert answer.status_code == 200
    markup = Markup(answer)
    assert markup.inline == []
    return [one["href"] for one in markup.all("a", role="option")]


@pytest.fixture
def one_trace(project):
    root, call = make.trace(request_id="req-1", session_id="s-1", user_id="u-1", input="Where is the parcel?")
    make.stored(project.pk, root, call)


def texts(user, project):
    return [one.text for one in lookups_of(user, project)]


def test_what_was_looked_up_comes_first_the_newest_on_top_and_once(member, member_client, project, one_trace):
    for text in ("req-1", "nothing has this", "req-1"):
        member_client.get("/p/shop", {"q": text})
    assert [(one.text, one.found) for one in lookups_of(member, project)] == [
        ("req-1", "request"),
        ("nothing has this", "nothing found"),
    ]
    assert lines(member_client)[:2] == ["/p/shop?q=req-1", "/p/shop?q=nothing+has+this"]
    assert "request, just now" in Markup(member_client.get(PALETTE)).words


def test_an_empty_box_or_a_head_request_is_no_look_up(member, member_client, project, one_trace):
    member_client.get("/p/shop")
    member_client.get("/p/shop", {"q": "  "})
    member_client.head("/p/shop", {"q": "req-1"})
    assert texts(member, project) == []


def test_of_a_mail_only_the_id_is_kept_that_it_was_about(member, member_client, project, one_trace):
    member_client.get("/p/shop", {"q": "Dear all,\nmy name is Anna and my order req-1 is late.\nAnna"})
    member_client.get("/p/shop", {"q": "Dear all,\nmy name is Anna and nothing here is known.\nAnna"})
    assert texts(member, project) == ["req-1"]


def test_look_ups_are_of_one_member_in_one_project(
    member, member_client, engineer, engineer_client, project, other_project
):
    Membership.objects.create(user=member, project=other_project, role=Role.SUPPORT)
    member_client.get("/p/shop", {"q": "of the shop"})
    member_client.get("/p/bank", {"q": "of the bank"})
    assert texts(member, project) == ["of the shop"]
    assert texts(engineer, project) == []
    assert "of the shop" not in engineer_client.get(PALETTE).content.decode()
    assert "of the shop" not in member_client.get("/p/bank/palette").content.decode()


def test_no_more_are_kept_than_can_be_read_and_none_for_ever(member, project):
    now = timezone.now()
    remember(member, project, "old", "words", now - timedelta(days=400))
    for number in range(KEPT + 5):
        remember(member, project, f"text {number}", "words", now + timedelta(seconds=number))
    assert texts(member, project) == [f"text {number}" for number in reversed(range(5, KEPT + 5))]
    assert LookUp.objects.count() == KEPT


def test_a_text_that_is_no_line_is_not_kept(member, project):
    remember(member, project, "x" * (LONGEST + 1), "words", timezone.now())
    remember(member, project, "x" * LONGEST, "words", timezone.now())
    assert [len(text) for text in texts(member, project)] == [LONGEST]


@pytest.mark.django_db(transaction=True)
def test_a_look_up_is_answered_while_nothing_can_be_written(member, member_client, project, one_trace):
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
        try:
            answer = member_client.get("/p/shop", {"q": "req-1"})
        finally:
            cursor.execute("SET default_transaction_read_only = off")
    assert answer.status_code == 302
    assert "/traces/" in answer.headers["Location"]
    assert texts(member, project) == []


@pytest.mark.parametrize(
    ("client", "reached"),
    [
        ("member_client", set()),
        ("engineer_client", OF_ENGINEERS),
        ("admin_of_project_client", {*OF_ENGINEERS, "/p/shop/settings/keys"}),
    ],
)
def test_pages_are_offered_as_far_as_the_role_reaches(request, project, client, reached):
    client = request.getfixturevalue(client)
    offered = lines(client)
    kept = {*OF_ENGINEERS, "/p/shop/settings/keys"}
    assert {one for one in offered if one in kept} == reached
    for one in offered:
        assert client.get(one).status_code == 200, one


def test_every_section_and_every_page_of_the_settings_is_in_the_palette(admin_of_project_client, project):
    offered = set(lines(admin_of_project_client))
    page = Markup(admin_of_project_client.get("/p/shop/settings/keys"))
    here = {link for link in page.links if link.startswith("/p/shop") and link != "/p/shop/settings"}
    assert len(here) > 7
    assert here <= offered


def test_other_projects_are_those_of_the_member(member_client, project, other_project):
    assert "/p/bank" not in lines(member_client)
    both = person("both@example.org", project, Role.SUPPORT)
    Membership.objects.create(user=both, project=other_project, role=Role.SUPPORT)
    assert "/p/bank" in lines(client_of(both))


def test_a_hostile_look_up_is_shown_as_it_is(member_client, project):
    member_client.get("/p/shop", {"q": HOSTILE})
    markup = Markup(member_client.get(PALETTE))
    assert markup.inline == []
    assert markup.all("img") == []
    assert HOSTILE in markup.text


def test_its_queries_do_not_grow_with_what_it_offers(member, member_client, project, django_assert_num_queries):
    for number in range(30):
        remember(member, project, f"text {number}", "words", timezone.now())
    with django_assert_num_queries(6):  # session, user, projects with roles, look-ups, views, other projects
        member_client.get(PALETTE)


def test_saved_views_are_there_but_another_members_are_not(member, engineer, member_client, project):
    for owner, name in ((member, "Mine"), (None, "Ours"), (engineer, "Hers")):
        SavedView.objects.create(project=project, owner=owner, name=name, query="q=feature%3Afaq&period=7d")
    words = Markup(member_client.get(PALETTE)).words  # what stands at a line's end follows its label
    assert "Mineyour view" in words
    assert "Oursview of the project" in words
    assert "Hers" not in words
    mine = SavedView.objects.get(name="Mine")
    assert f"/p/shop/traces?q=feature%3Afaq&period=7d&view={mine.pk}" in lines(member_client)
