"""The outbox of every kind of mail: rows written with the change they tell of, sent after it by whoever claims them."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, TypeVar

from django.conf import settings
from django.db.models import F, QuerySet
from django.utils.module_loading import import_string

from alerts.errors import TransportError
from alerts.message import Message
from alerts.models import Outgoing
from alerts.transports import TRANSPORTS

logger = logging.getLogger(__name__)

Row = TypeVar("Row", bound=Outgoing)

State = Outgoing.State
MOST_ATTEMPTS: Final = 8
# After the first attempt; doubled after each further one: 30 s, 1 min, 2 min … about an hour in all.
FIRST_WAIT: Final = timedelta(seconds=30)
KILLED: Final = "Its sender was stopped in the middle, again and again."


def send(rows: QuerySet[Row], pk: int, message_of: Callable[[Row], Message], now: datetime) -> None:
    """Send one of `rows`. Safe to repeat: only the caller that moves the row out of PENDING sends it.

    A claim is a lease: `sweep` puts a row back whose sender was killed. Only a sender that dies between the far end's
    yes and its own note of it is repeated; the copy has the same Message-ID.
    """
    claimed = rows.filter(pk=pk, state=State.PENDING, next_attempt_at__lte=now)
    if not claimed.update(state=State.SENDING, claimed_at=now, attempts=F("attempts") + 1):
        return
    row = rows.get(pk=pk)
    mine = rows.filter(pk=pk, state=State.SENDING, claimed_at=now)
    try:
        import_string(TRANSPORTS[row.transport])(message_of(row))
    except TransportError as error:
        logger.warning("%s %d: %s", type(row).__name__, pk, error.sentence)
        mine.update(**_after_failure(row.attempts, error, now))
    else:
        mine.update(state=State.SENT, sent_at=now, failure="")


def sweep(rows: QuerySet[Row], now: datetime) -> list[int]:
    """Put back the rows whose sender was killed; the ids of all that are due."""
    lease = timedelta(seconds=settings.NOTIFY_LEASE_SECONDS)
    killed = rows.filter(state=State.SENDING, claimed_at__lt=now - lease)
    killed.filter(attempts__gte=MOST_ATTEMPTS).update(state=State.FAILED, failure=KILLED)
    killed.update(state=State.PENDING, next_attempt_at=now)
    due = rows.filter(state=State.PENDING, next_attempt_at__lte=now)
    return list(due.order_by("created_at", "id").values_list("pk", flat=True))


def _after_failure(attempts: int, error: TransportError, now: datetime) -> dict[str, str | datetime]:
    sentence = error.sentence[:300]
    if error.permanent or attempts >= MOST_ATTEMPTS:
        return {"state": State.FAILED, "failure": sentence}
    wait = FIRST_WAIT * 2 ** (attempts - 1)
    return {"state": State.PENDING, "failure": sentence, "next_attempt_at": now + wait}
