"""The index follows the spans: late ones, changed ones, moved ones; a worker that dies costs nothing."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest
from django.db import InterfaceError, OperationalError, connection, transaction

from accounts.models import Project
from llmobs.lib.timerange import TimeRange
from tests import make
from traces.search import entries, find, grammar, pace
from traces.search.index import MARKS_AT_ONCE, index_marked

BLOCKED = "SELECT pid FROM pg_locks WHERE NOT granted AND relation = 'traces_entry'::regclass"


def found(project: Project, line: str) -> list[bytes]:
    period = TimeRange(make.now() - timedelta(days=20), make.now() + timedelta(days=1))
    return [one.trace_id for one in find.find(project.pk, period, grammar.parse(line))]


def number(statement: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


def marks() -> int:
    return number("SELECT count(*) FROM traces_unindexed")


@pytest.mark.django_db
def test_nothing_is_done_twice(project: Project) -> None:
    make.stored(project.pk, *make.trace(), *make.trace())
    assert index_marked() == 2
    assert index_marked() == 0
    assert marks() == 0


@pytest.mark.django_db
def test_a_repeated_span_is_not_indexed_again(project: Project) -> None:
    span = make.span()
    make.stored(project.pk, span)
    index_marked()
    make.stored(project.pk, span)
    assert marks() == 0


@pytest.mark.django_db
def test_a_late_span_is_found_with_its_trace(project: Project) -> None:
    root = make.span(input="hello")
    make.stored(project.pk, root)
    index_marked()
    make.stored(project.pk, make.call(trace_id=root.trace_id, parent_id=root.span_id, output="overdue"))
    assert found(project, "overdue") == []
    index_marked()
    assert found(project, "overdue hello") == [root.trace_id]
    assert number("SELECT count(*) FROM traces_entry") == 1


@pytest.mark.django_db
def test_a_changed_span_is_found_as_it_is_now(project: Project) -> None:
    root = make.span(ended=False, status="unset", input="first")
    make.stored(project.pk, root)
    index_marked()
    assert found(project, "status:ok first -has:end") == [root.trace_id]
    make.stored(project.pk, make.span(trace_id=root.trace_id, span_id=root.span_id, status="error", input="second"))
    index_marked()
    assert found(project, "first") == found(project, "status:ok") == []
    assert found(project, "status:error second has:end") == [root.trace_id]


@pytest.mark.django_db
def test_a_trace_that_turns_out_to_have_begun_a_day_earlier_is_found_there_and_only_once(project: Project) -> None:
    later = make.call(output="moved")
    make.stored(project.pk, later)
    index_marked()
    before = later.started_at - timedelta(days=1)
    make.stored(project.pk, make.span(trace_id=later.trace_id, started_at=before))
    index_marked()
    assert found(project, "moved") == [later.trace_id]
    with connection.cursor() as cursor:
        cursor.execute("SELECT day FROM traces_entry")
        assert cursor.fetchall() == [(before.date(),)]


@pytest.mark.django_db
def test_traces_of_any_day_are_indexed(project: Project) -> None:
    old = make.span(input="ancient", started_at=make.now() - timedelta(days=15))
    make.stored(project.pk, old)
    index_marked()
    assert found(project, "ancient") == [old.trace_id]


@pytest.mark.django_db
def test_many_marks_are_taken_in_several_transactions(project: Project) -> None:
    for _ in range(3):
        make.stored(project.pk, *[make.span(input="crowd") for _ in range(150)])
    assert index_marked(limit=1) == MARKS_AT_ONCE
    assert index_marked() == 450 - MARKS_AT_ONCE
    assert number("SELECT count(*) FROM traces_entry") == 450


@pytest.mark.django_db
def test_giving_way_leaves_nothing_for_ever(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "_SECONDS", 0.05)
    make.stored(project.pk, *[make.span() for _ in range(450)])
    done = 0
    while done < 450:
        done += index_marked(give_way=True)
    assert marks() == 0


@pytest.mark.django_db
def test_a_trace_that_grows_is_left_alone_for_as_long_as_it_is_large(project: Project) -> None:
    now, root = make.now(), make.span(input="large")
    make.stored(project.pk, root, *[make.span(trace_id=root.trace_id, parent_id=root.span_id) for _ in range(1_499)])
    index_marked(now=now)
    make.stored(project.pk, make.call(trace_id=root.trace_id, output="latest"))
    index_marked(now=now + timedelta(seconds=1))
    assert (found(project, "latest"), marks()) == ([], 1)
    assert find.indexed_up_to(project.pk, make.now()) < make.now()
    index_marked(now=now + timedelta(seconds=2))
    assert (found(project, "latest large"), marks()) == ([root.trace_id], 0)


@pytest.mark.django_db
def test_it_says_how_far_it_is(project: Project, other_project: Project) -> None:
    assert find.indexed_up_to(project.pk, now := make.now()) == now
    make.stored(project.pk, make.span())
    assert find.indexed_up_to(project.pk, later := make.now() + timedelta(minutes=1)) < later
    assert find.indexed_up_to(other_project.pk, later) == later
    index_marked()
    assert find.indexed_up_to(project.pk, later) == later


@pytest.mark.django_db
def test_text_that_repeats_within_a_trace_is_taken_once_and_found_in_the_step_that_wrote_it(project: Project) -> None:
    system, answer = "You are a helpful shop assistant. " * 20, "Your parcel is in Leeds"
    root = make.span(input="Where is it?", output=answer)
    shared = {"trace_id": root.trace_id, "parent_id": root.span_id}
    talk = [{"role": "system", "content": system}, {"role": "user", "content": "Where is it?"}]
    first = make.call(**shared, input=talk, output=[{"role": "assistant", "content": answer}])
    second = make.call(**shared, input=[*talk, {"role": "assistant", "content": answer}], output="Bye")
    second.started_at += timedelta(seconds=2)
    make.stored(project.pk, root, first, second)
    index_marked()
    period = TimeRange(make.now() - timedelta(days=1), make.now())
    (hit,) = find.find(project.pk, period, grammar.parse('"parcel is in leeds"'))
    assert hit.span_id == first.span_id
    with connection.cursor() as cursor:
        cursor.execute("SELECT codec, text FROM traces_entry")
        text = entries.text_of(*cursor.fetchone())
    assert (text.count("helpful"), text.count("leeds"), text.count("where is it")) == (20, 1, 1)


@pytest.mark.django_db
def test_of_a_text_that_is_too_long_the_beginning_is_found_and_the_entry_says_that_it_was_cut(project: Project) -> None:
    rows = [" ".join(f"word{number * 1_000 + column}" for column in range(1_000)) for number in range(200)]
    span = make.call(input=rows)
    make.stored(project.pk, span)
    index_marked()
    period = TimeRange(make.now() - timedelta(days=1), make.now())
    (hit,) = find.find(project.pk, period, grammar.parse("word5 model:gpt-4o-mini"))
    assert hit.text_cut
    assert found(project, "word199999") == []


HOSTILE = [
    "\0",
    "\ud800",
    "a\x1eb\x1fc",
    "'quo''ted\\",
    "(|&!:*)",
    "x" * 100_000,
    "é" * 50_000,
    "\u202e\u200b",
    "退" * 9_000,
]


@pytest.mark.django_db
@pytest.mark.parametrize("said", HOSTILE)
def test_no_text_stops_the_job(project: Project, said: str) -> None:
    attributes = {"metadata.k": said, f"metadata.{said}": 1}
    make.stored(project.pk, make.call(name="odd", input=said, attributes=attributes), make.call(output="well-behaved"))
    index_marked()
    assert len(found(project, "well-behaved")) == 1
    assert len(found(project, "name:odd")) == 1


def process(work: Callable[[], object]) -> threading.Thread:
    """Work on another connection, whose end in the middle of it is no error."""

    def run() -> None:
        try:
            work()
        except (psycopg.OperationalError, OperationalError, InterfaceError):
            pass
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@contextmanager
def stuck_indexer() -> Iterator[tuple[int, threading.Thread]]:
    """A worker that has read the spans and waits for the table of entries; let go of at the end."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE traces_entry IN SHARE MODE")
        worker = process(index_marked)
        for _ in range(200):
            cursor.execute(BLOCKED)
            if waiting := cursor.fetchone():
                break
            time.sleep(0.02)
        yield waiting[0], worker
    worker.join()


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_killed_loses_nothing(project: Project) -> None:
    span = make.span(input="survivor")
    make.stored(project.pk, span)
    with stuck_indexer() as (pid, worker):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
        worker.join()
    assert (found(project, "survivor"), marks()) == ([], 1)
    index_marked()
    assert (found(project, "survivor"), found(project, "*urvivo*")) == ([span.trace_id], [span.trace_id])


@pytest.mark.django_db(transaction=True)
def test_a_span_that_comes_while_its_trace_is_indexed_is_indexed_next(project: Project) -> None:
    root = make.span(input="early")
    make.stored(project.pk, root)
    with stuck_indexer():  # it has read the spans
        sender = process(lambda: make.stored(project.pk, make.call(trace_id=root.trace_id, output="meanwhile")))
        sender.join()
    assert (found(project, "early meanwhile"), marks()) == ([root.trace_id], 0)


@pytest.mark.django_db(transaction=True)
def test_one_worker_indexes_at_a_time(project: Project) -> None:
    make.stored(project.pk, make.span())
    with stuck_indexer():
        done: list[int] = []
        process(lambda: done.append(index_marked())).join()
        assert done == [0]
    assert marks() == 0
