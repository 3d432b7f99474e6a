"""The whole of it: a demo that is loaded by `up`, an incident that its own jobs find, a mail in a real SMTP server."""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MessageHandler

from tests.test_up import ROOT, environment, eventually, free_port

pytestmark = pytest.mark.up
LOADED_SECONDS = 240  # on a busy machine of two cores
FOUND_SECONDS = 150


class Inbox(MessageHandler):
    """An SMTP server's handler that keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.mails: list[tuple[float, Message]] = []

    def handle_message(self, message: Message) -> None:
        self.mails.append((time.monotonic(), message))


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, int]]:
    handler = Inbox()
    server = Controller(handler, hostname="127.0.0.1", port=free_port())
    server.start()
    yield handler, server.port
    server.stop()


@pytest.fixture
def demo(inbox: tuple[Inbox, int]) -> Iterator[str]:
    """The address of an `up --demo` whose mails go to the inbox."""
    folder = Path(tempfile.mkdtemp(prefix="llmobs-demo-", dir="/tmp"))
    folder.chmod(0o755)
    port = free_port()
    mail = {"EMAIL_URL": f"smtp://127.0.0.1:{inbox[1]}", "ADMIN_EMAIL": "oncall@example.org"}
    with (folder / "printed").open("w") as printed:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--demo", "--port", str(port), "--data-dir", str(folder)],
            cwd=ROOT,
            env={**environment(), **mail},
            stdout=printed,
            stderr=subprocess.STDOUT,
        )
    try:
        eventually(lambda: "llmobs is ready at" in (folder / "printed").read_text(), "it is ready", LOADED_SECONDS)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


def test_the_demos_incident_is_found_by_ups_jobs_and_mailed(inbox: tuple[Inbox, int], demo: str) -> None:
    kept, _ = inbox
    eventually(lambda: any("error" in subject(mail) for _, mail in kept.mails), "the mail is there", FOUND_SECONDS)
    mail = next(mail for _, mail in kept.mails if "error" in subject(mail))
    text = next(part for part in mail.walk() if part.get_content_type() == "text/plain").get_payload(decode=True)
    assert mail["To"] == "oncall@example.org"
    assert re.search(r"answers \d+ % of its requests with an error \(usual .+\) since \d\d:\d\d", subject(mail))
    assert f"{demo}/p/demo/incidents/".encode() in text
    assert len(re.findall(rf"{demo}/p/demo/traces/[0-9a-f]{{32}}".encode(), text)) == 3


def subject(mail: Message) -> str:
    """The subject in one line, its no-break spaces as spaces."""
    return " ".join(str(mail["Subject"]).split())
