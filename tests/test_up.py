"""`manage.py up` as it is used: started, stopped, killed, started again. Real processes in a DATA_DIR of their own."""

import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import grpc
import psutil
import pytest

from llmobs import processes
from llmobs.embedded import EmbeddedError
from llmobs.lib.priority import BEHIND
from llmobs.management.commands.up import Command
from llmobs.processes import Ports
from tests.grpc_calls import TRACES, called
from tests.otlp import export, span
from tests.servers import STARTED

pytestmark = pytest.mark.up
ROOT = Path(__file__).absolute().parent.parent
READY_SECONDS = 90
WORKERS = 2  # that do the jobs
OURS = ("DATA_DIR", "STATIC_ROOT", "SECRET_KEY", "DATABASE_URL", "BROKER_URL", "SITE_URL", STARTED)


@dataclass
class Up:
    """One `manage.py up`, and what it printed."""

    data_dir: Path
    port: int
    process: subprocess.Popen[str]
    grpc_port: int

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def printed(self) -> str:
        return (self.data_dir / "printed").read_text()

    def processes(self) -> list[psutil.Process]:
        """The process and all below it."""
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]

    def named(self, words: str) -> list[psutil.Process]:
        """Those of `processes` whose command line holds `words`, the parents first."""
        return [process for process in self.processes() if words in command_line(process)]

    def key(self) -> str:
        return (self.data_dir / "demo_key").read_text()


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    """Short, and where the servers' user can enter; pytest's tmp_path is neither."""
    folder = Path(tempfile.mkdtemp(prefix="llmobs-up-", dir="/tmp"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def shared(data_dir: Path) -> Iterator[dict[str, Up]]:
    """The running `up`, which tests may replace; whatever runs in the end is killed."""
    running = {"up": ready(started(data_dir))}
    yield running
    kill_tree(running["up"])


@pytest.fixture
def up(shared: dict[str, Up]) -> Up:
    return shared["up"]


def test_it_says_how_to_get_in_and_ends_with_the_address(up: Up) -> None:
    lines = up.printed().splitlines()
    assert lines[-1] == f"llmobs is ready at {up.address}"
    assert "admin@localhost" in up.printed()
    assert (up.data_dir / "admin_password").read_text() in up.printed()
    assert up.key() in up.printed()


def test_the_line_it_prints_works_when_pasted(up: Up) -> None:
    line = re.search("^curl .*$", up.printed(), re.MULTILINE)
    assert line
    done = subprocess.run(["bash", "-c", f"{line[0]} --silent"], capture_output=True, text=True, check=True)
    receipt = json.loads(done.stdout)
    assert (receipt["accepted"] + receipt["duplicates"], receipt["rejected"]) == (1, [])


def test_opentelemetry_is_taken_in_over_grpc_as_soon_as_it_is_ready(up: Up) -> None:
    assert f"http://127.0.0.1:{up.grpc_port}" in up.printed()
    assert sent_by_grpc(up) is grpc.StatusCode.OK


def test_a_busy_port_of_grpc_is_a_warning_only_where_it_was_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    out = StringIO()
    front, free = Command(stdout=out), free_port()
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        monkeypatch.setattr(processes, "GRPC_PORT", port)
        assert front.free_ports(Ports("127.0.0.1", free, None), 0) == Ports("127.0.0.1", free, 0)
        assert f"Warning: OpenTelemetry over gRPC is not taken in. Port {port} of 127.0.0.1 cannot" in out.getvalue()
        with pytest.raises(EmbeddedError, match="choose another by --grpc-port"):
            front.free_ports(Ports("127.0.0.1", free, port), 0)
    assert front.free_ports(Ports("127.0.0.1", free, None), 0) == Ports("127.0.0.1", free, port)
    assert front.free_ports(Ports("127.0.0.1", free, 0), 0) == Ports("127.0.0.1", free, 0)


def test_what_it_keeps_is_private(up: Up) -> None:
    for name in ("secret_key", "database_password", "admin_password", "demo_key"):
        assert mode(up.data_dir / name) == 0o600, name
    for name in ("run", "postgres", "log"):
        assert mode(up.data_dir / name) == 0o700, name
    assert not up.data_dir.joinpath("postgres", "password").exists()


def test_its_database_asks_for_the_password(up: Up) -> None:
    rules = (up.data_dir / "postgres" / "data" / "pg_hba.conf").read_text()
    methods = {line.split()[-1] for line in rules.splitlines() if line.strip() and not line.startswith("#")}
    assert methods == {"scram-sha-256"}


def test_other_commands_find_the_running_database(up: Up) -> None:
    done = command("make_key", "demo", data_dir=up.data_dir)
    assert (done.returncode, done.stdout.count("\n")) == (0, 1), done.stderr
    assert send(up, "by-another-key", key=done.stdout.strip()) == 200


def test_a_busy_port_is_one_sentence() -> None:
    with socket.socket() as busy, tempfile.TemporaryDirectory(dir="/tmp") as folder:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        done = command("up", "--port", str(busy.getsockname()[1]), data_dir=Path(folder))
    assert done.returncode == 1
    assert re.fullmatch(r"Port \d+ of 127.0.0.1 cannot be used \(.*\); choose another by --port.\n", done.stderr)


def test_a_second_up_on_the_same_data_is_one_sentence(up: Up) -> None:
    done = command("up", "--port", str(free_port()), data_dir=up.data_dir)
    assert done.returncode == 1
    assert re.fullmatch(r"llmobs is already running on .* \(process \d+\); stop it, or .*\n", done.stderr)


def test_a_command_without_the_database_says_how_to_start_it() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        done = command("make_key", "demo", data_dir=Path(folder))
    assert done.returncode == 1
    assert re.fullmatch(r"The database in .* is not running; start it by `python manage.py up` .*\n", done.stderr)


@pytest.mark.parametrize(
    "words", ["interface wsgi", "otlp_grpc", "-q worker", "-q beat", "valkey-server", "postgres -D"]
)
def test_what_dies_is_started_again(up: Up, words: str) -> None:
    killed = up.named(words)[0]
    killed.kill()
    eventually(lambda: any(process != killed for process in up.named(words)), f"{words} is back")
    eventually(lambda: status(up, "/health/ready") == 200, "ready again")
    # Another worker may still hold connections to the Postgres that died: each is a 503, "send it again", once.
    eventually(lambda: send(up, f"after {words}") == 200, "stored again")
    eventually(lambda: sent_by_grpc(up) is grpc.StatusCode.OK, "stored by gRPC again")


def test_what_jobs_ask_of_postgres_gives_way_to_requests(up: Up) -> None:
    def backends() -> list[int]:
        return [one.nice() for one in up.named("postgres: llmobs") if psutil.pid_exists(one.pid)]

    deadline = time.monotonic() + READY_SECONDS
    while BEHIND not in (found := backends()) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert BEHIND in found
    assert min(found) < BEHIND  # a web worker's


def test_jobs_keep_their_connections(up: Up) -> None:
    def backends() -> set[int]:
        found = set()
        for one in up.named("postgres: llmobs"):
            with suppress(psutil.NoSuchProcess):
                found |= {one.pid} if one.nice() == BEHIND else set()
        return found

    eventually(lambda: len(backends()) == WORKERS, "each worker has asked something")
    kept = backends()
    for _ in range(40):  # in which each worker has several tasks
        time.sleep(0.25)
        assert backends() == kept


def test_a_killed_web_worker_is_replaced(up: Up) -> None:
    workers = up.named("interface wsgi")[1:]
    workers[0].kill()
    eventually(lambda: len(up.named("interface wsgi")[1:]) == len(workers), "as many workers")
    eventually(lambda: status(up, "/health/ready") == 200, "ready again")


def test_kill_9_loses_nothing_that_was_answered_200(shared: dict[str, Up], up: Up) -> None:
    sent = [f"kept-{number}" for number in range(40)]
    answered = [request_id for request_id in sent if send(up, request_id) == 200]
    kill_tree(up)
    again = shared["up"] = ready(started(up.data_dir))
    read_key = command("make_key", "demo", "--scope", "read", data_dir=up.data_dir).stdout.strip()
    assert answered == sent
    assert [status(again, f"/api/v1/requests/{request_id}", read_key) for request_id in answered] == [200] * len(sent)
    assert (up.data_dir / "admin_password").read_text() not in again.printed()


def test_killing_only_the_front_leaves_no_orphans(shared: dict[str, Up], up: Up) -> None:
    before = up.processes()
    up.process.kill()
    up.process.wait()
    _, alive = psutil.wait_procs(before[1:], timeout=20)
    assert alive == []
    shared["up"] = ready(started(up.data_dir, up.port))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_leaves_nothing_behind(shared: dict[str, Up], up: Up, number: signal.Signals) -> None:
    before = up.processes()
    up.process.send_signal(number)
    assert up.process.wait(30) == 0
    assert [process for process in before if process.is_running()] == []
    assert not (up.data_dir / "postgres" / "data" / "postmaster.pid").exists()
    shared["up"] = ready(started(up.data_dir))


def started(data_dir: Path, port: int | None = None) -> Up:
    port, grpc_port = port or free_port(), free_port()
    ports = ["--port", str(port), "--grpc-port", str(grpc_port)]
    with (data_dir / "printed").open("w") as printed:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up", *ports, "--data-dir", str(data_dir)],
            cwd=ROOT, env=environment(), stdout=printed, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
    return Up(data_dir, port, process, grpc_port)


def ready(up: Up) -> Up:
    def said_so() -> bool:
        assert up.process.poll() is None, up.printed()
        return "llmobs is ready at" in up.printed()

    eventually(said_so, f"ready; it said: {up.printed()}", seconds=READY_SECONDS)
    return up


def command(*words: str, data_dir: Path) -> subprocess.CompletedProcess[str]:
    """What a management command did with `data_dir`."""
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT, env=environment() | {"DATA_DIR": str(data_dir)}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def environment() -> dict[str, str]:
    """Ours, without what points at the servers of the tests."""
    return {name: value for name, value in os.environ.items() if name not in OURS}


def send(up: Up, request_id: str, key: str = "") -> int:
    """The status that a plain record is answered with; 0 when there is no answer."""
    call = {"request_id": request_id, "feature": "up", "model": "gpt-4o-mini", "input": "a", "output": "b"}
    return status(up, "/api/v1/traces", key or up.key(), json.dumps(call | {"duration_ms": 5}).encode())


def sent_by_grpc(up: Up) -> grpc.StatusCode:
    """How a span is answered that comes over gRPC."""
    return called(f"127.0.0.1:{up.grpc_port}", TRACES, export(span()), up.key())[1].code()


def status(up: Up, path: str, key: str = "", body: bytes | None = None) -> int:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = urllib.request.Request(up.address + path, data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError:
        return 0


def eventually(holds, what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.1)


def kill_tree(up: Up) -> None:
    """`kill -9` of everything at once."""
    if up.process.poll() is None:
        doomed = up.processes()
        for process in doomed:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                pass  # it died with its parent
        up.process.wait()
        psutil.wait_procs(doomed, timeout=10)


def command_line(process: psutil.Process) -> str:
    """Its words, and none once it is dead."""
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return ""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
