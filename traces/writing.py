"""The connection that spans are written over, and its transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection
from django.db import transaction as transactions
from psycopg.pq import TransactionStatus

from traces import arrays


@contextmanager
def transaction() -> "Iterator[psycopg.Cursor[Any]]":
    """A cursor that binds on the server, in a transaction of its own, which `begin` begins, or in our caller's.

    A thread that holds none of Django's connections takes one from the pool itself: opening, trying and closing it
    through Django was a tenth of what a small request cost. One that holds one must not wait for another.
    """
    pool = None if connection.connection else getattr(connection, "pool", None)  # a web worker's
    if pool is None:
        with transactions.atomic():
            connection.ensure_connection()
            yield _cursor_of(connection.connection)
    else:
        pool.open()
        with pool.connection() as borrowed:  # commits, or takes all back
            yield _cursor_of(borrowed)


def _cursor_of(of: "psycopg.Connection[Any]") -> "psycopg.Cursor[Any]":
    arrays.teach(of)  # before: a cursor knows what its connection knew when it was made
    return psycopg.Cursor(of)


def begin(to: "psycopg.Connection[Any]") -> None:
    """Begin the transaction, if that has not happened. In a pipeline that costs no round trip of its own."""
    if to.autocommit and to.info.transaction_status == TransactionStatus.IDLE:
        psycopg.RawCursor(to).execute("BEGIN")
