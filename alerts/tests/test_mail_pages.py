"""Mails that are kept as files because no mail server is configured."""

import pytest
from django.utils import timezone

from alerts import notify
from alerts.detectors.verdict import Verdict
from alerts.evaluate import open_incident
from alerts.models import Incident
from alerts.tests.traffic import rule_of

URL = "/p/shop/mails"


@pytest.fixture
def folder(settings, tmp_path):
    settings.EMAIL_URL = ""
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = settings.MAIL_FOLDER = tmp_path / "mail"
    return settings.MAIL_FOLDER


def send_one(project, sentence="24 of 90 requests failed."):
    now = timezone.now()
    rule = rule_of(project, "error_rate", recipients="on-call@example.org")
    for pk in open_incident(rule, Verdict(True, sentence, 0.27, 90, 0.05, began_at=now), now):
        notify.send(pk, now)


def test_a_kept_mail_is_listed_and_shown_as_text(member_client, project, folder):
    send_one(project, "<b>24 of 90</b> failed.")
    page = member_client.get(URL).content.decode()
    assert "Page: Shop answers 27 % of its requests with an error since" in page
    [name] = [line.split('"')[0] for line in page.split(f'href="{URL}/')[1:]]
    shown = member_client.get(f"{URL}/{name}").content.decode()
    assert "&lt;b&gt;24 of 90&lt;/b&gt; failed." in shown
    assert f'href="/p/shop/incidents/{Incident.objects.get().pk}"' in shown
    assert "on-call@example.org" in shown


def test_two_mails_in_one_file_are_two(member_client, project, other_project, folder):
    send_one(project)
    send_one(other_project)
    first, *others = sorted(folder.glob("*.log"))
    for other in others:
        with first.open("ab") as file:
            file.write(other.read_bytes())
        other.unlink()
    page = member_client.get(URL).content.decode()
    assert page.count("Page: Shop") == 1
    assert "Bank" not in page
    names = [f"{first.stem}.{place}" for place in range(3)]
    found = [member_client.get(f"{URL}/{name}").status_code for name in names]
    assert sorted(found) == [200, 404, 404]


@pytest.mark.parametrize("name", ["..%2F..%2Fetc%2Fpasswd", "20261110-140900-1", "20261110-140900-1.0", "x"])
def test_only_mails_can_be_asked_for(member_client, folder, name):
    assert member_client.get(f"{URL}/{name}").status_code == 404


def test_an_empty_folder_says_so(member_client, folder):
    assert "No mail yet" in member_client.get(URL).content.decode()


def test_with_a_mail_server_nothing_is_kept(member_client, settings):
    settings.EMAIL_URL = "smtp://mail.example.org"
    assert "Mails are sent, not kept" in member_client.get(URL).content.decode()


def test_strangers_get_404(stranger_client, project, folder):
    assert stranger_client.get(URL).status_code == 404
    assert stranger_client.get(f"{URL}/20261110-140900-1.0").status_code == 404
