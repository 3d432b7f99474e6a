"""What is older than the retention goes: days of spans by dropping their partitions, the rest in small deletes."""

from collections.abc import Iterator
from datetime import date, timedelta

from django.conf import settings
from django.db import connection

from traces import partitions

# Small enough that no lock is held for long and no vacuum has much to do at once.
MOST_ROWS = 5_000

# The row's own address is the quickest key for a row that was just read.
DELETE_SOME = """
    DELETE FROM {table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {table} WHERE {column} < %(oldest)s LIMIT %(most)s))
"""
# A trace goes with its scores; what came later than the trace's last day would else stay longer than what it is of.
DELETE_TRACES = """
    WITH gone AS (
        DELETE FROM traces_summary
        WHERE ctid = ANY(ARRAY(SELECT ctid FROM traces_summary WHERE last_day < %(oldest)s LIMIT %(most)s))
        RETURNING project_id, trace_id
    ), scores AS (
        DELETE FROM traces_score s USING gone WHERE s.project_id = gone.project_id AND s.trace_id = gone.trace_id
    )
    SELECT FROM gone
"""
# Each with an index that begins with its column, but for the rollups, which are few.
EXPIRING = (
    ("traces_locator", "happened_at"),
    ("traces_rollup", "starts_at"),
    ("traces_score", "received_at"),  # of a session, or of a trace that never came
)

# What a member wrote about a feature is kept: it may come back.
FORGET_FEATURES = """
    DELETE FROM traces_feature WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM traces_feature WHERE last_at < %(oldest)s AND version = 0 LIMIT %(most)s
    ))
"""

# What was refused has a retention of its own, and bodies of some size.
REFUSALS = (("traces_refusal", "received_at"), ("traces_refusalcount", "day"), ("traces_replay", "asked_at"))
MOST_BODIES = 200


def drop_old(today: date) -> list[date]:
    """Drop the days before the retention, and what was known of them; the days that went. Safe to repeat.

    Must not run in a transaction: a partition is detached without making anybody wait.
    """
    oldest = today - timedelta(days=settings.SPAN_RETENTION_DAYS)
    dropped = sorted(day for day in partitions.existing() if day < oldest)
    for day in dropped:
        partitions.drop(day)
    for _ in expired_traces(oldest):
        pass
    for table, column in EXPIRING:
        for _ in delete_older(table, column, oldest):
            pass
    for _ in _batches(FORGET_FEATURES, oldest, MOST_ROWS):
        pass
    drop_old_refusals(today)
    return dropped


def drop_old_refusals(today: date) -> None:
    """Delete what was refused before the inbox's own retention. Safe to repeat."""
    oldest = today - timedelta(days=settings.INBOX_RETENTION_DAYS)
    for table, column in REFUSALS:
        for _ in delete_older(table, column, oldest, MOST_BODIES):
            pass


def expired_traces(oldest: date, most: int = MOST_ROWS) -> Iterator[int]:
    """Delete the summaries whose last day is before `oldest`, and their scores; how many traces it were each time."""
    return _batches(DELETE_TRACES, oldest, most)


def delete_older(table: str, column: str, oldest: date, most: int = MOST_ROWS) -> Iterator[int]:
    """Delete the rows of `table` whose `column` is before `oldest`, `most` at a time; how many it were each time."""
    return _batches(DELETE_SOME.format(table=table, column=column), oldest, most)


def _batches(statement: str, oldest: date, most: int) -> Iterator[int]:
    while True:
        with connection.cursor() as cursor:
            cursor.execute(statement, {"oldest": oldest, "most": most})
            deleted = cursor.rowcount
        yield deleted
        if deleted < most:
            return
