"""llmobs as it is installed: `manage.py up` in a folder of its own, and what can be asked of it from outside."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import processes
from llmobs import embedded, supervise

ROOT = Path(__file__).resolve().parent.parent
READY_SECONDS = 120
# What the command line of each part's first process holds, and no other part's.
PARTS = {
    "web": "-m granian ",
    "postgres": "/postgres -D",
    "worker": " worker ",
    "beat": " beat ",
    "valkey": "valkey-server",
}
_OURS = ("DATA_DIR", "SECRET_KEY", "DATABASE_URL", "BROKER_URL", "SITE_URL")

TO_DO = "SELECT (SELECT count(*) FROM traces_mark) + (SELECT count(*) FROM traces_unindexed WHERE due_at IS NULL)"
STORED_BYTES = """
    SELECT sum(pg_total_relation_size(leaf.relid))
    FROM unnest('{traces_span,traces_payload,traces_summary,traces_locator,traces_mark}'::regclass[]) AS kept,
        pg_partition_tree(kept) AS leaf
"""


@dataclass
class Installation:
    """One running `manage.py up`."""

    data_dir: Path
    port: int
    process: subprocess.Popen[bytes]

    def headers(self) -> dict[str, str]:
        """With the ingest key of the project demo."""
        return {"Authorization": f"Bearer {(self.data_dir / 'demo_key').read_text()}"}

    def pid(self, part: str) -> int:
        """The first process of one of PARTS."""
        for process in processes.tree(self.process.pid)[1:]:
            if process.ppid() == self.process.pid and PARTS[part] in " ".join(process.cmdline()):
                return process.pid
        raise LookupError(f"{part} does not run")

    def cpu_seconds(self) -> dict[str, float]:
        """Of each part, so far."""
        return {part: processes.cpu_seconds(self.pid(part)) for part in PARTS}

    def database(self) -> "psycopg.Connection[tuple[Any]]":
        """A connection to its database."""
        access = embedded.database(self.data_dir)
        return psycopg.connect(
            host=access["HOST"], port=access["PORT"], user=access["USER"], password=access["PASSWORD"],
            dbname=access["NAME"], autocommit=True,
        )  # fmt: skip

    def number(self, statement: str) -> int:
        """The one number that a statement gives."""
        with self.database() as connection:
            row = connection.execute(statement).fetchone()
        assert row
        return int(row[0])

    def spans(self) -> int:
        """How many spans can be queried."""
        return self.number("SELECT count(*) FROM traces_span")

    def stored_bytes(self) -> int:
        """The size of what is kept of spans and traces, indexes included."""
        return self.number(STORED_BYTES)

    def settle(self, seconds: float = 120) -> float:
        """Wait until the jobs have counted and indexed all that came, at most `seconds`; how long it took."""
        begun = time.monotonic()
        while self.number(TO_DO) and time.monotonic() < begun + seconds:
            time.sleep(0.25)
        return time.monotonic() - begun


@contextmanager
def running(kept: Path | None = None) -> Iterator[Installation]:
    """llmobs on a free port with nothing in it; stopped and forgotten afterwards.

    With `kept` it is the installation in that folder, which stays there.
    """
    data_dir = kept or Path(tempfile.mkdtemp(prefix="llmobs-bench-", dir="/tmp"))  # short, for the sockets in it
    data_dir.mkdir(exist_ok=True)
    data_dir.chmod(0o711)
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if name not in _OURS}
    command = [sys.executable, "manage.py", "up", "--no-demo", "--port", str(port), "--data-dir", str(data_dir)]
    printed = data_dir / "printed"
    with printed.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT, preexec_fn=stop_with_us
        )
    try:
        _wait_until_ready(process, printed)
        yield Installation(data_dir, port, process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        if kept is None:
            shutil.rmtree(data_dir, ignore_errors=True)


def _wait_until_ready(process: "subprocess.Popen[bytes]", printed: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while "llmobs is ready at" not in printed.read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"llmobs does not start: {printed.read_text()}")
        time.sleep(0.1)


def stop_with_us() -> None:
    """Ask the kernel to stop this process in good order when ours is killed, so that no server is left running."""
    supervise.die_with_parent(signal.SIGTERM)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
