"""Arize Phoenix and MLflow, from PyPI, each in a virtual environment and a database of its own.

Both run as their own documentation starts them, on a Postgres with the very settings of llmobs'. A span counts once it
can be queried, since both may answer before they have stored it.
"""

import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg

from benchmarks import processes
from benchmarks.installation import free_port, stop_with_us
from llmobs import embedded, servers, supervise

READY_SECONDS = 180
IDLE_SECONDS, IDLE_SHARE = 3.0, 0.1  # so long it uses less than so much of a core


@dataclass(frozen=True, slots=True)
class Peer:
    """How one is installed, started and asked. `{port}`, `{spare_port}`, `{database}` and `{folder}` are filled in."""

    name: str
    requirements: tuple[str, ...]
    distribution: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    ready: str
    headers: Mapping[str, str] = field(default_factory=dict)
    count: str = "SELECT count(*) FROM spans"


PEERS = {
    "phoenix": Peer(
        name="Phoenix",
        requirements=("arize-phoenix", "asyncpg"),
        distribution="arize-phoenix",
        command=("phoenix", "serve"),
        environment={
            "PHOENIX_SQL_DATABASE_URL": "{database}",
            "PHOENIX_HOST": "127.0.0.1",
            "PHOENIX_PORT": "{port}",
            "PHOENIX_GRPC_PORT": "{spare_port}",
            "PHOENIX_WORKING_DIR": "{folder}",
            "PHOENIX_TELEMETRY_ENABLED": "false",
        },
        ready="/healthz",
    ),
    "mlflow": Peer(
        name="MLflow",
        requirements=("mlflow", "psycopg[binary]"),
        distribution="mlflow",
        command=(
            "mlflow", "server", "--host", "127.0.0.1", "--port", "{port}",
            "--backend-store-uri", "{database}", "--artifacts-destination", "{folder}",
        ),
        environment={"MLFLOW_DISABLE_TELEMETRY": "true"},
        ready="/health",
        headers={"x-mlflow-experiment-id": "0"},
    ),
}  # fmt: skip


@dataclass
class Running:
    """A peer that answers."""

    peer: Peer
    version: str
    port: int
    database: str
    process: subprocess.Popen[bytes]
    postgres: int

    def headers(self) -> Mapping[str, str]:
        return self.peer.headers

    def spans(self) -> int:
        """How many spans can be queried."""
        with psycopg.connect(self.database) as connection:
            row = connection.execute(self.peer.count).fetchone()
        assert row
        return int(row[0])

    def cpu_seconds(self) -> dict[str, float]:
        return {"web": processes.cpu_seconds(self.process.pid), "postgres": processes.cpu_seconds(self.postgres)}


def install(peer: Peer, work: Path) -> Path:
    """The folder of its programs, in a virtual environment below `work`; made when it is not there."""
    home = work / peer.distribution
    if not (home / "installed").exists():
        print(f"Installing {peer.name} into {home}; this takes minutes …", flush=True)
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        subprocess.run([home / "bin" / "pip", "install", "--quiet", *peer.requirements], check=True)
        (home / "installed").touch()
    return home / "bin"


@contextmanager
def running(peer: Peer, programs: Path) -> Iterator[Running]:
    """The peer on a Postgres of its own, with nothing in it; both are stopped and forgotten afterwards."""
    with tempfile.TemporaryDirectory(prefix="llmobs-peer-", dir="/tmp") as name:
        data_dir = Path(name)
        data_dir.chmod(0o711)
        postgres = servers.postgres(data_dir)
        try:
            servers.start_postgres(postgres, data_dir)
            assert postgres.process
            with _serving(peer, programs, data_dir, postgres.process.pid) as server:
                yield server
        finally:
            supervise.stop_all([postgres])


@contextmanager
def _serving(peer: Peer, programs: Path, data_dir: Path, postgres: int) -> Iterator[Running]:
    port, folder = free_port(), data_dir / "files"
    folder.mkdir()
    values = {"port": port, "spare_port": free_port(), "folder": folder, "database": _database_url(data_dir)}
    command = [word.format(**values) for word in peer.command]
    command[0] = str(programs / command[0])
    told = {name: value.format(**values) for name, value in peer.environment.items()}
    environment = os.environ | told | {"PATH": f"{programs}:{os.environ['PATH']}"}
    with (data_dir / "printed").open("wb") as printed:
        process = subprocess.Popen(
            command, env=environment, cwd=folder, stdout=printed, stderr=subprocess.STDOUT,
            start_new_session=True, preexec_fn=stop_with_us,
        )  # fmt: skip
    try:
        _wait_until_ready(f"http://127.0.0.1:{port}{peer.ready}", process, data_dir / "printed")
        _wait_until_idle(process.pid)
        yield Running(peer, _version(peer, programs), port, str(values["database"]), process, postgres)
    finally:
        _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Stop it, then kill what is left of its group."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        pass
    supervise.kill_group(process.pid)
    process.wait()


def _database_url(data_dir: Path) -> str:
    """llmobs' own database, of which nothing but the name is used."""
    access = embedded.database(data_dir)
    return (
        f"postgresql://{access['USER']}:{access['PASSWORD']}@/{access['NAME']}?host={quote(access['HOST'], safe='/')}"
    )


def _version(peer: Peer, programs: Path) -> str:
    asked = f"from importlib.metadata import version; print(version('{peer.distribution}'))"
    return subprocess.run([programs / "python", "-c", asked], capture_output=True, text=True, check=True).stdout.strip()


def _wait_until_ready(address: str, process: "subprocess.Popen[bytes]", printed: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"It does not start: {printed.read_text()[-3000:]}") from None
            time.sleep(0.5)


def _wait_until_idle(pid: int) -> None:
    """Its first process answers while others are still starting, which would be counted as slowness."""
    deadline, before = time.monotonic() + READY_SECONDS, processes.cpu_seconds(pid)
    while time.monotonic() < deadline:
        time.sleep(IDLE_SECONDS)
        now = processes.cpu_seconds(pid)
        if now - before < IDLE_SECONDS * IDLE_SHARE:
            return
        before = now
