"""A trace of one day is read and changed in that day's tables alone; of several, or one that went, it is read whole."""

from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection, transaction

from tests import make
from traces import partitions
from traces.lookup import look_up
from traces.pasted import read
from traces.queries import planned
from traces.queries.beginnings import beginnings
from traces.queries.lookup import exact
from traces.queries.spans import SPANS, asked_spans, spans_of, stored_spans
from traces.queries.traces import asked_of_request
from traces.rows import day_of


def test_a_trace_of_one_day_is_read_from_its_day(project):
    root, call = make.trace()
    make.stored(project.pk, root, call)
    day = day_of(root.started_at)
    asked = asked_spans(project.pk, [root.trace_id], (day, day))
    assert asked.day == day
    (lines,) = planned.rows_of_all([asked])
    assert {span.span_id for span in stored_spans(lines)} == {root.span_id, call.span_id}
    assert partitions.name_of("traces_span", day) in planned.on_day(SPANS, day).sql


def test_a_trace_of_two_days_is_read_whole(project):
    root, call = make.trace()
    call.started_at = root.started_at - timedelta(days=1)
    make.stored(project.pk, root, call)
    assert {span.span_id for span in spans_of(project.pk, [root.trace_id])} == {root.span_id, call.span_id}


@pytest.mark.django_db(transaction=True)
def test_a_day_that_was_dropped_meanwhile_has_no_spans(project):
    root, call = make.trace()
    make.stored(project.pk, root, call)
    long_ago = day_of(root.started_at) - timedelta(days=200)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE traces_summary SET first_day = %s, last_day = %s", [long_ago, long_ago])
    assert spans_of(project.pk, [root.trace_id]) == []
    asked = asked_spans(project.pk, [root.trace_id], (long_ago, long_ago))
    assert planned.rows_of_all([asked, asked]) == [[], []]


def test_the_traces_of_a_request_are_looked_for_in_the_days_about_it(project):
    lately, before, long_ago = (make.now() - timedelta(days=days) for days in (0, 6, 9))
    traces = [make.span(request_id="r-1", started_at=at) for at in (lately, before, long_ago)]
    make.stored(project.pk, *traces)

    def found(around):
        asked = asked_of_request(project.pk, "r-1", around)
        return [trace_id for (trace_id,) in planned.rows(asked.statement, asked.values)]

    assert found(lately) == [one.trace_id for one in traces[:2]]
    assert found(None) == [one.trace_id for one in traces]


LOCKED = """
    SELECT DISTINCT c.relname FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
    WHERE l.pid = pg_backend_pid() AND c.relkind = 'r' AND c.relname ~ '^traces_(span|payload)_[0-9]'
"""
NOON = make.now().replace(hour=12, minute=0) - timedelta(days=2)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("later", [timedelta(seconds=1), timedelta(hours=2), timedelta(days=1)])
@pytest.mark.parametrize(
    "change",
    [{"name": "another"}, {"started_at": NOON - timedelta(seconds=9)}, {"parent_id": b"12345678", "status": "error"}],
)
def test_a_span_that_comes_again_changed_opens_the_days_of_its_trace_alone(project, later, change):
    root, call = make.trace(started_at=NOON, user_id="u-1", input="hi")
    call.started_at = NOON + later
    make.stored(project.pk, root, call)
    days = {day_of(NOON), day_of(NOON + later)}
    partitions.make([day_of(NOON) - timedelta(days=before) for before in range(20)])
    with transaction.atomic():
        outcome = make.stored(project.pk, replace(root, **change), replace(call, user_id="u-2"))
        opened = _opened_days()
    assert outcome.updated == 2
    assert opened == {partitions.name_of("", day)[1:] for day in days}


def _opened_days():
    with connection.cursor() as cursor:
        cursor.execute(LOCKED)
        return {name.rpartition("_")[2] for (name,) in cursor.fetchall()}


@pytest.fixture
def today(transactional_db):
    """Today, before which there are days 3 and 40 days ago."""
    day = day_of(make.now())
    partitions.make([day - timedelta(days=before) for before in (3, 40)])
    return day


@contextmanager
def opens_the_last_days_alone(today):
    with transaction.atomic():
        yield
        opened = _opened_days()
    assert f"{today - timedelta(days=3):%Y%m%d}" in opened
    assert f"{today - timedelta(days=40):%Y%m%d}" not in opened


def test_an_id_is_looked_for_without_opening_the_days_before_those_that_are_asked(project, today):
    make.stored(project.pk, make.span(request_id="r-1"))
    since = today - timedelta(days=31)
    with opens_the_last_days_alone(today):
        assert [hit.kind for hit in exact(project.pk, ["r-1"], since=since)] == ["request"]
        assert [hit.kind for hit in beginnings(project.pk, ["r-"], since=since)] == ["request"]
        asked = asked_of_request(project.pk, "r-1", make.now())
        assert len(planned.rows(asked.statement, asked.values)) == 1


def test_the_beginning_of_an_id_of_the_last_days_opens_no_older_day(project, today):
    make.stored(project.pk, make.span(request_id="r-123456"))
    with opens_the_last_days_alone(today):
        (found,) = look_up(project, read("r-1234", project.slug), today).found
    assert found.kind == "request"
