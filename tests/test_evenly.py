"""Services keep their connections open; a worker that has far more to do than another lets one of them go."""

import json
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path

import pytest
from django.db import connection

from tests import otlp
from tests.web import database_url, served

# Workers of one parent, started as the web server starts its own: each is asked five times, between its work.
WORKERS = """
import json, multiprocessing, time
from llmobs.lib.evenly import EVERY_SECONDS, Evenly

def worker(works, answers):
    evenly, asked = Evenly(), []
    for _ in range(5):
        end = time.monotonic() + EVERY_SECONDS + 0.1
        while time.monotonic() < end:
            if not works:
                time.sleep(0.05)
        asked.append(evenly.is_too_much(time.monotonic()))
    answers.put((works, asked))
    time.sleep(5)

if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    workers = [context.Process(target=worker, args=(works, answers)) for works in (WHICH,)]
    for one in workers:
        one.start()
    print(json.dumps(sorted(answers.get(timeout=60) for _ in workers)))
    for one in workers:
        one.kill()
"""
REQUESTS_SECONDS = 30


def test_of_two_workers_the_one_that_works_lets_go_and_the_one_that_waits_does_not(tmp_path: Path) -> None:
    (_, idle), (_, busy) = answers_of(tmp_path, "True, False")
    assert not any(idle)
    assert not busy[0]  # nothing to compare with yet
    assert any(busy[1:])


def test_a_worker_without_others_keeps_its_connections(tmp_path: Path) -> None:
    ((works, asked),) = answers_of(tmp_path, "True")
    assert works
    assert not any(asked)


@pytest.mark.django_db(transaction=True)
def test_a_service_that_keeps_one_worker_busy_is_told_to_connect_anew_and_only_between_requests(tmp_path: Path) -> None:
    """Any service may be told: HTTP says that the answer is whole, and that the connection ends after it."""
    with served(tmp_path, workers=2, DATABASE_URL=database_url(connection.settings_dict)) as address:
        told = False
        end = time.monotonic() + REQUESTS_SECONDS
        service = HTTPConnection(address, timeout=20)
        while not told and time.monotonic() < end:
            service.request("POST", "/v1/metrics", b"", {"Content-Type": otlp.PROTOBUF, "x-api-key": "llm_nobody"})
            answer = service.getresponse()
            assert answer.status == 401
            assert answer.read()
            told = answer.getheader("Connection") == "close"
        assert told
        service.request("POST", "/v1/metrics", b"", {"Content-Type": otlp.PROTOBUF})  # opens another by itself
        assert service.getresponse().status == 401
        service.close()


def answers_of(folder: Path, which: str) -> list[tuple[bool, list[bool]]]:
    """What workers that work, or wait, were told each time, by whether they work."""
    script = folder / "workers.py"
    script.write_text(WORKERS.replace("WHICH", which))
    environment = {"PYTHONPATH": str(Path(__file__).resolve().parent.parent), "PATH": ""}
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=True, timeout=90, env=environment
    )
    found: list[tuple[bool, list[bool]]] = json.loads(done.stdout)
    return found
