"""The outbox of incidents: what is sent about them, and when."""

from datetime import datetime

from alerts import message, outbox, rules
from alerts.models import Incident, Notification


def queue(incident: Incident, occasion: Notification.Occasion, now: datetime) -> list[int]:
    """Write one notification per recipient of the incident's rule, in the caller's transaction; their ids."""
    rows = [
        Notification(incident=incident, occasion=occasion, address=address, created_at=now, next_attempt_at=now)
        for address in rules.recipients(incident.rule)
    ]
    return [row.pk for row in Notification.objects.bulk_create(rows)]


def send(notification_id: int, now: datetime) -> None:
    """Send one notification, if it is due and nobody else does. Safe to repeat."""
    rows = Notification.objects.select_related("incident__rule", "incident__project")
    outbox.send(rows, notification_id, message.of, now)


def sweep(now: datetime) -> list[int]:
    """The ids of all notifications that are due, those of killed senders as well."""
    return outbox.sweep(Notification.objects.all(), now)
