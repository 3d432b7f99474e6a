"""The facets beside the list of traces, and the bars over it, over HTTP."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.urls import reverse

from llmobs.lib.timerange import TimeRange
from tests import make
from traces import facet_groups, facet_views, times
from traces.queries.traffic import Traffic
from traces.rollups import rebuild_marked
from traces.search.asked import asked_of
from traces.search.counting import Buckets
from traces.search.index import index_marked

LIST = "/p/shop/traces"
FACETS = "/p/shop/facets"
LINK = re.compile(r'<a href="([^"]*)" title="([^"]*)"')
NOT = re.compile(r'<a class="facet__not" href="([^"]*)" aria-label="Not ([^"]*)"')


@pytest.fixture
def stored(project):
    for number in range(6):
        make.stored(
            project.pk,
            *make.trace(
                feature="Refund desk" if number < 4 else "faq",
                status="error" if number == 0 else "ok",
                failure="timeout" if number == 0 else None,
                tags=["vip"] if number == 1 else None,
                attributes={"metadata.plan": "pro"},
            ),
        )
    rebuild_marked()
    index_marked()


def asked(client, line="", address=FACETS, **more):
    answer = client.get(address, {"q": line, **more})
    assert answer.status_code == 200
    return answer.content.decode()


def lines(found):
    """The query line behind each link, by what it is called."""
    return {unescape(name): parse_qs(urlsplit(unescape(url)).query).get("q", [""])[0] for url, name in found}


def test_the_page_waits_for_no_count_and_says_where_they_are(stored, member_client):
    page = asked(member_client, "feature:faq", LIST)
    assert f'hx-get="{FACETS}?q=feature%3Afaq&amp;period=24h"' in page
    assert "Show counts" in page
    assert 'class="facet"' not in page


def test_without_scripts_a_link_shows_them_in_the_page(stored, member_client):
    url = re.search(r'<a href="([^"]*)" rel="nofollow">Show counts', asked(member_client, "", LIST))[1]
    page = member_client.get(unescape(url)).content.decode()
    assert 'title="Refund desk"' in page
    assert "6 traces" in page
    assert "hx-swap-oob" not in page


def test_every_value_is_a_link_to_it_and_to_all_but_it(stored, member_client):
    page = asked(member_client, "tag:vip")
    assert lines(LINK.findall(page))["Refund desk"] == 'tag:vip feature:"Refund desk"'
    assert lines(NOT.findall(page))["Refund desk"] == 'tag:vip -feature:"Refund desk"'


def test_a_value_that_is_asked_for_is_marked_and_given_up_by_a_click_and_another_takes_its_place(stored, member_client):
    page = asked(member_client, "feature:faq status:ok")
    assert re.search(r'title="faq" aria-current="true"', page)
    links = lines(LINK.findall(page))
    assert links["faq"] == "status:ok"
    assert links["Refund desk"] == 'status:ok feature:"Refund desk"'
    assert "Refund desk</bdi></span> <small>3</small>" in page


def test_a_value_that_is_refused_is_said_to_be_and_taken_back_by_a_click(stored, member_client):
    page = asked(member_client, "-feature:faq")
    assert "<b>not</b> <bdi>faq</bdi>" in page
    assert lines(LINK.findall(page))["faq"] == ""


def test_metadata_is_a_facet_once_the_project_says_so(stored, member_client, project):
    assert "plan" not in asked(member_client)
    project.facet_keys = ["plan", "tenant"]
    project.save()
    page = asked(member_client)
    assert '<span class="cut" title="plan">plan</span><small>metadata</small>' in page
    assert lines(LINK.findall(page))["pro"] == "metadata.plan:pro"
    assert "tenant" not in page


def test_the_way_to_facets_of_ones_own_is_shown_to_who_may_choose_them(stored, member_client, engineer_client):
    assert reverse("accounts:facet-keys", args=["shop"]) in asked(engineer_client)
    assert "facets of your own" not in asked(member_client)


def test_bars_lead_to_their_stretch_and_keep_the_conditions(stored, member_client):
    page = asked(member_client, "status:ok")
    bar = re.search(r'<td><a class="table__main" href="([^"]*)">[^<]*</a> <small class="muted">so far', page)[1]
    query = parse_qs(urlsplit(unescape(bar)).query)
    assert query["q"] == ["status:ok"]
    start, end = (datetime.fromisoformat(query[name][0]) for name in ("from", "to"))
    assert start < datetime.now(UTC) < end + timedelta(hours=1)
    assert member_client.get(unescape(bar)).status_code == 200


def test_a_line_that_cannot_be_read_has_no_facets(stored, member_client):
    assert 'id="facets"' not in asked(member_client, "feature:", LIST)
    assert 'class="facet"' not in asked(member_client, "feature:")


def test_nothing_found_is_nothing_to_narrow_down_but_what_is_asked_stays(stored, member_client):
    page = asked(member_client, "user:nobody")
    assert re.search(r'title="nobody" aria-current="true"', page)
    assert 'id="trace-times" hx-swap-oob="true"' in page
    assert "times__plot" not in page


def test_what_is_not_indexed_yet_is_not_said_to_be_nothing(project, member_client):
    make.stored(project.pk, *make.trace(feature="faq"))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE traces_unindexed SET marked_at = now() - interval '1 minute'")
    page = asked(member_client)
    assert "is still being indexed" in page
    assert "Not drawn yet" in page
    assert "Nothing to narrow down" not in page
    index_marked()
    assert "still being indexed" not in asked(member_client)


def test_what_is_not_indexed_yet_is_asked_for_again_but_not_for_ever(project, member_client):
    make.stored(project.pk, *make.trace(feature="faq"))
    page, asks = asked(member_client), 0
    while found := re.search(r'hx-get="([^"]*)" hx-trigger="load delay:6s"', page):
        assert "come here by themselves" in page
        page, asks = member_client.get(unescape(found[1])).content.decode(), asks + 1
    assert asks == facet_views.TRIES
    assert "whether the worker runs" in page
    index_marked()
    page = asked(member_client)
    assert 'title="faq"' in page
    assert "delay:" not in page


@pytest.mark.parametrize("said", ["-1", "x", "²", "9" * 400, "\x00"])
def test_how_often_it_was_asked_may_be_forged(project, member_client, said):
    make.stored(project.pk, *make.trace(feature="faq"))
    assert "tries=1&" in asked(member_client, tries=said) or 'tries=1"' in asked(member_client, tries=said)


def test_a_project_without_traces_has_nothing_to_narrow_down(project, member_client):
    assert "Nothing to narrow down." in asked(member_client)


@pytest.mark.parametrize("value", ["<b>&\"'", "a?b#c%d/e", "مرحبا بالعالم", "x" * 3_000, "退款", "a\\b*", "-status:ok"])
def test_whatever_a_value_is_it_is_shown_and_its_link_finds_it(project, member_client, value):
    make.stored(project.pk, make.span(feature=value))
    index_marked()
    page = asked(member_client)
    assert "<b>&" not in page
    found = [url for url, name in LINK.findall(page) if unescape(name) == value]
    assert len(found) == (len(value) < 1_000)
    for url in found:
        assert "1 trace" in member_client.get(unescape(url)).content.decode()


def test_a_facet_of_very_many_values_shows_the_first_and_says_how_to_find_others(project, member_client):
    make.stored(project.pk, *[make.span(user_id=f"u_{number:03d}") for number in range(100)])
    index_marked()
    page = asked(member_client)
    assert "<summary>22 more</summary>" in page
    assert "and at least 70 others" in page


def test_its_statements_do_not_grow_with_what_is_counted(stored, member_client, django_assert_max_num_queries):
    asked(member_client)
    with django_assert_max_num_queries(9):
        asked(member_client)


@pytest.mark.parametrize(
    ("number", "sure", "words"),
    [
        (0, "exactly", "0"),
        (1_234, "exactly", "1,234"),
        (1_234, "about", "about 1,200"),
        (16_729, "about", "about 17,000"),
        (7, "about", "about 7"),
        (8_001, "over", "over 8,000"),
    ],
)
def test_numbers(number, sure, words):
    assert facet_groups.number_words(number, sure) == words


@pytest.mark.parametrize(
    ("hours", "length", "words"),
    [
        (1, timedelta(minutes=2), "2 minutes"),
        (6, timedelta(minutes=10), "10 minutes"),
        (24, timedelta(minutes=30), "30 minutes"),
        (24 * 7, timedelta(hours=4), "4 hours"),
        (24 * 30, timedelta(days=1), "a day"),
        (0.001, timedelta(seconds=1), "a second"),
        (24 * 400, timedelta(days=14), "14 days"),
    ],
)
def test_pieces_of_time(hours, length, words):
    now = datetime(2026, 11, 21, 13, 7, tzinfo=UTC)
    buckets = times.buckets_of(TimeRange(now - timedelta(hours=hours), now))
    assert buckets.length == length
    assert times.length_words(length) == words


def test_bars_cover_the_period_and_a_single_trace_is_seen():
    now = datetime(2026, 11, 21, 13, 7, tzinfo=UTC)
    period = TimeRange(now - timedelta(hours=1), now)
    buckets = Buckets(now - timedelta(hours=13, minutes=7), timedelta(minutes=30))
    at = buckets.origin + timedelta(hours=12, minutes=30)
    shown = times.times_of(period, buckets, {(at, False): 1_000, (at, True): 1}, "exactly", asked_of({}), LIST, now)
    assert shown.bars[0].start == period.start
    assert [bar.unfinished for bar in shown.bars] == [False, False, True]
    assert shown.bars[1].number == "1,001"
    assert shown.bars[1].failed_height >= 1.5
    assert "the highest, 21 November, 12:30 to 13:00, has 1,001" in shown.sentence
    assert times.times_of(period, buckets, {}, "exactly", asked_of({}), LIST, now) is None


def test_bars_of_the_rollups_lie_in_the_same_pieces_and_none_where_these_are_finer():
    start = datetime(2026, 11, 20, tzinfo=UTC)
    at = int(start.timestamp())
    known = Traffic(TimeRange(start, start), timedelta(minutes=5), [(at, 5, 1), (at + 300, 2, 0), (at + 3600, 1, 1)], 8)
    hours = Buckets(start - timedelta(hours=1), timedelta(hours=1))
    later = start + timedelta(hours=1)
    assert times.from_traffic(known, hours) == {
        (start, False): 6, (start, True): 1, (later, False): 0, (later, True): 1,
    }  # fmt: skip
    assert times.from_traffic(known, Buckets(start, timedelta(minutes=2))) is None
