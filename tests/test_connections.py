"""The connections of a web worker: whether the server is there is seen without asking it."""

import os
import resource
import select
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import OperationalError, connection
from psycopg import errors
from psycopg_pool import ConnectionPool, PoolTimeout

from llmobs.lib.postgres import WatchedConnection, has_gone

END = "SELECT pg_terminate_backend(%s)"
MANY = 1_100  # files; select() takes numbers below 1,024 only


@contextmanager
def connected() -> Iterator[WatchedConnection]:
    parameters = {**connection.get_connection_params(), "autocommit": True}
    for name in ("cursor_factory", "context", "prepare_threshold"):
        parameters.pop(name, None)
    with WatchedConnection.connect(**parameters) as watched:
        yield watched


@contextmanager
def many_open_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, MANY + 500), hard))
    files = [os.open(os.devnull, os.O_RDONLY) for _ in range(MANY)]
    try:
        yield
    finally:
        for file in files:
            os.close(file)


@pytest.mark.django_db
def test_a_connection_that_is_there_passes_the_check_of_the_pool() -> None:
    with connected() as watched:
        ConnectionPool.check_connection(watched)
        assert watched.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.django_db
def test_a_connection_whose_server_has_gone_does_not() -> None:
    with connected() as watched:
        with connected() as other:
            other.execute(END, [watched.info.backend_pid])
        select.select([watched], [], [], 10)  # until its end has arrived
        with pytest.raises(psycopg.OperationalError):
            ConnectionPool.check_connection(watched)


@pytest.mark.django_db
def test_a_worker_with_many_clients_can_check_its_connections() -> None:
    with many_open_files(), connected() as watched:
        assert watched.fileno() > 1_023
        ConnectionPool.check_connection(watched)
        assert watched.execute("SELECT 1").fetchone() == (1,)


def wrapped(error: Exception) -> OperationalError:
    """As Django gives it on."""
    found = OperationalError("It failed.")
    found.__cause__ = error
    return found


@pytest.mark.parametrize(
    ("error", "gone"),
    [
        (psycopg.OperationalError("The database has stopped answering."), True),
        (psycopg.InterfaceError("the connection is closed"), True),
        (PoolTimeout("no connection in time"), True),
        (errors.AdminShutdown("terminating connection"), True),
        (errors.ConnectionFailure("lost"), True),
        (wrapped(psycopg.OperationalError("connection refused")), True),
        (errors.DeadlockDetected("deadlock"), False),
        (errors.LockNotAvailable("locked"), False),
        (errors.DiskFull("no space left"), False),
        (errors.UniqueViolation("twice"), False),
        (wrapped(errors.SerializationFailure("again")), False),
        (ValueError("a mistake of ours"), False),
        (None, False),
    ],
)
def test_a_server_that_has_gone_is_told_from_one_that_refuses(error: BaseException | None, gone: bool) -> None:
    assert has_gone(error) is gone
