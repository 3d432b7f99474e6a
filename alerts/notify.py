"""The outbox: rows written with the change they tell of, and sent after it by whoever claims them."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F
from django.utils.module_loading import import_string

from alerts import message, rules
from alerts.errors import TransportError
from alerts.models import Incident, Notification
from alerts.transports import TRANSPORTS

logger = logging.getLogger(__name__)

State = Notification.State
MOST_ATTEMPTS = 8
# After the first attempt; doubled after each further one: 30 s, 1 min, 2 min … about an hour in all.
FIRST_WAIT = timedelta(seconds=30)
KILLED = "Its sender was stopped in the middle, again and again."


def queue(incident: Incident, occasion: Notification.Occasion, now: datetime) -> list[int]:
    """Write one notification per recipient of the incident's rule, in the caller's transaction; their ids."""
    rows = [
        Notification(incident=incident, occasion=occasion, address=address, created_at=now, next_attempt_at=now)
        for address in rules.recipients(incident.rule)
    ]
    return [row.pk for row in Notification.objects.bulk_create(rows)]


def send(notification_id: int, now: datetime) -> None:
    """Send one message. Safe to repeat: only the caller that moves the row out of PENDING sends it.

    A claim is a lease: `sweep` puts a row back whose sender was killed. Only a sender that dies between the far end's
    yes and its own note of it is repeated; the copy has the same Message-ID.
    """
    claimed = Notification.objects.filter(pk=notification_id, state=State.PENDING, next_attempt_at__lte=now)
    if not claimed.update(state=State.SENDING, claimed_at=now, attempts=F("attempts") + 1):
        return
    row = Notification.objects.select_related("incident__rule", "incident__project").get(pk=notification_id)
    mine = Notification.objects.filter(pk=row.pk, state=State.SENDING, claimed_at=now)
    try:
        import_string(TRANSPORTS[row.transport])(message.of(row))
    except TransportError as error:
        logger.warning("Notification %d: %s", row.pk, error.sentence)
        mine.update(**_after_failure(row.attempts, error, now))
    else:
        mine.update(state=State.SENT, sent_at=now, failure="")


def sweep(now: datetime) -> list[int]:
    """Put back the rows whose sender was killed; the ids of all that are due."""
    killed = Notification.objects.filter(
        state=State.SENDING, claimed_at__lt=now - timedelta(seconds=settings.NOTIFY_LEASE_SECONDS)
    )
    killed.filter(attempts__gte=MOST_ATTEMPTS).update(state=State.FAILED, failure=KILLED)
    killed.update(state=State.PENDING, next_attempt_at=now)
    due = Notification.objects.filter(state=State.PENDING, next_attempt_at__lte=now)
    return list(due.order_by("created_at", "id").values_list("pk", flat=True))


def _after_failure(attempts: int, error: TransportError, now: datetime) -> dict[str, str | datetime]:
    sentence = error.sentence[:300]
    if error.permanent or attempts >= MOST_ATTEMPTS:
        return {"state": State.FAILED, "failure": sentence}
    wait = FIRST_WAIT * 2 ** (attempts - 1)
    return {"state": State.PENDING, "failure": sentence, "next_attempt_at": now + wait}
