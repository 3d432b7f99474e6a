"""The limit: the rows that llmobs stored, put into the same tables by nothing but COPY.

Rows come ready made, in binary, over two connections, into partitioned tables with the same indexes in the same
Postgres. No client that must understand spans, find duplicates and merge can be faster than this.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg

from benchmarks.installation import Installation

CONNECTIONS = 2
TABLES = ("traces_span", "traces_payload")
_BLOCK = 1 << 18

DAYS = "SELECT DISTINCT day FROM traces_span WHERE {rows} ORDER BY day"
MAKE_TABLE = "CREATE TABLE limited.{table} (LIKE public.{table} INCLUDING ALL) PARTITION BY RANGE (day)"
MAKE_DAY = """
    CREATE TABLE limited.{table}_{day:%Y%m%d} PARTITION OF limited.{table} FOR VALUES FROM ('{day}') TO ('{next_day}')
"""
TAKE = """
    COPY (SELECT * FROM public.{table} WHERE {rows} AND get_byte(trace_id, 0) % {connections} = {number} ORDER BY day)
    TO STDOUT (FORMAT binary)
"""
GIVE = "COPY limited.{table} FROM STDIN (FORMAT binary)"
COUNT = "SELECT count(*) FROM limited.traces_span"


def spans_per_second(installation: Installation, most: int) -> float:
    """How fast COPY takes up to about `most` of the spans that are stored there."""
    total = installation.spans()
    # Of evenly spread ids so many as make about `most`.
    rows = f"get_byte(trace_id, 1) < {max(1, min(256, 256 * most // max(total, 1)))}"
    with installation.database() as connection:
        _make_tables(connection, rows)
        packs = [_taken(connection, rows, number) for number in range(CONNECTIONS)]
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        begun = time.perf_counter()
        list(threads.map(lambda pack: _give(installation, pack), packs))
        seconds = time.perf_counter() - begun
    stored = installation.number(COUNT)
    with installation.database() as connection:
        connection.execute("DROP SCHEMA limited CASCADE")
    return stored / seconds


def _make_tables(connection: "psycopg.Connection[tuple[Any]]", rows: str) -> None:
    connection.execute("DROP SCHEMA IF EXISTS limited CASCADE")
    connection.execute("CREATE SCHEMA limited")
    days = [day for (day,) in connection.execute(DAYS.format(rows=rows))]
    for table in TABLES:
        connection.execute(MAKE_TABLE.format(table=table))
        for day in days:
            connection.execute(MAKE_DAY.format(table=table, day=day, next_day=day + timedelta(days=1)))


def _taken(connection: "psycopg.Connection[tuple[Any]]", rows: str, number: int) -> dict[str, bytes]:
    """What one of the connections will give: each table's rows, in COPY's binary form."""
    pack = {}
    for table in TABLES:
        statement = TAKE.format(table=table, rows=rows, connections=CONNECTIONS, number=number)
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            pack[table] = b"".join(copy)
    return pack


def _give(installation: Installation, pack: dict[str, bytes]) -> None:
    """All of it in one transaction, as fast as the server takes it."""
    with installation.database() as connection, connection.transaction(), connection.cursor() as cursor:
        for table, rows in pack.items():
            with cursor.copy(GIVE.format(table=table)) as copy:
                for block in _blocks(rows):
                    copy.write(block)


def _blocks(rows: bytes) -> Iterator[memoryview]:
    whole = memoryview(rows)
    for begin in range(0, len(rows), _BLOCK):
        yield whole[begin : begin + _BLOCK]
