"""Fixtures of the alerts: an incident, tasks that run at once, and a mail server that listens on loopback."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.utils import timezone

from accounts.models import Project, User
from alerts import tasks
from alerts.evaluate import evaluate
from alerts.models import Incident
from alerts.tests.traffic import QUARTER, counted, present, rule_of, some_fail, steady, usual_days
from llmobs.lib.timerange import FIVE_MINUTES, floor
from tests import make


@pytest.fixture
def at_once() -> Iterator[None]:
    """Tasks run in the caller, and their errors are the test's."""
    configuration = tasks.evaluate_rule.app.conf
    configuration.task_always_eager = configuration.task_eager_propagates = True
    yield
    configuration.task_always_eager = configuration.task_eager_propagates = False


@dataclass
class MailServer:
    """What a server that speaks SMTP received; `refuse` is the answer that it gives instead of taking a mail."""

    received: list[EmailMessage] = field(default_factory=list)
    refuse: str = ""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.refuse:
            return self.refuse
        self.received.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 taken"


@pytest.fixture
def mail_server(settings: Any) -> Iterator[MailServer]:
    """A real SMTP server on a free port of loopback, to which the settings point."""
    handler = MailServer()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    settings.EMAIL_URL = f"smtp://127.0.0.1:{port}"
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    yield handler
    controller.stop()


@pytest.fixture
def incident(project: Project, admin: User) -> Incident:
    """An open incident whose traces say hostile things."""
    now = present()
    began_at = floor(now, FIVE_MINUTES) - timedelta(minutes=10)
    hostile = {"feature": "<script>alert(1)</script>", "input": [{"role": "user", "content": "<img src=x onerror=1>"}]}
    counted(
        project,
        *usual_days(now, days=3),
        *some_fail(began_at, now, 90, failed=30),
        *(span for _ in range(40) for span in make.trace(started_at=now, status="error", **hostile)),
    )
    evaluate(rule_of(project, "error_rate", looks_to_open=1).pk, now)
    return Incident.objects.get()


@pytest.fixture
def now() -> datetime:
    """Two minutes into a five-minute bucket, a little in the past."""
    return floor(timezone.now(), FIVE_MINUTES) - timedelta(minutes=3)


@pytest.fixture
def outage(project: Project, admin: User, now: datetime) -> datetime:
    """A fifth of the requests fails, since ten minutes before `now`; the usual is no failure at all."""
    began_at = floor(now, FIVE_MINUTES) - timedelta(minutes=10)
    counted(
        project,
        *usual_days(now),
        *steady(began_at - QUARTER, began_at, 60),
        *some_fail(began_at, now, 60, failed=12),
    )
    return began_at
