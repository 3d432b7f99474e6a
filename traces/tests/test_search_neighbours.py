"""The traces before and after one in the list that it was opened from."""

from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from tests import make
from tests.markup import Markup
from traces.search.asked import SORTS, after_of, after_words, asked_in, asked_of
from traces.search.index import index_marked
from traces.search.neighbours import neighbours
from traces.search.results import listing


@pytest.fixture
def listed(project):
    """Six traces, two of which never ended and two of which are alike; the list that a query gives."""
    for number, duration_us in enumerate([5_000, None, 3_000, 3_000, 9_000, None]):
        started_at = make.now() - timedelta(minutes=number + 1)
        ended = duration_us is not None
        make.stored(project.pk, make.span(user_id="u", started_at=started_at, duration_us=duration_us, ended=ended))
    index_marked()
    return lambda query: [place.trace_id for place in listing(project.pk, asked_in(query), timezone.now(), 10).places]


@pytest.mark.parametrize(
    "query", ["period=1h", "q=user:u", "q=user:u&sort=-time", "q=user:u&sort=latency", "sort=-cost"]
)
def test_they_are_the_rows_above_and_below(project, listed, query):
    order = listed(query)
    assert len(order) == 6
    for place, trace_id in enumerate(order):
        beside = neighbours(project.pk, query, trace_id, timezone.now())
        above = beside.previous.trace_id if beside.previous else None
        below = beside.next.trace_id if beside.next else None
        assert above == (order[place - 1] if place else None), place
        assert below == (order[place + 1] if place < 5 else None), place


@pytest.mark.parametrize("query", ["", "q=latency:2x", "q=%00", "sort=9", "after=x~y&q=user:u"])
def test_a_list_that_is_none_has_no_neighbours_and_breaks_nothing(project, query):
    assert neighbours(project.pk, query, b"x" * 16, timezone.now()).next is None


def test_a_trace_s_page_leads_to_them_and_back_to_its_list(project, listed, member_client):
    order = listed("q=user:u&sort=latency")
    page = Markup(member_client.get(f"/p/shop/traces/{order[1].hex()}", {"list": "q=user:u&sort=latency"}))
    (before,), (after,) = page.all("a", rel="prev"), page.all("a", rel="next")
    assert order[0].hex() in before["href"]
    assert order[2].hex() in after["href"]
    assert (before["data-key"], after["data-key"]) == ("ArrowLeft", "ArrowRight")
    assert "/p/shop/traces?q=user%3Au&sort=latency&period=24h" in page.links
    assert all("list=q%3Duser" in link["href"] for link in page.all("a", data_row="step"))
    alone = Markup(member_client.get(f"/p/shop/traces/{order[1].hex()}"))
    assert alone.all("a", rel="next") == []


@given(st.dictionaries(st.sampled_from(["q", "add", "sort", "after", "period", "from", "to", "failed"]), st.text()))
def test_whatever_an_address_says_can_be_asked_and_said_again(params):
    asked = asked_of(params)
    again = asked_in(asked.query())
    assert (again.terms, again.sort, again.period.query()) == (asked.terms, asked.sort, asked.period.query())


@given(
    st.sampled_from(SORTS),
    st.text()
    | st.sampled_from(["NaN~", "1e999999~", "Infinity~", "9" * 5_000 + "~"]).map(lambda text: text + "00" * 16),
)
def test_whatever_a_place_says_is_one_or_none(sort, words):
    if place := after_of(words, sort):
        assert after_of(after_words(place), sort) == place
