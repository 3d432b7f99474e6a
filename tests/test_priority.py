"""Jobs give way to requests, those of their work that Postgres does included."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from llmobs.lib import priority


@pytest.fixture
def process():
    """A process in a session of its own, as every backend of Postgres is."""
    waits = [sys.executable, "-c", "input()"]
    with subprocess.Popen(waits, stdin=subprocess.PIPE, start_new_session=True) as one:
        yield one
        one.kill()


def test_a_process_that_gives_way_stands_behind_in_its_session_and_among_sessions(process):
    priority.give_way(process.pid)
    assert psutil.Process(process.pid).nice() == priority.BEHIND
    group = Path(f"/proc/{process.pid}/autogroup")
    if group.exists():  # a kernel may be built without
        assert group.read_text().endswith(f"nice {priority.BEHIND}\n")


def test_a_process_that_has_gone_is_no_error(process):
    process.kill()
    process.wait()
    priority.give_way(process.pid)
    assert not psutil.pid_exists(process.pid)
