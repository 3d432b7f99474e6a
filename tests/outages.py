"""Trouble that Postgres itself makes, and of which the code under test is told nothing: slow, failing, locked."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connection

WAITING: Final = "SELECT count(*) FROM pg_locks WHERE NOT granted"
SLEEPING: Final = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
_LOOKS, _EACH_SECONDS = 2_000, 0.01


@contextmanager
def before_each(event: str, statement: str) -> Iterator[None]:
    """Let Postgres do this before each row that is written so. `nextval('tries')` counts, over a rollback as well."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE SEQUENCE tries")
        cursor.execute(
            f"CREATE FUNCTION first() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {statement}; RETURN NEW; END $$"
        )
        cursor.execute(f"CREATE TRIGGER first BEFORE {event} FOR EACH ROW EXECUTE FUNCTION first()")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION first CASCADE")
            cursor.execute("DROP SEQUENCE tries")


@contextmanager
def disk_full(event: str, when: str = "true") -> Iterator[None]:
    """Let Postgres find no room for the rows that are written so, as long as the condition holds."""
    full = "RAISE EXCEPTION 'No space left on device' USING ERRCODE = 'disk_full'"
    with before_each(event, f"IF {when} THEN {full}; END IF"):
        yield


def until(query: str, count: int) -> None:
    """Return when the query says so many at least."""
    for _ in range(_LOOKS):
        with connection.cursor() as cursor:
            cursor.execute(query)
            ((found,),) = cursor.fetchall()
        if found >= count:
            return
        threading.Event().wait(_EACH_SECONDS)
    raise AssertionError(query)
