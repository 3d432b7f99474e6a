"""What is new in a list: what has come into the index since it was read, whenever it began, once each."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests import make
from tests.markup import Markup
from traces.search import arrivals as module
from traces.search.index import index_marked

LIST = "/p/shop/traces"


@pytest.fixture(autouse=True)
def _not_empty(project):
    """A project without a trace shows how to send one, and no list."""
    arrive(project, name="the first", feature="first")


def page(client, query=""):
    """What the list gives its page to ask with."""
    (bar,) = [have for name, have in Markup(client.get(f"{LIST}?{query}")).tags if "data-live" in have]
    return bar


def newer(client, bar, *, shown=(), follow=False, since=None, seen=None):
    """(how many are new, the traces of the rows, where to go on, the answer's tags)."""
    places = {"since": since or bar["data-since"], "seen": seen or bar["data-seen"], "shown": ".".join(shown)}
    answer = client.get(f"{bar['data-live']}&{urlencode({**places, **({'follow': '1'} if follow else {})})}")
    assert answer.status_code == 200
    markup = Markup(answer)
    (head,) = [have for _, have in markup.tags if "data-newer" in have]
    rows = [have["data-trace"] for name, have in markup.tags if name == "tr"]
    return int(head["data-newer"]), rows, head, markup


def arrive(project, **fields):
    """One more trace, found from now on; its id as rows carry it."""
    root, call = make.trace(**fields)
    make.stored(project.pk, root, call)
    index_marked()
    return root.trace_id.hex()


def test_what_comes_after_the_list_was_read_is_new_once(member_client, project):
    arrive(project)
    bar = page(member_client)
    assert newer(member_client, bar)[0] == 0
    key = arrive(project)
    count, rows, head, _ = newer(member_client, bar)
    assert (count, rows) == (1, [])
    assert newer(member_client, bar, since=head["data-since"])[0] == 0
    assert newer(member_client, bar, follow=True)[:2] == (1, [key])


def test_a_trace_that_began_long_before_the_newest_is_new_when_it_comes(member_client, project):
    arrive(project)
    bar = page(member_client)
    key = arrive(project, started_at=make.now() - timedelta(hours=20))
    assert newer(member_client, bar, follow=True)[:2] == (1, [key])


@pytest.mark.parametrize(
    ("query", "fields", "count"),
    [
        ("q=feature:faq", {"feature": "faq"}, 1),
        ("q=feature:faq", {"feature": "billing"}, 0),
        ("q=-feature:faq", {"feature": "billing"}, 1),
        ("q=parcel", {"input": "Where is my parcel?"}, 1),
        ('q="my parcel"', {"input": "Where is my parcel?"}, 1),
        ('q="parcel my"', {"input": "Where is my parcel?"}, 0),
        ("q=*arce*", {"input": "Where is my parcel?"}, 1),
        ("q=*brce*", {"input": "Where is my parcel?"}, 0),
        ("q=latency:>1s", {"duration_us": 2_000_000}, 1),
        ("q=latency:>1s", {"duration_us": 2_000}, 0),
        ("q=-has:score", {}, 1),
        ("q=has:score", {}, 0),
        ("period=1h", {"started_at": make.now() - timedelta(hours=2)}, 0),
        ("period=7d", {"started_at": make.now() - timedelta(days=5)}, 1),
        ("sort=cost&q=feature:faq", {"feature": "faq"}, 1),
    ],
)
def test_only_what_the_line_and_the_period_ask_for_is_new(member_client, project, query, fields, count):
    bar = page(member_client, query)
    arrive(project, **fields)
    assert newer(member_client, bar)[0] == count


def test_what_the_page_shows_already_is_not_new(member_client, project):
    bar = page(member_client)
    key = arrive(project)
    assert newer(member_client, bar, shown=[key])[0] == 0


def test_a_shown_trace_that_has_changed_comes_again_as_a_row_and_is_not_new(member_client, project):
    root = make.span(ended=False, duration_us=None, input="Where is it?")
    make.stored(project.pk, root)
    index_marked()
    key = root.trace_id.hex()
    bar = page(member_client)
    assert newer(member_client, bar, shown=[key], follow=True)[1] == []
    root.ended, root.duration_us = True, 900_000
    make.stored(project.pk, root)
    index_marked()
    count, rows, head, markup = newer(member_client, bar, shown=[key], follow=True)
    assert (count, rows) == (0, [key])
    assert "Answered" in markup.words
    assert newer(member_client, bar, shown=[key], follow=True, seen=head["data-seen"])[1] == []


def test_a_growing_trace_is_new_once(member_client, project):
    bar = page(member_client)
    root = make.span()
    make.stored(project.pk, root)
    index_marked()
    count, _, head, _ = newer(member_client, bar)
    make.stored(project.pk, make.call(trace_id=root.trace_id, parent_id=root.span_id))
    index_marked()
    assert (count, newer(member_client, bar, since=head["data-since"])[0]) == (1, 0)


def test_many_are_looked_at_piece_by_piece_and_none_is_left_out(member_client, project, monkeypatch):
    monkeypatch.setattr(module, "MOST", 4)
    bar = page(member_client, "q=feature:faq")
    for number in range(10):
        make.stored(project.pk, *make.trace(feature="faq" if number % 2 else "billing"))
    index_marked()
    counts, since = [], bar["data-since"]
    for _ in range(4):
        count, _, head, _ = newer(member_client, bar, since=since)
        counts.append((count, "data-more" in head))
        since = head["data-since"]
    assert [more for _, more in counts] == [True, True, False, False]
    assert sum(count for count, _ in counts) == 5


def test_it_costs_one_statement_while_nothing_comes(member_client, project, django_assert_num_queries):
    for _ in range(3):
        arrive(project, feature="faq")
    bar = page(member_client, "q=feature:faq parcel")
    with django_assert_num_queries(3):  # session, user, project; what has come is asked past Django, which counts not
        newer(member_client, bar, follow=True, shown=["ab" * 16])


def test_rows_cost_no_more_statements_when_there_are_more(member_client, project):
    bar, counts = page(member_client), []
    for size in (1, 1, 20):  # the first also asks for the usual, which is then known for minutes
        for _ in range(size):
            make.stored(project.pk, *make.trace())
        index_marked()
        with CaptureQueriesContext(connection) as asked:
            newer(member_client, bar, follow=True)
        counts.append(len(asked))
    assert counts[1] == counts[2]


def test_it_goes_along_the_index_of_arrivals(project):
    arrive(project)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT * FROM traces_entry WHERE project_id = 1 AND entered_at IS NOT NULL"
            " AND (entered_at, trace_id) > (now(), '\\x00') ORDER BY entered_at, trace_id LIMIT 1000"
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "->  Sort" not in plan  # each day in its order, put together
    assert "project_id_entered_at_trace_id" in plan


@pytest.mark.parametrize(
    "query",
    [
        "after=2026-01-01T00:00:00%2B00:00~" + "00" * 16,
        "from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z",
        'q=model:"',
    ],
)
def test_where_nothing_can_come_nothing_is_watched(member_client, project, query):
    arrive(project)
    assert "data-live" not in member_client.get(f"{LIST}?{query}").content.decode()


@pytest.mark.parametrize("since", ["", "x", "~", "\0", "9" * 5000, "2026-01-01~zz", "0001-01-01T00:00:00+14:00~"])
def test_a_place_that_nobody_wrote_is_the_present(member_client, project, since):
    bar = page(member_client)
    arrive(project)
    for name in ("since", "seen"):
        places = {"since": bar["data-since"], "seen": bar["data-seen"], name: since}
        answer = member_client.get("/p/shop/newer", places)
        assert 'data-newer="0"' in answer.content.decode()


def test_in_a_line_with_a_mistake_nothing_is_new(member_client, project):
    assert member_client.get("/p/shop/newer", {"q": 'model:"'}).status_code == 404


def test_of_other_projects_nothing_is_new(member_client, stranger_client, project, other_project):
    bar = page(member_client)
    make.stored(other_project.pk, *make.trace())
    index_marked()
    assert newer(member_client, bar)[0] == 0
    assert stranger_client.get(bar["data-live"]).status_code == 404


def test_how_it_is_watched_stays_in_the_address(member_client, project):
    arrive(project)
    for mode, said in (("follow", "follow"), ("off", "off"), ("x", "watch"), ("", "watch")):
        assert page(member_client, f"live={mode}")["data-mode"] == said
    assert "live=follow" in Markup(member_client.get(f"{LIST}?live=follow&sort=time")).all("a", class_="btn")[0]["href"]


def test_what_was_there_before_arrivals_were_kept_is_not_new(member_client, project):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE traces_entry SET entered_at = NULL")
    bar = page(member_client)
    later = module.last_arrival(project.pk, timezone.now())
    assert newer(member_client, bar)[0] == 0
    arrive(project)
    assert module.last_arrival(project.pk, timezone.now()) > later
    assert newer(member_client, bar)[0] == 1
