"""Entrances for Celery. What is due is a row: a task that is lost, late or repeated changes nothing but the hour."""

from datetime import datetime

from celery import shared_task
from django.utils import timezone

from alerts import notify, rules
from alerts.evaluate import evaluate


@shared_task(name="alerts.evaluate_due_rules")
def evaluate_due_rules() -> None:
    """Claim what is due and hand each rule to a worker."""
    rules.ensure_all()
    now = timezone.now()
    for rule_id in rules.claim_due(now):
        # A look that waited until the next one is due has nothing to add.
        evaluate_rule.apply_async((rule_id, now.isoformat()), expires=rules.LOOK_INTERVAL.seconds)


@shared_task(name="alerts.evaluate_rule")
def evaluate_rule(rule_id: int, now: str) -> None:
    for notification_id in evaluate(rule_id, datetime.fromisoformat(now)):
        send_notification.delay(notification_id)


@shared_task(name="alerts.send_notification")
def send_notification(notification_id: int) -> None:
    notify.send(notification_id, timezone.now())


@shared_task(name="alerts.sweep_notifications")
def sweep_notifications() -> None:
    """Retries, and whatever a lost message or a killed sender left behind."""
    for notification_id in notify.sweep(timezone.now()):
        send_notification.delay(notification_id)
