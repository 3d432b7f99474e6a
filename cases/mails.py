"""The outbox of cases: rows written with the event they tell of, and sent after it by whoever claims them."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F
from django.utils.module_loading import import_string

from alerts.errors import TransportError
from alerts.transports import TRANSPORTS
from cases import message
from cases.members import told_of
from cases.models import Case, Event, Mail

logger = logging.getLogger(__name__)

State = Mail.State
MOST_ATTEMPTS = 8
# After the first attempt; doubled after each further one: about an hour in all.
FIRST_WAIT = timedelta(seconds=30)
KILLED = "Its sender was stopped in the middle, again and again."


def queue(case: Case, event: Event, now: datetime) -> list[int]:
    """Write one mail to whoever has the case and whoever made it, in the caller's transaction; their ids."""
    rows = [
        Mail(event=event, address=address, created_at=now, next_attempt_at=now)
        for address in told_of(case.project, case.assignee, case.created_by)
    ]
    return [row.pk for row in Mail.objects.bulk_create(rows)]


def send(mail_id: int, now: datetime) -> None:
    """Send one mail. Safe to repeat: only the caller that moves the row out of PENDING sends it.

    A claim is a lease: `sweep` puts a row back whose sender was killed. Only a sender that dies between the server's
    yes and its own note of it is repeated; the copy has the same Message-ID.
    """
    claimed = Mail.objects.filter(pk=mail_id, state=State.PENDING, next_attempt_at__lte=now)
    if not claimed.update(state=State.SENDING, claimed_at=now, attempts=F("attempts") + 1):
        return
    row = Mail.objects.select_related("event__case__project").get(pk=mail_id)
    mine = Mail.objects.filter(pk=row.pk, state=State.SENDING, claimed_at=now)
    try:
        import_string(TRANSPORTS["email"])(message.of(row))
    except TransportError as error:
        logger.warning("Mail %d of a case: %s", row.pk, error.sentence)
        mine.update(**_after_failure(row.attempts, error, now))
    else:
        mine.update(state=State.SENT, sent_at=now, failure="")


def sweep(now: datetime) -> list[int]:
    """Put back the rows whose sender was killed; the ids of all that are due."""
    lease = timedelta(seconds=settings.NOTIFY_LEASE_SECONDS)
    killed = Mail.objects.filter(state=State.SENDING, claimed_at__lt=now - lease)
    killed.filter(attempts__gte=MOST_ATTEMPTS).update(state=State.FAILED, failure=KILLED)
    killed.update(state=State.PENDING, next_attempt_at=now)
    due = Mail.objects.filter(state=State.PENDING, next_attempt_at__lte=now)
    return list(due.order_by("created_at", "id").values_list("pk", flat=True))


def _after_failure(attempts: int, error: TransportError, now: datetime) -> dict[str, str | datetime]:
    sentence = error.sentence[:300]
    if error.permanent or attempts >= MOST_ATTEMPTS:
        return {"state": State.FAILED, "failure": sentence}
    return {"state": State.PENDING, "failure": sentence, "next_attempt_at": now + FIRST_WAIT * 2 ** (attempts - 1)}
