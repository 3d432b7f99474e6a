"""A pytest plugin: the embedded Postgres and Valkey for the tests, started before the settings are read.

Loaded by `-p tests.servers` (pyproject.toml). With xdist each worker has servers and a DATA_DIR of its own, so that no
file, mail or message of one is met by another. DATABASE_URL and BROKER_URL name other servers, POSTGRES_BIN another
Postgres' programs.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from llmobs import servers
from llmobs.embedded import EmbeddedError
from llmobs.supervise import Service, stop_all

# Set for the processes that tests start.
STARTED = "LLMOBS_TEST_SERVERS"
# What is lost with the machine is made anew by the next run.  Several run side by side, hence few buffers.
FOR_TESTS = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "128MB"}

_running: list[Service] = []


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Start them, unless a process above has. pytest-django reads the settings in the same hook, later."""
    if os.environ.get(STARTED) and not _is_worker():
        return
    # Short, for the sockets' sake, and not below pytest's own folder, which the servers' user cannot enter.
    data_dir = Path(tempfile.mkdtemp(prefix="llmobs-test-", dir="/tmp"))
    data_dir.chmod(0o711 if os.geteuid() == 0 else 0o700)
    atexit.register(_stop)
    os.environ |= {STARTED: str(data_dir), "DATA_DIR": str(data_dir)}
    os.environ.setdefault("SECRET_KEY", "only-for-tests")
    # Kept between runs, because collecting takes seconds and is only done again after a change.
    os.environ.setdefault("STATIC_ROOT", str(early_config.rootpath / ".pytest_cache" / "static"))
    try:
        start(data_dir)
    except EmbeddedError as error:
        raise pytest.UsageError(str(error)) from error


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """A worker of xdist ends without the functions that wait for its exit."""
    if _is_worker():
        _stop()


def _is_worker() -> bool:
    return "PYTEST_XDIST_WORKER" in os.environ


def start(data_dir: Path) -> None:
    """Start what the environment does not name."""
    if not os.environ.get("DATABASE_URL"):
        _running.append(servers.postgres(data_dir, FOR_TESTS))
        servers.start_postgres(_running[-1], data_dir)
    if not os.environ.get("BROKER_URL"):
        _running.append(servers.valkey(data_dir))
        servers.start_valkey(_running[-1], data_dir)


def _stop() -> None:
    """Stop what was started here and forget its data. At the exit, so that a failing start leaves nothing either."""
    stop_all(_running)
    _running.clear()
    shutil.rmtree(os.environ[STARTED], ignore_errors=True)
