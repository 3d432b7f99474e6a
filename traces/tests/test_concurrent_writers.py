"""Several writers of one span at once, on connections of their own: nothing is lost, nobody waits in a circle."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from tests import make
from tests.otlp import post, protobuf, span
from tests.outages import SLEEPING, WAITING, before_each, until
from traces import group_commit, store
from traces.placeholders import placeholders
from traces.queries.spans import payload_of, spans_of
from traces.queries.traces import summaries_of
from traces.records import LogRecord, SpanRecord

pytestmark = pytest.mark.django_db(transaction=True)

MIDNIGHT = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
EVENING, MORNING = MIDNIGHT - timedelta(milliseconds=500), MIDNIGHT + timedelta(milliseconds=700)
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


def rows(query: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


@pytest.fixture(autouse=True)
def each_writes_at_once(monkeypatch) -> None:
    """As in several processes: no small request waits for another, to be written with the next."""
    monkeypatch.setattr(group_commit, "KEYS_FOR_ANOTHER", 1)


@pytest.fixture
def others() -> Iterator[Callable[..., "Future[Any]"]]:
    """Runs a function beside the test, on a connection of its own."""

    def run(function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return function(*arguments)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        yield lambda function, *arguments: pool.submit(run, function, *arguments)


def version(record: SpanRecord, **contents: Any) -> SpanRecord:
    """The span as it is told again, with other contents."""
    return replace(record, payload=replace(record.payload, **contents))


def test_what_two_writers_add_to_one_span_is_kept_of_both(project, others):
    first = make.call()
    make.stored(project.pk, first)
    with before_each("UPDATE ON traces_span", "PERFORM pg_sleep(0.3)"):  # the row is locked, and not yet changed
        one = others(make.stored, project.pk, version(first, input="asked"))
        until(SLEEPING, 1)
        other = others(make.stored, project.pk, version(first, output="answered"))
        assert (one.result(10).updated, other.result(10).updated) == (1, 1)
    kept = payload_of(project.pk, first.trace_id, first.span_id)
    assert (kept.input, kept.output) == ("asked", "answered")


def test_a_summary_that_is_built_anew_keeps_what_others_add_meanwhile(project, others):
    root = make.span(name="root", started_at=MIDNIGHT)
    early, late = (make.call(trace_id=root.trace_id, parent_id=root.span_id, started_at=MIDNIGHT + after) for after in
                   (-timedelta(minutes=1), timedelta(minutes=1)))  # fmt: skip
    make.stored(project.pk, root)
    with transaction.atomic():
        make.stored(project.pk, replace(root, parent_id=b"12345678", name="", feature="f"))
        writers = [others(make.stored, project.pk, one) for one in (early, late)]
        until(WAITING, 2)
    assert [writer.result(10).accepted for writer in writers] == [1, 1]
    (kept,) = summaries_of(project.pk, [root.trace_id])
    assert (kept.has_root, kept.happened_at, kept.name, kept.feature) == (False, early.started_at, "chat", "f")
    assert kept.ended_at == late.started_at + timedelta(microseconds=late.duration_us)


def placeholder(record: SpanRecord, text: str) -> SpanRecord:
    """What a log record of the span that came after midnight stands for."""
    at_ns = int(MORNING.timestamp() * 1e6) * 1_000
    ids = (record.trace_id.hex(), record.span_id.hex())
    ((found, _),) = placeholders([LogRecord(0, *ids, at_ns, "gen_ai.user.message", {"content": text})])
    return found


def test_logs_and_a_version_of_their_span_across_midnight_do_not_lock_each_other_out(project, others):
    """Each holds what the other asks for next: the version its span, the logs the summary of the trace."""
    evening = make.call(started_at=EVENING)
    make.stored(project.pk, evening)
    before = rows(DEADLOCKS)
    of_version = "NEW.first_day = current_date - 1"
    with before_each("INSERT ON traces_summary", f"IF {of_version} THEN PERFORM pg_sleep(0.3); END IF"):
        newer = others(store.write, project.pk, [version(evening, output="yes")], MORNING)
        until(SLEEPING, 1)
        logs = others(store.write, project.pk, [placeholder(evening, "Hi")], MORNING)
        assert (newer.result(10).updated, logs.result(10).accepted) == (1, 1)
    (kept,) = spans_of(project.pk, [evening.trace_id])
    assert kept.happened_at == EVENING
    contents = payload_of(project.pk, evening.trace_id, evening.span_id)
    assert (contents.input, contents.output) == ([{"role": "user", "content": "Hi"}], "yes")
    assert rows(DEADLOCKS) == before


def test_a_placeholder_that_went_home_meanwhile_takes_its_logs_along(project, others):
    evening = make.call(started_at=EVENING)
    store.write(project.pk, [placeholder(evening, "one")], MORNING)
    with transaction.atomic():
        make.stored(project.pk, evening)
        logs = others(store.write, project.pk, [placeholder(evening, "two")], MORNING)
        until(WAITING, 1)
    logs.result(10)
    (kept,) = spans_of(project.pk, [evening.trace_id])
    said = payload_of(project.pk, evening.trace_id, evening.span_id).input
    assert (kept.happened_at, {one["content"] for one in said}) == (EVENING, {"one", "two"})


def test_a_place_that_is_forgotten_meanwhile_costs_no_span(project):
    with before_each("INSERT ON traces_locator", "RETURN NULL"):  # as if the retention took it at once
        assert make.stored(project.pk, make.span(started_at=None)).accepted == 1


@pytest.mark.parametrize(
    ("code", "times", "status", "tries"), [("40P01", 2, 200, 3), ("40001", 1, 200, 2), ("40P01", 99, 503, None)]
)
def test_who_is_in_another_s_way_tries_again_and_is_put_off_in_the_end(
    client, project, ingest_key, code, times, status, tries
):
    trouble = f"IF nextval('tries') <= {times} THEN RAISE EXCEPTION 'in the way' USING ERRCODE = '{code}'; END IF"
    with before_each("INSERT ON traces_summary", trouble):
        answer = post(client, protobuf(span()), ingest_key)
        ((tried,),) = rows("SELECT last_value FROM tries")
    assert (answer.status_code, answer.headers.get("Retry-After")) == (status, None if status == 200 else "5")
    assert tried == tries if tries else 2 <= tried <= 10
    assert rows("SELECT count(*) FROM traces_span") == [(1 if status == 200 else 0,)]
