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
# Each with an index that begins with its column, but for the rollups, which are few.
EXPIRING = (("traces_summary", "last_day"), ("traces_locator", "happened_at"), ("traces_rollup", "starts_at"))

# What was refused has a retention of its own, and bodies of some size.
REFUSALS = (("traces_refusal", "received_at"), ("traces_refusalcount", "day"))
MOST_BODIES = 200


def drop_old(today: date) -> list[date]:
    """Drop the days before the retention, and what was known of them; the days that went. Safe to repeat.

    Must not run in a transaction: a partition is detached without making anybody wait.
    """
    oldest = today - timedelta(days=settings.SPAN_RETENTION_DAYS)
    dropped = sorted(day for day in partitions.existing() if day < oldest)
    for day in dropped:
        partitions.drop(day)
    for table, column in EXPIRING:
        for _ in delete_older(table, column, oldest):
            pass
    drop_old_refusals(today)
    return dropped


def drop_old_refusals(today: date) -> None:
    """Delete what was refused before the inbox's own retention. Safe to repeat."""
    oldest = today - timedelta(days=settings.INBOX_RETENTION_DAYS)
    for table, column in REFUSALS:
        for _ in delete_older(table, column, oldest, MOST_BODIES):
            pass


def delete_older(table: str, column: str, oldest: date, most: int = MOST_ROWS) -> Iterator[int]:
    """Delete the rows of `table` whose `column` is before `oldest`, `most` at a time; how many it were each time."""
    statement = DELETE_SOME.format(table=table, column=column)
    while True:
        with connection.cursor() as cursor:
            cursor.execute(statement, {"oldest": oldest, "most": most})
            deleted = cursor.rowcount
        yield deleted
        if deleted < most:
            return
