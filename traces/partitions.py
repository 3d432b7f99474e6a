"""Days of spans: one partition a day of each partitioned table, made ahead, on demand for the past, dropped when old.

A day is made by CREATE LIKE and ATTACH, because PARTITION OF waits for every open reader while writers queue behind it.
"""

from collections.abc import Iterable
from datetime import date, timedelta

from django.conf import settings
from django.db import connection, transaction
from psycopg import sql

PARTITIONED = ("traces_span", "traces_payload", "traces_entry", "traces_vocabulary")
# A day grows from nothing: at Postgres' own tenth its partitions are analysed every minute, each for up to a second.
# What is looked at is how values are spread, and that a day shows early; Postgres knows by itself how many rows it has.
_GROWING = """
    autovacuum_analyze_threshold = 200, autovacuum_analyze_scale_factor = 2,
    autovacuum_vacuum_insert_scale_factor = 1, toast.autovacuum_vacuum_insert_scale_factor = 2
"""
# Words and text beside the row, whatever their size, so that the rows of many entries are read quickly.
_OPTIONS = {"traces_entry": ", toast_tuple_target = 128"}

EXISTING = """
    SELECT child.relname
    FROM pg_inherits
    JOIN pg_class child ON child.oid = inhrelid
    JOIN pg_class parent ON parent.oid = inhparent
    WHERE parent.relname = %(table)s AND parent.relnamespace = to_regnamespace(current_schema())
        AND NOT inhdetachpending
"""
# One maker at a time; the lock ends with the transaction. The number is arbitrary, and ours.
LOCK = "SELECT pg_advisory_xact_lock(727001)"


def name_of(table: str, day: date) -> str:
    """The name of a day's partition, such as traces_span_20261110."""
    return f"{table}_{day:%Y%m%d}"


def existing(table: str = "traces_span") -> set[date]:
    """The days that `table` has a partition for."""
    with connection.cursor() as cursor:
        cursor.execute(EXISTING, {"table": table})
        return {_day_of(name) for (name,) in cursor.fetchall()}


def missing(today: date) -> list[date]:
    """Which of today and tomorrow have no partition yet, in any of the tables."""
    have = _in_all()
    return [day for day in (today, today + timedelta(days=1)) if day not in have]


def make(days: Iterable[date]) -> list[date]:
    """Make the partitions of `days` that do not exist, and say which were made. Safe to repeat, by many at once."""
    wanted = sorted(set(days))
    if not set(wanted) - _in_all():
        return []
    made: set[date] = set()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(LOCK)
        for table in PARTITIONED:
            for day in sorted(set(wanted) - existing(table)):
                for statement in _make_statements(table, day):
                    cursor.execute(statement)
                made.add(day)
    return sorted(made)


def drop(day: date) -> None:
    """Drop a day of spans and payloads. Waits for readers without making writers wait behind it."""
    with connection.cursor() as cursor:
        for table in PARTITIONED:
            if day not in existing(table):
                continue
            parent, child = sql.Identifier(table), sql.Identifier(name_of(table, day))
            cursor.execute(sql.SQL("ALTER TABLE {} DETACH PARTITION {} CONCURRENTLY").format(parent, child))
            cursor.execute(sql.SQL("DROP TABLE {}").format(child))


def wanted(today: date) -> list[date]:
    """The days that should exist without anybody asking: yesterday to a few days ahead."""
    return [today + timedelta(days=n) for n in range(-1, settings.PARTITION_DAYS_AHEAD + 1)]


def _in_all() -> set[date]:
    """The days that every partitioned table has."""
    first, *others = (existing(table) for table in PARTITIONED)
    return first.intersection(*others)


def _make_statements(table: str, day: date) -> list[sql.Composed]:
    parent, child = sql.Identifier(table), sql.Identifier(name_of(table, day))
    first, after = sql.Literal(day.isoformat()), sql.Literal((day + timedelta(days=1)).isoformat())
    return [
        sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING DEFAULTS INCLUDING STORAGE) WITH ({}{})").format(
            child, parent, sql.SQL(_GROWING), sql.SQL(_OPTIONS.get(table, ""))
        ),
        # Proven by the constraint, ATTACH need not read the rows.
        sql.SQL("ALTER TABLE {} ADD CONSTRAINT is_of_its_day CHECK (day >= {} AND day < {})").format(
            child, first, after
        ),
        sql.SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})").format(parent, child, first, after),
        sql.SQL("ALTER TABLE {} DROP CONSTRAINT is_of_its_day").format(child),
    ]


def _day_of(name: str) -> date:
    digits = name.rpartition("_")[2]
    return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
