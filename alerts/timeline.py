"""What happened around an incident, newest first, as the side of its page tells it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils import timezone

from alerts.models import Incident, Notification

Occasion, State = Notification.Occasion, Notification.State
_TAKEN = {True: "accepted by the mail server", False: "kept on this machine: no mail server is configured"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: when, what, a hint below it. `tone` is "bad", "mark" or ""."""

    at: datetime
    what: str
    hint: str = ""
    tone: str = ""


def entries(incident: Incident, notifications: Iterable[Notification]) -> list[Entry]:
    """The incident's life and its mails. No queries beyond what is passed in."""
    found = [*_life(incident), *map(_mail, notifications)]
    return sorted(found, key=lambda entry: entry.at, reverse=True)


def _life(incident: Incident) -> Iterator[Entry]:
    yield Entry(incident.began_at, "It began", "the first five minutes that broke the rule", "bad")
    yield Entry(incident.opened_at, "Opened", incident.get_severity_display(), "bad")
    if incident.acknowledged_at:
        who = incident.acknowledged_by
        yield Entry(incident.acknowledged_at, f"{(who.name or who.email) if who else 'Somebody'} acknowledged")
    if incident.over_at:
        yield Entry(incident.over_at, "As it should be again")
    if incident.resolved_at:
        yield Entry(incident.resolved_at, "Resolved", incident.resolution)
    else:
        looked = incident.rule.last_looked_at
        yield Entry(looked or timezone.now(), "Still open", incident.last_sentence)


def _mail(notification: Notification) -> Entry:
    about = "Mail that it is over" if notification.occasion == Occasion.RESOLVED else "Mail"
    if notification.state == State.SENT and notification.sent_at:
        return Entry(notification.sent_at, f"{about} to {notification.address}", _TAKEN[bool(settings.EMAIL_URL)])
    if notification.state == State.FAILED:
        return Entry(
            notification.created_at, f"{about} to {notification.address} was not sent", notification.failure, "bad"
        )
    hint = f"{notification.failure} It is tried again." if notification.failure else "waiting to be sent"
    return Entry(notification.created_at, f"{about} to {notification.address}", hint)
