"""What breaks in production, broken on purpose under load: every span that was answered 2xx is there exactly once."""

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest

from tests.faults import (
    SDK_SPANS,
    away,
    database,
    exporting,
    fill,
    frozen,
    postgres,
    read_only,
    small_disk,
    without_grpc,
)
from tests.load import Load
from tests.test_up import Up, command, eventually, kill_tree, ready, started, status
from tests.web import sent

pytestmark = pytest.mark.up
LONGEST_ANSWER_SECONDS = 15
BACK_SECONDS = 60

SPANS = "SELECT encode(trace_id, 'hex'), encode(span_id, 'hex') FROM traces_span"
WITHOUT_PAYLOAD = """
    SELECT count(*) FROM traces_span LEFT JOIN traces_payload p USING (project_id, day, trace_id, span_id)
    WHERE p.span_id IS NULL
"""
SUMMARIES = """
    SELECT trace_id, happened_at, ended_at, first_day, last_day, has_root FROM traces_summary EXCEPT
    SELECT trace_id, min(happened_at), max(happened_at + duration_us * interval '1 microsecond'), min(day), max(day),
        bool_or(parent_id IS NULL)
    FROM traces_span GROUP BY trace_id
"""
TRACES = "SELECT (SELECT count(*) FROM traces_summary), (SELECT count(DISTINCT trace_id) FROM traces_span)"
MARKS = "SELECT count(*) FROM traces_mark"
# The load's own shape: every span of kind llm is a call.
COUNTED = """
    SELECT sum(requests), sum(calls), sum(input_tokens) FROM traces_rollup WHERE level = 'project'
"""
TO_COUNT = """
    SELECT count(DISTINCT trace_id), count(*) FILTER (WHERE kind = 'llm'), sum(input_tokens) FROM traces_span
"""


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    folder = Path(tempfile.mkdtemp(prefix="llmobs-faults-", dir="/tmp"))
    folder.chmod(0o711)
    running = ready(started(folder))
    yield running
    kill_tree(running)
    shutil.rmtree(folder, ignore_errors=True)


def test_killed_web_workers_lose_and_double_nothing(up: Up) -> None:
    with Load(up.address, up.key()) as load:
        flowing(load)
        workers = up.named("interface wsgi")[1:]
        workers[0].kill()
        flowing(load)
        for worker in up.named("interface wsgi")[1:]:
            worker.kill()
        flowing(load)
    assert {code for code, _ in load.seen} <= {0}  # connections that broke with their worker
    assert_all_kept(up, load)
    assert_counted(up)


def test_a_killed_postgres_loses_and_doubles_nothing(up: Up) -> None:
    with Load(up.address, up.key()) as load:
        flowing(load)
        postgres(up).kill()
        flowing(load)
    assert_put_off(load)
    assert_all_kept(up, load)
    assert_counted(up)


def test_a_stopped_database_is_503_on_pages_too_and_the_sdk_loses_nothing(up: Up) -> None:
    outage(up, away, lambda: assert_pages_say_so(up))


@pytest.mark.long
@pytest.mark.parametrize("trouble", ["away", "frozen"])
def test_twenty_seconds_without_the_database_are_503_and_the_sdk_loses_nothing(up: Up, trouble: str) -> None:
    outage(up, {"away": away, "frozen": frozen}[trouble], lambda: time.sleep(20))


@pytest.mark.long
def test_ten_seconds_without_grpc_lose_nothing_of_the_sdk(up: Up) -> None:
    with without_grpc(up), exporting(up, "grpc") as sdk:
        time.sleep(10)
        up.process.send_signal(signal.SIGCONT)
        assert_exported(up, sdk)


def test_a_frozen_database_is_503_before_clients_give_up(up: Up) -> None:
    with Load(up.address, up.key()) as load:
        flowing(load)
        with frozen(up):
            assert_unready(up, "does not answer")
            eventually(lambda: (503, "5") in load.seen, "it is put off")
        flowing(load)
    assert_put_off(load)
    assert_all_kept(up, load)


def test_a_read_only_database_is_503_and_still_read(up: Up) -> None:
    made = command("make_key", "demo", "--scope", "read", data_dir=up.data_dir)
    assert made.returncode == 0, made.stderr
    read_key = made.stdout.strip()
    with Load(up.address, up.key()) as load:
        flowing(load)
        with read_only(up):
            eventually(lambda: (503, "5") in load.seen, "it is put off")
            assert_unready(up, "read-only")
            trace_id = next(iter(load.kept))[0]
            assert status(up, f"/api/v1/traces/{trace_id}", read_key) == 200
        flowing(load)
    assert_put_off(load)
    assert_all_kept(up, load)


@pytest.mark.long
def test_a_full_disk_is_503_until_there_is_room() -> None:
    with small_disk(megabytes=700) as folder:
        running = ready(started(folder))
        filler = folder / "filler"
        try:
            with Load(running.address, running.key()) as load:
                flowing(load)
                fill(filler)
                eventually(lambda: (503, "5") in load.seen, "it is put off", BACK_SECONDS)
                assert_unready(running, "database")
                filler.unlink()
                flowing(load)
            assert_put_off(load)
            assert_all_kept(running, load)
        finally:
            kill_tree(running)


def flowing(load: Load) -> None:
    """Wait until what is sent is being stored."""
    before = len(load.kept)
    eventually(lambda: len(load.kept) > before + 150, "spans are stored", BACK_SECONDS)


def assert_put_off(load: Load) -> None:
    """Whatever was not stored was answered by 503 with Retry-After, or its connection broke, and nobody waited long."""
    assert set(load.seen) <= {(503, "5"), (0, None)}
    assert load.slowest < LONGEST_ANSWER_SECONDS


def assert_unready(up: Up, words: str) -> None:
    answer = sent(up.address.removeprefix("http://"), "GET", "/health/ready")
    assert (answer.status, words in answer.content.decode()) == (503, True), answer.content
    assert status(up, "/health/live") == 200


def assert_all_kept(up: Up, load: Load) -> None:
    """Spans, payloads and summaries agree with each other and with what was answered."""
    with database(up) as server:
        spans = server.execute(SPANS).fetchall()
        assert len(spans) == len(set(spans))
        assert load.kept <= set(spans)
        assert server.execute(WITHOUT_PAYLOAD).fetchone() == (0,)
        assert server.execute(SUMMARIES).fetchall() == []
        summaries, traces = server.execute(TRACES).fetchone()
        assert summaries == traces


def assert_counted(up: Up) -> None:
    """The rollups, which `up`'s own jobs rebuild, agree with the spans."""
    with database(up) as server:
        eventually(lambda: server.execute(MARKS).fetchone() == (0,), "rollups are rebuilt", BACK_SECONDS)
        assert server.execute(COUNTED).fetchone() == server.execute(TO_COUNT).fetchone()


def assert_pages_say_so(up: Up) -> None:
    """What people and readers of JSON get while the database is away."""
    pages = ("/", "/login", "/p/demo", "/p/demo/traces", "/nowhere", "/api/v1/traces/1")
    cookie = f"sessionid={'a' * 32}"
    with ThreadPoolExecutor(len(pages)) as readers:
        answers = readers.map(lambda path: sent(up.address.removeprefix("http://"), "GET", path, Cookie=cookie), pages)
        for path, answer in zip(pages, answers, strict=True):
            assert (answer.status, answer.headers["Retry-After"]) == (503, "5"), path
            assert b"database does not answer" in answer.content, path
    assert_unready(up, "does not answer")


def outage(up: Up, trouble: Callable[[Up], AbstractContextManager[None]], meanwhile: Callable[[], None]) -> None:
    """The database in trouble, under load from so many senders that requests are written together, and the real SDK."""
    with Load(up.address, up.key(), threads=12) as load, ExitStack() as stack:
        flowing(load)
        with trouble(up):
            sdks = [stack.enter_context(exporting(up, protocol)) for protocol in ("http", "grpc")]
            meanwhile()
        flowing(load)
        for sdk in sdks:
            assert_exported(up, sdk)
    assert_put_off(load)
    assert_all_kept(up, load)


def assert_exported(up: Up, sdk: "subprocess.Popen[str]") -> None:
    """All that the real SDK has made is stored."""
    printed, _ = sdk.communicate(timeout=BACK_SECONDS)
    assert sdk.returncode == 0, printed
    ids = set(printed.split())
    assert len(ids) == SDK_SPANS
    with database(up) as server:
        assert ids <= {span for _, span in server.execute(SPANS).fetchall()}
