"""Entrances for Celery. What is due is a row: a task that is lost, late or repeated changes nothing but the hour."""

from celery import shared_task
from django.utils import timezone

from cases import mails, watch


@shared_task(name="cases.look_at_due_cases")
def look_at_due_cases() -> None:
    """Claim what is due and hand each case to a worker."""
    for case_id in watch.claim_due(timezone.now()):
        # A look that waited until the next one is due has nothing to add.
        look_at_case.apply_async((case_id,), expires=watch.SOON.seconds)


@shared_task(name="cases.look_at_case")
def look_at_case(case_id: int) -> None:
    for mail_id in watch.look(case_id, timezone.now()):
        send_mail.delay(mail_id)


@shared_task(name="cases.send_mail")
def send_mail(mail_id: int) -> None:
    mails.send(mail_id, timezone.now())


@shared_task(name="cases.sweep_mails")
def sweep_mails() -> None:
    """Retries, and whatever a lost message or a killed sender left behind."""
    for mail_id in mails.sweep(timezone.now()):
        send_mail.delay(mail_id)
