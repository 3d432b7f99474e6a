"""What is past its time goes, day by day, and nothing else."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts.models import Project
from tests import make
from traces import partitions, retention, rollups, tasks
from traces.search.index import index_marked

TABLES = ("traces_span", "traces_payload", "traces_summary", "traces_rollup", "traces_entry", "traces_vocabulary")


def rows() -> dict[str, int]:
    with connection.cursor() as cursor:
        found = {}
        for table in TABLES:
            cursor.execute(f"SELECT count(*) FROM {table}")
            found[table] = cursor.fetchone()[0]
        return found


@pytest.mark.django_db(transaction=True)
def test_a_day_past_the_retention_goes_with_all_that_was_known_of_it(project: Project) -> None:
    now = timezone.now()
    make.stored(project.pk, *make.trace())
    rollups.rebuild_marked()
    index_marked()
    kept = rows()
    make.stored(project.pk, *make.trace(started_at=now - timedelta(days=settings.SPAN_RETENTION_DAYS + 1)))
    rollups.rebuild_marked()
    index_marked()
    past = (now - timedelta(days=settings.SPAN_RETENTION_DAYS + 1)).date()
    assert past in partitions.existing()
    assert retention.drop_old(now.date()) == [past]
    assert rows() == kept
    assert past not in partitions.existing()
    assert retention.drop_old(now.date()) == []


@pytest.mark.django_db
def test_rows_go_in_small_deletes(project: Project) -> None:
    today = timezone.now().date()
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO traces_locator (happened_at, project_id, trace_id, span_id)
            SELECT now() - n * interval '1 day', 1, int4send(n), '' FROM generate_series(1, 25) AS n"""
        )
    assert list(retention.delete_older("traces_locator", "happened_at", today - timedelta(days=4), most=8)) == [8, 8, 5]


@pytest.mark.django_db
def test_the_tasks_may_run_at_any_time(project: Project) -> None:
    make.stored(project.pk, *make.trace())
    tasks.rebuild_rollups()
    tasks.index_traces()
    tasks.make_partitions()
    assert rows()["traces_rollup"] > 0
    assert rows()["traces_entry"] == 1
    assert partitions.missing(timezone.now().date()) == []
