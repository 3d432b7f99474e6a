"""Fixtures that every app's tests share: people with known rights, a project, empty tables."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.db.backends.utils import CursorWrapper
from django.test import Client, override_settings
from django.test.client import ClientHandler
from django.utils import timezone
from psycopg.errors import DeadlockDetected

from accounts.keys import make_key
from accounts.models import Key, Membership, Project, Role, User
from accounts.projects import create_project
from llmobs.first_start import collect_static
from traces import partitions

PASSWORD = "correct horse battery"
# What Django's own flush leaves out: tables without a model, and those whose model does not manage them.
TABLES = """
    SELECT quote_ident(relname) FROM pg_class
    WHERE relnamespace = to_regnamespace('public') AND relkind IN ('r', 'p') AND NOT relispartition
"""
# A server's thread or process that is just ending would keep the test database from being dropped.
END_OTHER_SESSIONS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def pytest_sessionstart(session: pytest.Session) -> None:
    """Collect the static files, as `up` does. The workers of xdist share what their controller collected."""
    if not hasattr(session.config, "workerinput"):
        collect_static()


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords() -> Iterator[None]:
    """What makes a password slow to guess makes a member slow to make: 0.2 s, in nearly every test."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture(scope="session", autouse=True)
def _one_middleware(_quick_passwords: None) -> Iterator[None]:
    """Load what a test client loads at its first request, 37 ms, once for all but those of tests with own settings."""
    load, usual = ClientHandler.load_middleware, settings._wrapped
    loaded = ClientHandler()
    load(loaded)
    shared = {name: value for name, value in vars(loaded).items() if name != "enforce_csrf_checks"}

    def load_once(handler: ClientHandler) -> None:
        if settings._wrapped is usual:
            vars(handler).update(shared)
        else:
            load(handler)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ClientHandler, "load_middleware", load_once)
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    """The test database, with the partitions that `up` would have made."""
    with django_db_blocker.unblock():
        partitions.make(partitions.wanted(timezone.now().date()))
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(END_OTHER_SESSIONS)


@pytest.fixture(autouse=True)
def _empty_tables(request: pytest.FixtureRequest) -> Iterator[None]:
    """Empty the tables of spans after a test that commits."""
    marker = request.node.get_closest_marker("django_db")
    commits = {"transactional_db", "live_server"} & set(request.fixturenames)
    commits = commits or (marker is not None and marker.kwargs.get("transaction"))
    if not commits:
        yield
        return
    blocker = request.getfixturevalue("django_db_blocker")
    yield
    with blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(TABLES)
        flushed = set(connection.introspection.django_table_names(only_existing=True)) | {"django_migrations"}
        left = [name for (name,) in cursor.fetchall() if name not in flushed]
        if left:
            _truncate(cursor, left)


def _truncate(cursor: CursorWrapper, tables: list[str]) -> None:
    """Empty these, against what a browser that has just been closed still asks of the server beside us."""
    for attempt in range(5):
        try:
            cursor.execute(f"TRUNCATE {', '.join(tables)}")
            return
        except OperationalError as error:
            if attempt == 4 or not isinstance(error.__cause__, DeadlockDetected):
                raise


@pytest.fixture
def project(db: None) -> Project:
    return create_project("shop", "Shop")


@pytest.fixture
def other_project(db: None) -> Project:
    """A project that neither member nor engineer may see."""
    return create_project("bank", "Bank")


@pytest.fixture
def member(project: Project) -> User:
    """Support staff of `project`."""
    return person("sue@example.org", project, Role.SUPPORT)


@pytest.fixture
def engineer(project: Project) -> User:
    return person("eve@example.org", project, Role.ENGINEER)


@pytest.fixture
def admin(project: Project) -> User:
    """An admin of `project`, and of nothing else."""
    return person("ada@example.org", project, Role.ADMIN)


@pytest.fixture
def stranger(other_project: Project) -> User:
    """A member of another project only."""
    return person("sam@example.org", other_project, Role.ADMIN)


@pytest.fixture
def member_client(member: User) -> Client:
    return client_of(member)


@pytest.fixture
def engineer_client(engineer: User) -> Client:
    return client_of(engineer)


@pytest.fixture
def admin_of_project_client(admin: User) -> Client:
    return client_of(admin)


@pytest.fixture
def stranger_client(stranger: User) -> Client:
    return client_of(stranger)


@pytest.fixture
def ingest_key(project: Project) -> str:
    return make_key(project, Key.Scope.INGEST)


@pytest.fixture
def read_key(project: Project) -> str:
    return make_key(project, Key.Scope.READ)


def person(email: str, project: Project, role: Role) -> User:
    """A new user with PASSWORD and one role."""
    user = User.objects.create_user(email=email, password=PASSWORD)
    Membership.objects.create(user=user, project=project, role=role)
    return user


def client_of(user: User) -> Client:
    """Django's test client, logged in."""
    client = Client()
    client.force_login(user)
    return client
