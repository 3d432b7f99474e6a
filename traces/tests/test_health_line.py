"""The line in the frame: whether traces come in, and up to when their text can be found."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from tests import make
from tests.markup import Markup
from traces.health import line_of
from traces.queries.arriving import Arriving
from traces.search.index import index_marked

HEALTH = "/p/shop/health"
NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)


def before(**since):
    return NOON - timedelta(**since)


@pytest.mark.parametrize(
    ("last_at", "waiting_since", "tone", "short", "comes", "found"),
    [
        (None, None, "plain", "No trace yet", "No trace yet", ""),
        (NOON, None, "good", "Receiving", "Receiving", "all text searchable"),
        (before(seconds=119), None, "good", "Receiving", "Receiving", "all text searchable"),
        (NOON, NOON, "good", "Receiving", "Receiving", "text searchable up to just now"),
        (NOON, before(seconds=3), "good", "Receiving", "Receiving", "text searchable up to 3 s ago"),
        (before(minutes=12), None, "plain", "Quiet for 12 min", "No new trace for 12 min", "all text searchable"),
        (before(days=3), None, "plain", "Quiet for 3 days", "No new trace for 3 days", "all text searchable"),
        (NOON, before(minutes=12), "warn", "Index 12 min behind", "Receiving", "text searchable up to"),
        (before(days=1), before(days=1), "warn", "Index 24 h behind", "No new trace for 24 h", "text searchable up to"),
    ],
)  # fmt: skip
def test_its_words_say_how_it_stands(last_at, waiting_since, tone, short, comes, found):
    line = line_of(Arriving(last_at, waiting_since), NOON)
    said = [text.replace("\u00a0", " ") for text in (line.short, line.comes, line.found)]
    assert (line.tone, *said) == (tone, short, comes, found)
    assert (line.comes_since is not None) == comes.startswith("No new")
    assert (line.found_up_to is not None) == (tone == "warn")


def said(client):
    return Markup(client.get(HEALTH)).words.replace("\u00a0", " ")


def test_an_empty_project_leads_to_the_lines_of_the_clients(member_client, project):
    answer = Markup(member_client.get(HEALTH))
    assert answer.words.strip() == "No trace yet"
    assert answer.links == ["/p/shop/send"]


def test_what_came_is_received_at_once_and_then_searchable(member_client, project):
    make.stored(project.pk, *make.trace())
    assert "Receiving · text searchable up to" in said(member_client)
    index_marked()
    assert "Receiving · all text searchable" in said(member_client)


def test_of_another_project_nothing_is_said(member_client, project, other_project):
    make.stored(other_project.pk, *make.trace())
    assert said(member_client).strip() == "No trace yet"


def came(ago):
    """What is in the index came so long ago."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE traces_entry SET entered_at = %s", [make.now() - ago])


def test_what_came_long_ago_is_said_with_its_moment_in_the_members_zone(member, member_client, project):
    member.time_zone = "Asia/Kolkata"
    member.save()
    make.stored(project.pk, *make.trace())
    index_marked()
    came(timedelta(minutes=30))
    moment = (make.now() - timedelta(minutes=30)).astimezone(ZoneInfo("Asia/Kolkata"))
    words = said(member_client)
    assert "No new trace for 30 min, since " in words
    assert f"{moment:%H:%M}" in words


def test_of_what_came_before_yesterday_the_newest_beginning_is_said(member_client, project):
    make.stored(project.pk, *make.trace(started_at=make.now() - timedelta(days=5, hours=1)))
    index_marked()
    assert "No new trace for 5 days, since " in said(member_client)


def test_an_index_that_is_behind_is_said_with_the_moment_that_it_has_reached(member_client, project):
    make.stored(project.pk, *make.trace())
    with connection.cursor() as cursor:
        cursor.execute("UPDATE traces_unindexed SET marked_at = %s", [make.now() - timedelta(minutes=12)])
    words = said(member_client)
    assert "Index 12 min behind" in words
    assert "text searchable up to " in words
    assert ", 12 min ago" in words


def test_it_costs_one_statement_while_traces_come_and_two_while_none_do(
    member_client, project, django_assert_num_queries
):
    with django_assert_num_queries(5):  # session, user, project, what came, the newest of all
        member_client.get(HEALTH)
    make.stored(project.pk, *make.trace())
    with django_assert_num_queries(4):
        member_client.get(HEALTH)


def test_no_page_asks_for_it_but_says_where_it_is(member_client, project):
    page = Markup(member_client.get("/p/shop/traces"))
    assert [one["data-health"] for one in page.all("p", class_="health")] == [HEALTH]
    assert not Markup(member_client.get("/nowhere")).all("p", class_="health")
