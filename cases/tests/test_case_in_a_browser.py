"""A case as support works on it: from the look-up to the mail that it came back; two tabs, keys, a phone, paper."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from cases import changes
from cases.models import Case, Status
from cases.tests.conftest import look
from conftest import client_of
from tests.browser import at_rest, press, provoke

WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}}


@pytest.fixture
def inside(transactional_db, page: Page, live_server, member) -> Page:
    session = client_of(member).cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    return page


def test_support_makes_a_case_waits_for_the_fix_and_hears_that_it_came_back(inside, at_once, refund, mail_server):
    refund(60, request_id="req-41", user_id="u-7")
    refund(50, request_id="req-42")
    make_a_case(inside)
    add_a_trace(inside)
    name_the_fix(inside)
    sentence = inside.locator(".case-sentence")
    expect(sentence).to_contain_text("Waiting for refund v9, which no request of refund has run with yet.")
    refund(2, "9", failed=False)
    look()
    inside.reload()
    expect(sentence).to_contain_text("Refund v9 was first seen at")
    expect(sentence).to_contain_text("1 request with refund v9, no similar failures since.")
    expect(inside.get_by_text("Mail sent to sue@example.org.")).to_have_count(1)
    refund(1, "9")
    look()
    inside.reload()
    expect(sentence).to_contain_text("It came back: 2 requests with refund v9, 1 similar failure")
    live, back = mail_server.received
    assert (live["To"], back["To"]) == ("sue@example.org", "sue@example.org")
    assert live["Subject"].startswith("Case 1 has its fix")
    assert back["Subject"].startswith("Case 1 came back")
    expect(inside.get_by_text("Mail sent to sue@example.org.")).to_have_count(2)
    inside.get_by_role("button", name="Go on watching").click()
    expect(inside.get_by_text("goes on watching: failures up to here are known")).to_be_visible()
    assert Case.objects.get().status == Status.FIXED


def test_a_case_is_made_once_by_two_presses_in_haste_and_one_after_going_back(inside, refund):
    inside.goto("/p/shop/cases/new")  # sets the cookie that a login sets: the browser keeps a page for those it had
    inside.goto(f"/p/shop/cases/new?trace={refund(60).hex()}")
    inside.get_by_label("Note").fill("Anna called.")
    inside.get_by_role("button", name="Make the case").dblclick()
    expect(inside.get_by_text("No fix is named yet.")).to_be_visible()
    inside.go_back()
    inside.get_by_role("button", name="Make the case").click()
    expect(inside.get_by_text("No fix is named yet.")).to_be_visible()
    expect(inside).to_have_url(re.compile("/p/shop/cases/1$"))
    assert Case.objects.count() == 1


def make_a_case(inside):
    """Of what the look-up finds for a request id."""
    inside.goto("/p/shop?q=req-41")
    inside.get_by_role("link", name="Make a case of this").click()
    expect(inside.get_by_label("Title")).to_have_value("refund: the answer could not be read")
    inside.get_by_label("Note").fill("Anna called.\nShe waits for 40 euros.")
    inside.get_by_role("button", name="Make the case").click()
    expect(inside.get_by_text("No fix is named yet.")).to_be_visible()


def add_a_trace(inside):
    inside.get_by_role("link", name="Add traces").click()
    inside.get_by_label("By their ids").fill("req-42")
    inside.get_by_role("button", name="Add these").click()
    expect(inside.get_by_role("heading", name="2 traces")).to_be_visible()


def name_the_fix(inside):
    inside.get_by_role("link", name="Edit, name the fix").click()
    inside.get_by_label("The fix that it waits for").select_option("A prompt's version")
    inside.get_by_label("Its name").fill("refund@9")
    inside.get_by_role("button", name="Save").click()


def test_two_tabs_lose_nothing(inside, case):
    inside.goto("/p/shop/cases/1/edit")
    other = inside.context.new_page()
    other.goto("/p/shop/cases/1/edit")
    other.get_by_label("Note").fill("From the other tab")
    other.get_by_role("button", name="Save").click()
    expect(other.get_by_text("From the other tab")).to_be_visible()
    inside.get_by_label("Note").fill("From this tab")
    provoke(inside, "status of 409")
    inside.get_by_role("button", name="Save").click()
    expect(inside.get_by_role("alert")).to_contain_text("From the other tab")
    expect(inside.get_by_label("Note")).to_have_value("From this tab")
    inside.get_by_role("button", name="Save").click()
    expect(inside.locator("#note + p")).to_have_text("From this tab")
    inside.get_by_role("button", name=re.compile("Undo: .* changed the note")).first.click()
    expect(inside.locator("#note + p")).to_have_text("From the other tab")


def test_keys_lead_to_the_cases_to_the_form_and_to_a_comment(inside, case):
    inside.goto("/p/shop")
    at_rest(inside).keyboard.press("Escape")
    inside.evaluate("document.activeElement.blur()")
    press(inside, "g")
    inside.keyboard.press("c")
    expect(inside.get_by_role("heading", name="Cases")).to_be_visible()
    press(inside, "j")
    inside.keyboard.press("Enter")
    expect(inside.get_by_role("heading", name="Refunds cannot be read")).to_be_visible()
    press(inside, "n")
    inside.keyboard.type("I called Anna back.")
    inside.get_by_role("button", name="Add the comment").click()
    expect(inside.locator("#history ~ ol")).to_contain_text("I called Anna back.")
    press(inside, "e")
    expect(inside.get_by_role("heading", name="Edit “Refunds cannot be read”")).to_be_visible()


@pytest.mark.parametrize("path", ["", "/new", "/1", "/1/edit", "/1/add"])
def test_every_page_of_cases_is_free_of_what_axe_finds_and_a_phone_scrolls_only_down(inside, waiting, path):
    changes.comment(waiting, waiting.created_by, "word" * 200, timezone.now())
    inside.goto(f"/p/shop/cases{path}")
    found = Axe().run(at_rest(inside), options=WCAG).response["violations"]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []
    inside.set_viewport_size({"width": 390, "height": 800})
    assert inside.evaluate("document.documentElement.scrollWidth") <= 390


def test_on_paper_a_case_has_no_buttons_and_all_of_its_history(inside, case, member):
    changes.change(case.pk, member, {"note": "Anna called twice."}, edits=99, now=timezone.now())
    inside.goto("/p/shop/cases/1")
    inside.emulate_media(media="print")
    expect(inside.get_by_role("button", name="Close")).to_be_hidden()
    expect(inside.get_by_label("Comment")).to_be_hidden()
    expect(inside.get_by_text("Anna called.", exact=True)).to_be_visible()
    printed = inside.evaluate("getComputedStyle(document.querySelector('.sheet'), '::after').content")
    assert printed.startswith('"Case 1, printed from llmobs on')
