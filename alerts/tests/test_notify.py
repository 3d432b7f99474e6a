"""From a tick to a mail: the outbox, its claims, and what a real SMTP server receives."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from alerts import notify, outbox, tasks
from alerts.errors import TransportError
from alerts.evaluate import evaluate
from alerts.models import Incident, Notification, Rule
from alerts.tests.traffic import counted, present, rule_of, some_fail, steady, usual_days
from alerts.transports import email
from llmobs.lib.timerange import FIVE_MINUTES, floor
from tests import make

State = Notification.State


@pytest.fixture
def live_outage(project, admin):
    """A third of the requests fails, right now; one of them has a hostile feature and question."""
    now = present()
    began_at = floor(now, FIVE_MINUTES) - timedelta(minutes=10)
    hostile = {"feature": "<script>alert(1)</script>", "input": [{"role": "user", "content": "<img src=x onerror=1>"}]}
    counted(
        project,
        *usual_days(now, days=3),
        *some_fail(began_at, now, 90, failed=30),
        *make.trace(started_at=now - timedelta(seconds=1), status="error", **hostile),
    )
    return began_at


@pytest.fixture
def opened(live_outage, project):
    """The rule and its incident, whose mail waits."""
    rule = rule_of(project, "error_rate", looks_to_open=1)
    evaluate(rule.pk, timezone.now())
    return Notification.objects.get()


def tick():
    Rule.objects.update(next_due_at=timezone.now())
    tasks.evaluate_due_rules()


def test_two_ticks_become_one_mail_in_a_real_server(project, live_outage, at_once, mail_server, settings):
    settings.SITE_URL = "https://llmobs.example.org"
    for _ in range(4):
        tick()
    [message] = mail_server.received
    incident = Incident.objects.get()
    assert message["Subject"] == (
        f"Page: Shop answers 34 % of its requests with an error (usual 0 %) since {live_outage:%H:%M} UTC"
    )
    assert message["To"] == "ada@example.org"
    text = message.get_body(("plain",)).get_content()
    assert f"https://llmobs.example.org/p/shop/incidents/{incident.pk}" in text
    assert text.count("https://llmobs.example.org/p/shop/traces/") == 3
    assert f"Since {live_outage:%H:%M} UTC." in text
    assert "31 of 91 requests failed" in text.replace("\u00a0", " ")
    assert Notification.objects.get().state == State.SENT


def test_what_traces_say_is_text_in_the_mail_and_never_markup(opened, mail_server):
    notify.send(opened.pk, timezone.now())
    [message] = mail_server.received
    page = message.get_body(("html",)).get_content()
    assert "&lt;script&gt;alert(1)" in page
    assert "&lt;img src=x" in page
    assert "<script" not in page
    assert "<img" not in page


def test_the_recovery_answers_the_mail_that_opened_it(opened, project, at_once, mail_server):
    notify.send(opened.pk, timezone.now())
    incident = Incident.objects.get()
    now = timezone.now()
    later = floor(now, FIVE_MINUTES) + timedelta(minutes=22)
    counted(project, *steady(now, later + timedelta(minutes=10), 220))
    evaluate(incident.rule_id, later)
    for pk in evaluate(incident.rule_id, later + timedelta(minutes=10)):
        notify.send(pk, later + timedelta(minutes=10))
    first, second = mail_server.received
    assert second["In-Reply-To"] == second["References"] == first["Message-ID"]
    assert second["Message-ID"] != first["Message-ID"]
    assert second["Subject"].startswith("Over: Shop answers 34 % of its requests with an error, until")
    assert "As usual again for 10 minutes." in second.get_body(("plain",)).get_content()


def test_a_notification_is_sent_once_however_often_it_is_asked_for(opened, mail_server):
    for _ in range(3):
        notify.send(opened.pk, timezone.now())
    assert len(mail_server.received) == 1


def test_a_server_that_is_busy_is_asked_again_later(opened, mail_server):
    mail_server.refuse = "451 try again later"
    now = timezone.now()
    notify.send(opened.pk, now)
    opened.refresh_from_db()
    assert (opened.state, opened.attempts, opened.next_attempt_at) == (State.PENDING, 1, now + timedelta(seconds=30))
    assert opened.failure == "The mail server refused it: 451 try again later."
    mail_server.refuse = ""
    notify.send(opened.pk, now)  # too early
    assert mail_server.received == notify.sweep(now) == []
    assert notify.sweep(now + timedelta(seconds=31)) == [opened.pk]
    notify.send(opened.pk, now + timedelta(seconds=31))
    opened.refresh_from_db()
    assert (opened.state, opened.failure, len(mail_server.received)) == (State.SENT, "", 1)


def test_a_mail_that_is_refused_for_good_is_not_tried_again(opened, mail_server):
    mail_server.refuse = "550 no such person"
    notify.send(opened.pk, timezone.now())
    opened.refresh_from_db()
    assert (opened.state, opened.failure) == (State.FAILED, "The mail server refused it: 550 no such person.")
    assert notify.sweep(timezone.now() + timedelta(days=1)) == []


def test_a_server_that_is_away_is_given_up_after_eight_attempts(opened, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    now = timezone.now()
    for _ in range(outbox.MOST_ATTEMPTS):
        notify.send(opened.pk, now)
        now += timedelta(hours=2)
    opened.refresh_from_db()
    assert (opened.state, opened.attempts) == (State.FAILED, 8)
    assert "did not answer" in opened.failure


def test_a_killed_senders_row_is_swept_and_sent(opened, at_once, mail_server, settings):
    died_at = timezone.now() - timedelta(seconds=settings.NOTIFY_LEASE_SECONDS + 1)
    Notification.objects.update(state=State.SENDING, claimed_at=died_at, attempts=1)
    tasks.sweep_notifications()
    assert len(mail_server.received) == 1
    assert Notification.objects.get().attempts == 2


def test_a_sender_at_work_is_left_alone(opened, at_once, mail_server):
    Notification.objects.update(state=State.SENDING, claimed_at=timezone.now(), attempts=1)
    tasks.sweep_notifications()
    assert mail_server.received == []


def test_what_kills_every_sender_is_given_up(opened, settings):
    died_at = timezone.now() - timedelta(seconds=settings.NOTIFY_LEASE_SECONDS + 1)
    Notification.objects.update(state=State.SENDING, claimed_at=died_at, attempts=outbox.MOST_ATTEMPTS)
    assert notify.sweep(timezone.now()) == []
    assert Notification.objects.get().failure == outbox.KILLED


def test_a_lost_message_of_the_broker_loses_no_mail(opened, at_once):
    tasks.sweep_notifications()
    assert [message.to for message in mail.outbox] == [["ada@example.org"]]


def test_every_recipient_has_a_row_of_their_own(live_outage, project, at_once):
    rule_of(project, "error_rate", looks_to_open=1, recipients="a@example.org\nb@example.org")
    tick()
    assert sorted(message.to[0] for message in mail.outbox) == ["a@example.org", "b@example.org"]


def test_a_projects_name_adds_no_header(opened, project):
    project.name = "Shop\r\nBcc: everybody@example.org"
    project.save()
    Incident.objects.update(title=f"{project.name} fails")
    notify.send(opened.pk, timezone.now())
    [message] = mail.outbox
    assert "\n" not in message.subject
    assert message.message()["Bcc"] is None


def test_an_address_that_no_mail_can_have_fails_for_good(opened):
    Notification.objects.update(address="a@example.org\nBcc: b@example.org")
    notify.send(opened.pk, timezone.now())
    assert Notification.objects.get().state == State.FAILED
    assert mail.outbox == []


def test_the_transport_says_in_a_sentence_why_it_failed(opened, mail_server):
    mail_server.refuse = "552 mailbox full"
    with pytest.raises(TransportError, match="552 mailbox full") as refused:
        email.send(notify.message.of(opened))
    assert refused.value.permanent
