"""The outbox of cases: what is sent when the fix of one goes live, and when one comes back."""

from datetime import datetime

from alerts import outbox
from cases import message
from cases.members import told_of
from cases.models import Case, Event, Mail


def queue(case: Case, event: Event, now: datetime) -> list[int]:
    """Write one mail to whoever has the case and whoever made it, in the caller's transaction; their ids."""
    rows = [
        Mail(event=event, address=address, created_at=now, next_attempt_at=now)
        for address in told_of(case.project, case.assignee, case.created_by)
    ]
    return [row.pk for row in Mail.objects.bulk_create(rows)]


def send(mail_id: int, now: datetime) -> None:
    """Send one mail, if it is due and nobody else does. Safe to repeat."""
    outbox.send(Mail.objects.select_related("event__case__project"), mail_id, message.of, now)


def sweep(now: datetime) -> list[int]:
    """The ids of all mails that are due, those of killed senders as well."""
    return outbox.sweep(Mail.objects.all(), now)
