"""The rollups say what a straight count over the spans says, whatever came in which order."""

import random
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from django.db import connection, connections, transaction

from accounts.models import Project
from llmobs.lib.timerange import FIVE_MINUTES, floor
from tests import make
from traces import rollups
from traces.marks import SLICE
from traces.records import SpanRecord
from traces.sketch import Sketch
from traces.tests import straight

COUNTERS = ("requests", "requests_failed", "calls", "calls_failed", "calls_without_price", "calls_without_tokens")
COUNTERS += (*straight.SUMS, "cost_usd")
# As all who read them do: slices are added up.
ROWS = f"""
    SELECT level, date_bin(%s, starts_at, 'epoch') AS at, feature, model, string_agg(request_latency, ''),
        string_agg(call_latency, ''), {", ".join(f"sum({name})" for name in COUNTERS)}
    FROM traces_rollup WHERE project_id = %s GROUP BY level, at, feature, model
"""


def rows(project: Project) -> dict[straight.Key, tuple[dict[str, int | Decimal], Sketch, Sketch]]:
    with connection.cursor() as cursor:
        cursor.execute(ROWS, [FIVE_MINUTES, project.pk])
        return {
            line[:4]: (dict(zip(COUNTERS, line[6:], strict=True)), Sketch(line[4] or b""), Sketch(line[5] or b""))
            for line in cursor.fetchall()
        }


def starts(project: Project) -> set[datetime]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT starts_at FROM traces_rollup WHERE project_id = %s", [project.pk])
        return {start for (start,) in cursor.fetchall()}


def assert_right(project: Project) -> None:
    """Every counter is exact, and every percentile within 2 % of numpy's."""
    expected, found = straight.count(project.pk), rows(project)
    assert found.keys() == expected.keys()
    for key, (counters, request_latency, call_latency) in found.items():
        assert counters == {name: expected[key].sums[name] for name in COUNTERS}, key
        for sketch, durations in ((request_latency, expected[key].request_us), (call_latency, expected[key].call_us)):
            assert sketch.count == len(durations), key
            for q in (0.5, 0.95, 0.99) if durations else ():
                assert sketch.quantile(q) == pytest.approx(np.percentile(durations, q * 100), rel=0.02)


def marks(project: Project) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM traces_mark WHERE project_id = %s", [project.pk])
        return cursor.fetchone()[0]


def random_trace(rng: random.Random, now: datetime) -> Iterator[SpanRecord]:
    """A tree as services send them: wrappers that repeat tokens, failures, missing roots, hours between the spans."""
    trace_id, start = rng.randbytes(16), now - timedelta(seconds=rng.uniform(0, 40 * 3600))
    parents: list[SpanRecord | None] = [None]
    names = {"feature": rng.choice([None, "search", "refund"]), "service": rng.choice([None, "shop"])}
    for _ in range(rng.randrange(1, 9)):
        parent = rng.choice(parents)
        told = rng.random() < 0.7
        span = make.span(
            trace_id=trace_id,
            span_id=rng.randbytes(8),
            parent_id=parent.span_id if parent else rng.choice([None, None, b"notsent!"]),
            kind=rng.choice(["llm", "llm", "embedding", "agent", "tool", "rerank"]),
            status=rng.choice(["ok", "ok", "unset", "error"]),
            started_at=start + timedelta(seconds=rng.choice([0, 0, 1, 400, 9_000]) * rng.random()),
            duration_us=rng.choice([None, 0, int(rng.lognormvariate(14, 1))]),
            model_requested=rng.choice([None, "gpt-4o", "claude"]),
            model=rng.choice([None, "gpt-4o-2024"]),
            input_tokens=rng.randrange(5_000) if told else None,
            output_tokens=rng.randrange(500) if told and rng.random() < 0.9 else None,
            cache_read_tokens=rng.choice([None, 7]),
            reasoning_tokens=rng.choice([None, 3]),
            retries=rng.choice([None, 0, 2]),
            cost_usd=rng.choice([None, Decimal(rng.randrange(10**6)) / 10**8]),
            **names,
        )
        names = dict.fromkeys(names) if rng.random() < 0.8 else names
        parents.append(span)
        yield span


def in_batches(rng: random.Random, spans: list[SpanRecord]) -> Iterator[list[SpanRecord]]:
    while spans:
        size = rng.randrange(1, 12)
        yield spans[:size]
        spans = spans[size:]


@pytest.mark.django_db
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_traces_in_random_order_count_as_their_spans_do(project: Project, seed: int) -> None:
    rng = random.Random(seed)
    spans = [span for _ in range(60) for span in random_trace(rng, make.now())]
    resent = rng.sample(spans, 40)
    ended = [replace(span, status="error", duration_us=5_000_000) for span in rng.sample(spans, 30)]
    everything = spans + resent
    rng.shuffle(everything)
    for batch in in_batches(rng, everything + ended):
        make.stored(project.pk, *batch)
        if rng.random() < 0.3:  # the job runs in between, so that what comes later is late
            rollups.rebuild_marked()
    rollups.rebuild_marked()
    assert_right(project)
    assert marks(project) == 0


@pytest.mark.django_db
def test_a_child_that_comes_later_makes_its_parent_a_wrapper(project: Project) -> None:
    long_ago = make.now() - timedelta(hours=1)
    wrapper = make.call(started_at=long_ago, input_tokens=900)
    make.stored(project.pk, wrapper)
    rollups.rebuild_marked()
    make.stored(project.pk, make.call(trace_id=wrapper.trace_id, parent_id=wrapper.span_id, input_tokens=900))
    rollups.rebuild_marked()
    assert_right(project)
    assert sum(counters["input_tokens"] for key, (counters, *_) in rows(project).items() if key[0] == "project") == 900


@pytest.mark.django_db
def test_a_root_that_comes_last_moves_its_request_and_decides_it(project: Project) -> None:
    start = make.now() - timedelta(minutes=42)
    child = make.call(parent_id=b"rootroot", started_at=start + timedelta(minutes=11), status="error")
    make.stored(project.pk, child)
    rollups.rebuild_marked()
    root = make.span(trace_id=child.trace_id, span_id=b"rootroot", started_at=start, duration_us=700_000_000)
    make.stored(project.pk, root)
    rollups.rebuild_marked()
    assert_right(project)
    totals = [counters for key, (counters, *_) in rows(project).items() if key[0] == "project"]
    assert sum(one["requests"] for one in totals) == 1
    assert sum(one["requests_failed"] for one in totals) == 0


@pytest.mark.django_db
def test_a_span_that_changes_its_start_leaves_the_bucket_it_was_in(project: Project) -> None:
    noon = make.now().replace(hour=12) - timedelta(days=1)
    root = make.span(started_at=noon - timedelta(hours=1))
    span = make.call(trace_id=root.trace_id, parent_id=root.span_id, started_at=noon, start_may_change=True)
    make.stored(project.pk, root, span)
    rollups.rebuild_marked()
    make.stored(project.pk, replace(span, started_at=noon + timedelta(hours=1), name="later"))
    rollups.rebuild_marked()
    assert_right(project)


@pytest.mark.django_db
def test_rebuilding_what_is_right_changes_nothing(project: Project) -> None:
    make.stored(project.pk, *make.trace(), *make.trace(status="error"))
    assert rollups.rebuild_marked() > 0
    before = rows(project)
    assert rollups.rebuild_marked() == 0
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO traces_mark (project_id, starts_at) SELECT DISTINCT project_id, starts_at FROM traces_rollup"
        )
    assert rollups.rebuild_marked() > 0
    assert rows(project) == before


@pytest.mark.django_db
def test_no_more_buckets_are_rebuilt_than_asked_and_the_newest_first(project: Project) -> None:
    now = make.now()
    for hours in range(4):
        make.stored(project.pk, *make.trace(started_at=now - timedelta(hours=hours)))
    assert rollups.rebuild_marked(1) == 1
    assert {key[1] for key in rows(project)} == {floor(now, FIVE_MINUTES)}
    assert rollups.rebuild_marked() == 3


@pytest.mark.django_db
def test_what_came_lately_is_counted_in_slices_and_adds_up(project: Project) -> None:
    now = floor(make.now(), FIVE_MINUTES) + timedelta(seconds=250)
    for seconds in (1, 7, 8, 100, 100, 249):
        make.stored(project.pk, *make.trace(started_at=now - timedelta(seconds=seconds)))
        rollups.rebuild_marked(now=now)
    assert_right(project)
    assert len(starts(project)) >= 4
    assert all(start == floor(start, SLICE) for start in starts(project))


@pytest.mark.django_db
def test_slices_become_their_five_minutes_when_they_are_old(project: Project) -> None:
    begun = floor(make.now(), FIVE_MINUTES) - FIVE_MINUTES
    for seconds in (3, 80, 290):
        make.stored(project.pk, *make.trace(started_at=begun + timedelta(seconds=seconds)))
    rollups.rebuild_marked(now=begun + timedelta(minutes=19))
    assert begun + timedelta(seconds=80) in starts(project)
    assert rollups.rebuild_marked(now=begun + timedelta(minutes=19)) == 0
    assert rollups.rebuild_marked(now=begun + timedelta(minutes=20)) == 1
    assert starts(project) == {begun}
    assert_right(project)
    assert rollups.rebuild_marked(now=begun + timedelta(minutes=21)) == 0


@pytest.mark.django_db
def test_a_mark_made_as_a_slice_is_good_when_its_five_minutes_are_old(project: Project) -> None:
    begun = floor(make.now(), FIVE_MINUTES) - FIVE_MINUTES
    make.stored(project.pk, *make.trace(started_at=begun + timedelta(seconds=80)))
    rollups.rebuild_marked(now=begun + timedelta(hours=1))
    assert starts(project) == {begun}
    assert_right(project)


@pytest.mark.django_db
def test_a_mark_by_a_clock_that_is_ahead_counts_its_whole_five_minutes(project: Project) -> None:
    begun = floor(make.now(), FIVE_MINUTES) - FIVE_MINUTES
    make.stored(project.pk, *make.trace(started_at=begun + timedelta(seconds=80)))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE traces_mark SET starts_at = %s", [begun])
    rollups.rebuild_marked(now=begun + timedelta(minutes=2))
    assert_right(project)


@pytest.mark.django_db
def test_a_trace_that_grows_is_counted_right_over_slices_and_five_minutes(project: Project) -> None:
    now = make.now()
    root = make.span(started_at=now - timedelta(minutes=40), duration_us=2_500_000_000)
    ages = (39, 25, 16, 12, 3, 0.5, 0.2)
    for minutes in ages:
        make.stored(project.pk, make.call(trace_id=root.trace_id, started_at=now - timedelta(minutes=minutes)))
        rollups.rebuild_marked()
    make.stored(project.pk, replace(root, feature="told late"))
    rollups.rebuild_marked()
    assert_right(project)
    assert {key[2] for key in rows(project) if key[0] == "feature"} == {"told late"}


@pytest.mark.django_db
def test_projects_are_counted_apart(project: Project, other_project: Project) -> None:
    spans = make.trace()
    make.stored(project.pk, *spans)
    make.stored(other_project.pk, *spans, *make.trace())
    rollups.rebuild_marked()
    assert_right(project)
    assert_right(other_project)


@pytest.mark.django_db
def test_absurd_claims_stop_nothing(project: Project) -> None:
    huge = 2**63 - 1
    for _ in range(2):
        make.stored(
            project.pk, make.call(input_tokens=huge, duration_us=huge, feature="f" * 9_000, model_requested="é" * 9_000)
        )
    rollups.rebuild_marked()
    (counters, latency, _) = next(row for key, row in rows(project).items() if key[0] == "project")
    assert counters["input_tokens"] == huge
    assert latency.count == 2


@pytest.mark.django_db(transaction=True)
def test_two_workers_beside_two_writers_lose_nothing(project: Project) -> None:
    rng = random.Random(9)
    spans = [span for _ in range(80) for span in random_trace(rng, make.now())]
    done = threading.Event()

    def write(part: list[SpanRecord]) -> None:
        for batch in in_batches(random.Random(1), part):
            make.stored(project.pk, *batch)
        connections.close_all()

    def rebuild() -> None:
        while not done.is_set():
            rollups.rebuild_marked(5)
        connections.close_all()

    workers = [threading.Thread(target=rebuild) for _ in range(2)]
    writers = [threading.Thread(target=write, args=(spans[side::2],)) for side in range(2)]
    for thread in [*workers, *writers]:
        thread.start()
    for writer in writers:
        writer.join()
    done.set()
    for worker in workers:
        worker.join()
    rollups.rebuild_marked()
    assert_right(project)
    assert marks(project) == 0


@pytest.mark.django_db(transaction=True)
def test_a_project_that_another_worker_is_at_is_left_to_it(project: Project) -> None:
    make.stored(project.pk, *make.trace())
    found = []

    def elsewhere() -> None:
        found.append(rollups.rebuild_marked())
        connections.close_all()

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(rollups.LOCK, {"project": project.pk})
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
    assert found == [0]
    assert rollups.rebuild_marked() == 1
