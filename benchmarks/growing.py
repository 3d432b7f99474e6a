"""Makes a store many times as large where it is hot: its narrow rows again, with ids of their own, in older days.

Payloads and entries of the search are left out: no look-up of an id reads those of other traces.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.installation import Installation

PARTITIONED = ("traces_span", "traces_payload", "traces_entry", "traces_vocabulary")
CONNECTIONS = 2  # that copy at the same time

OLDEST = "SELECT min(day) FROM traces_span"
NEWEST = "SELECT max(day) FROM traces_span"
EXISTS = "SELECT to_regclass(%s) IS NOT NULL"
MAKE_DAY = "CREATE TABLE {table}_{day:%Y%m%d} PARTITION OF {table} FOR VALUES FROM ('{day}') TO ('{next_day}')"
COLUMNS = """
    SELECT column_name || ':' || data_type FROM information_schema.columns
    WHERE table_name = %s AND table_schema = current_schema() ORDER BY ordinal_position
"""
# The files of a table, of what is too long for its rows, and of the indexes of both.
FILES = """
    WITH held AS (
        SELECT oid FROM pg_class WHERE oid = %(table)s::regclass
        UNION SELECT reltoastrelid FROM pg_class WHERE oid = %(table)s::regclass AND reltoastrelid <> 0
    )
    SELECT pg_relation_filepath(oid) FROM held
    UNION SELECT pg_relation_filepath(indexrelid) FROM pg_index JOIN held ON indrelid = held.oid
"""
GROW = "INSERT INTO {table} ({columns}) SELECT {values} FROM {table} WHERE {rows}"
# The rows that a copy is made of, so that copies are not copied again.
ROWS = {
    "traces_span": "day >= '{oldest}'",
    "traces_summary": "first_day >= '{oldest}'",
    "traces_locator": "happened_at >= '{oldest}'",
}
_KEYS = {"trace_id": 16, "span_id": 8, "parent_id": 8}  # bytes
_IDS = ("request_id", "response_id", "session_id")


def grow(installation: Installation, partitions: int) -> int:
    """Copy the hot rows until there are so many days of them; how many times the rows there are then."""
    with installation.database() as connection:
        oldest, newest = _day(connection, OLDEST), _day(connection, NEWEST)
        days = (newest - oldest).days + 1
        numbers = range(1, max(round(partitions / days), 2))
        for number in numbers:
            _make_days(connection, oldest - timedelta(days=number * days), days)
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        list(threads.map(lambda number: _copy(installation, oldest, number, number * days), numbers))
    with installation.database() as connection:
        for table in ROWS:
            connection.execute(f"VACUUM (ANALYZE) {table}")
        os.sync()  # gigabytes that still go to the disk made the next questions wait for seconds
        _read(connection, installation.data_dir / "postgres" / "data", oldest, days)
    return len(numbers) + 1


def _read(connection: "psycopg.Connection[tuple[Any]]", folder: Path, oldest: date, days: int) -> None:
    """Read the files of these days, so that they are in memory as before.

    In life the newest days are those that were written last. Here the copies are, and push them out.
    """
    for day in (oldest + timedelta(days=number) for number in range(days)):
        for table in PARTITIONED:
            for (path,) in connection.execute(FILES, {"table": f"{table}_{day:%Y%m%d}"}).fetchall():
                for file in (folder / path, *folder.glob(f"{path}.*")):  # one for each GB
                    file.read_bytes()


def _copy(installation: Installation, oldest: date, number: int, shift: int) -> None:
    """One copy of all hot rows since `oldest`, `shift` days earlier."""
    with installation.database() as connection:
        connection.execute("SET synchronous_commit = off")
        for table, rows in ROWS.items():
            connection.execute(_statement(connection, table, rows.format(oldest=oldest), number, shift))


def _statement(connection: "psycopg.Connection[tuple[Any]]", table: str, rows: str, number: int, shift: int) -> str:
    columns = [column.split(":") for (column,) in connection.execute(COLUMNS, [table])]
    values = ", ".join(_value(name, kind, number, shift) for name, kind in columns)
    return GROW.format(table=table, columns=", ".join(name for name, _ in columns), values=values, rows=rows)


def _value(name: str, kind: str, number: int, shift: int) -> str:
    """What a column of a copy holds: other ids, and times that are `shift` days older."""
    if name in _KEYS:
        return f"substr(sha256({name} || '\\x{number:04x}'::bytea), 1, {_KEYS[name]})"
    if name in _IDS:
        return f"'{number}-' || {name}"
    if kind == "date":
        return f"{name} - {shift}"
    if kind == "timestamp with time zone":
        return f"{name} - interval '{shift} days'"
    return name


def _make_days(connection: "psycopg.Connection[tuple[Any]]", first: date, days: int) -> None:
    for day in (first + timedelta(days=number) for number in range(days)):
        for table in PARTITIONED:
            if not _first(connection, EXISTS, [f"{table}_{day:%Y%m%d}"]):
                connection.execute(MAKE_DAY.format(table=table, day=day, next_day=day + timedelta(days=1)))


def _day(connection: "psycopg.Connection[tuple[Any]]", statement: str) -> date:
    found = _first(connection, statement, [])
    assert isinstance(found, date)
    return found


def _first(connection: "psycopg.Connection[tuple[Any]]", statement: str, values: list[Any]) -> object:
    row = connection.execute(statement, values).fetchone()
    return row[0] if row else None
