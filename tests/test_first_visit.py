"""The first minute of each of the four who use llmobs: support, an engineer, a service, and whoever is on call."""

import json
import re
import shlex
from io import StringIO
from urllib.parse import urlsplit

import pytest
from django.core import mail
from django.core.management import call_command
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import User
from accounts.projects import create_project
from alerts import notify
from alerts.detectors.verdict import Verdict
from alerts.evaluate import open_incident
from alerts.models import Incident
from alerts.tests.traffic import rule_of
from conftest import PASSWORD
from tests import make
from tests.browser import at_rest, press
from tests.markup import Markup
from tests.web import sent
from traces.rollups import rebuild_marked

WELL = {"request_id": "req-9Kd2mQ", "input": "Where is my refund?", "output": "It was sent on Monday."}
MOST_PAGES = 150  # of a walk along the links
FILES = re.compile(r"/export|/download|/call$|/media/")


def log_in(page: Page, email: str, password: str = PASSWORD) -> None:
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def test_support_is_invited_and_finds_what_a_customer_sent(transactional_db, page: Page, project):
    said = StringIO()
    call_command("make_member", "sam@example.org", "--project", "shop", stdout=said)
    create_project("bank", "Bank").memberships.create(user=User.objects.get(), role="support")
    page.goto("/p/shop")
    log_in(page, "sam@example.org", said.getvalue().strip())
    expect(page.get_by_role("heading", name="No trace to look up yet")).to_be_visible()
    expect(page.get_by_text("In a terminal")).to_be_hidden()  # what engineers do, and not support
    page.locator("#q").fill("req-9Kd2mQ")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("No trace has arrived in Shop yet, so nothing can be found here.")
    expect(page.get_by_role("link", name="Bank").last).to_have_attribute("href", "/p/bank?q=req-9Kd2mQ")

    make.stored(project.pk, make.call(**WELL))
    expect(page.get_by_text("The first trace has arrived")).to_be_visible(timeout=10_000)
    at_rest(page).locator("#q").fill("req-9Kd2mX")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="No trace has this id")).to_be_visible()
    expect(page.locator("main")).to_contain_text("Searched request, trace, span and response ids")
    at_rest(page).locator("#q").fill("Hello, it said request req-9Kd2mQ. What now? Anna")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Answered by gpt-4o-mini")
    expect(page.locator("main")).to_contain_text("It was sent on Monday.")


def test_an_engineer_comes_from_the_empty_overview_to_the_first_figures(
    transactional_db, page: Page, project, engineer
):
    page.goto("/p/shop/dashboards/overview")
    log_in(page, engineer.email)
    expect(page.get_by_role("heading", name="No traces yet")).to_be_visible()
    expect(page.locator("#narrow-feature")).to_have_count(0)
    page.get_by_role("link", name="Send the first one").click()
    expect(page.get_by_text("Ask an admin of Shop for one.")).to_be_visible()
    make.stored(project.pk, make.call(**WELL, started_at=make.now(), cost_usd="0.5"))
    while rebuild_marked(100):
        pass
    expect(page.get_by_text("The first trace has arrived")).to_be_visible(timeout=10_000)
    at_rest(page).get_by_role("navigation", name="Sections").get_by_role("link", name="Dashboards").click()
    expect(page.locator(".stat-tile").first).to_contain_text("1")
    # One request makes no line: it is drawn as a dot, in the stretch that is not over too.
    expect(page.locator("#panel-latency .points path").first).to_be_attached()


def test_a_service_sends_the_line_that_the_page_shows_and_reads_what_is_wrong_with_it(
    web, admin_of_project_client, project
):
    markup = Markup(admin_of_project_client.post("/p/shop/send", {"sender": "curl"}, headers={"Host": web}))
    line = next(one["data-copy"] for one in markup.all("button", class_="copy") if "curl " in one["data-copy"])
    _, address, _, key, _, body = shlex.split(line.replace("\\\n", ""))  # as a shell goes on behind a backslash

    def answer(path: str, key: str = key, body: str = body) -> tuple[int, str]:
        name, _, value = key.partition(": ")
        got = sent(
            web, "POST", path, body.encode(), **{name: value, "Content-Type": "application/x-www-form-urlencoded"}
        )
        return got.status, got.content.decode()

    path = urlsplit(address).path
    status, said = answer(path)
    assert (status, json.loads(said)["accepted"]) == (200, 1)
    found = admin_of_project_client.get("/p/shop", {"q": "hello-1"})
    assert "/p/shop/traces/" in found.headers["Location"]

    status, said = answer(path, key.replace("Bearer ", "Bearer x"))
    assert status == 401
    assert "key" in json.loads(said)["message"]
    for wrong in ("/api/v1/trace", "/p/shop/v1/traces", "/collect"):
        status, said = answer(wrong)
        assert status == 404
        assert json.loads(said)["message"].startswith(f"No traces are taken at {wrong}. They go to /v1/traces")
    status, said = answer(path, body=body[:-3])
    assert status == 400
    assert "The body is no JSON" in json.loads(said)["message"]


@pytest.fixture
def mailed(project, admin):
    """The text of the mail that tells the project's admin of an incident."""
    now = timezone.now()
    rule = rule_of(project, "error_rate")
    for pk in open_incident(rule, Verdict(True, "24 of 90 requests failed.", 0.27, 90, 0.05, began_at=now), now):
        notify.send(pk, now)
    [message] = mail.outbox
    return message.body


def test_on_call_comes_from_the_mail_to_the_incident_and_says_so(transactional_db, page: Page, mailed, settings):
    link = next(word for word in mailed.split() if "/incidents/" in word)
    from_mail = link.removeprefix(settings.SITE_URL)
    page.goto(from_mail)
    expect(page.get_by_text("Then you are led to the page that you asked for.")).to_be_visible()
    log_in(page, "ada@example.org")
    expect(page).to_have_url(from_mail)
    expect(page.get_by_role("heading", level=1)).to_contain_text("of its requests with an error")
    press(page, "a")
    expect(page.get_by_text("Acknowledged by ada@example.org")).to_be_visible()
    expect(page).to_have_url(from_mail)
    page.reload()
    expect(page.get_by_text("Acknowledged by ada@example.org")).to_be_visible()


@pytest.fixture(params=["empty", "in use"])
def filled(request, project):
    """A project before its first trace, and one with traces and an incident."""
    if request.param == "in use":
        request.getfixturevalue("mailed")
        assert Incident.objects.exists()
        make.stored(project.pk, *make.trace(**WELL, session_id="s-1", user_id="anna", feature="refunds"))
    return project


@pytest.mark.parametrize("who", ["member_client", "engineer_client", "admin_of_project_client"])
def test_no_link_that_a_member_is_shown_is_refused(request, filled, who):
    client = request.getfixturevalue(who)
    waiting, seen = ["/p/shop"], set()
    while waiting and len(seen) < MOST_PAGES:
        path = waiting.pop(0)
        answer = client.get(path)
        assert answer.status_code in (200, 302), path
        if answer.status_code == 302 or not answer.headers["Content-Type"].startswith("text/html"):
            waiting += [answer.headers["Location"]] if "Location" in answer.headers else []
            continue
        for link in Markup(answer).links:
            there = urlsplit(link)
            shape = (there.path, tuple(part.partition("=")[0] for part in there.query.split("&")))
            if link.startswith("/p/shop") and shape not in seen and not FILES.search(there.path):
                seen.add(shape)
                waiting.append(link.partition("#")[0])
    assert len(seen) >= 8
