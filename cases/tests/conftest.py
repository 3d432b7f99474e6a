"""Fixtures of the cases: refunds that cannot be read, a case of one of them, and what comes after its fix."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Project, User
from cases import changes, evidence, tasks
from cases.models import Case
from tests import make
from traces.search.index import index_marked

# Tasks that run at once, and a mail server: those of the alerts are also these.
from alerts.tests.conftest import at_once, mail_server  # noqa: F401  # isort: skip


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def refund(project: Project):
    """Stores and indexes a request of the feature refund, so many minutes ago: failed unless it says otherwise."""

    def _refund(
        minutes_ago: float, version: str = "8", *, failed: bool = True, parser: str = "refund_json", **fields: Any
    ) -> bytes:
        at = timezone.now() - timedelta(minutes=minutes_ago)
        same = {"feature": "refund", "prompt_name": "refund", "prompt_version": version, "started_at": at, **fields}
        root, call = make.trace(**{"status": "error" if failed else "ok", "input": "Where is my money?", **same})
        parser = make.span(
            trace_id=root.trace_id, parent_id=root.span_id, kind="parser", parser_name=parser,
            status="error" if failed else "ok", failure="parser_failed" if failed else None, **same,
        )  # fmt: skip
        call.status = "ok"
        root.failure = "parser_failed" if failed else None
        make.stored(project.pk, root, call, parser)
        index_marked()
        return root.trace_id

    return _refund


@pytest.fixture
def case(project: Project, member: User, refund) -> Case:
    """A case that a member made of one request, an hour ago; nobody has named its fix."""
    key = refund(60, user_id="u-7")
    made = timezone.now() - timedelta(minutes=50)
    values = {"title": "Refunds cannot be read", "note": "Anna called.", "reported_by": "u-7", "feature": "refund"}
    return evidence.begin(project, member, values, [key], made)


@pytest.fixture
def waiting(case: Case, member: User) -> Case:
    """The same, waiting for the prompt refund@9."""
    changes.change(case.pk, member, {"fix": "prompt:refund@9"}, edits=case.edits + 9, now=timezone.now())
    case.refresh_from_db()
    return case


def look() -> None:
    """One tick, whenever the case is due."""
    Case.objects.filter(next_due_at__isnull=False).update(next_due_at=timezone.now())
    tasks.look_at_due_cases()
