"""The inbox in a browser: a refusal is replayed by its button, with keys alone, and without scripts."""

import json

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.keys import make_key
from conftest import PASSWORD, client_of
from tests.web import sent
from traces import replays
from traces.models import Refusal

WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}}
REASON = 'records[…]: "input_tokens" is …; write a whole number of … or more.'
GOOD = {"request_id": "req-1", "span_id": "s-1", "model": "gpt-4o-mini", "input": "Hello", "output": "Hi"}


@pytest.fixture
def refused(transactional_db, live_server, project) -> list[Refusal]:
    """Two requests that were taken in part, the newest last."""
    headers = {"Authorization": f"Bearer {make_key(project)}"}
    for number in (1, 2):
        bad = {**GOOD, "span_id": f"bad-{number}", "input_tokens": "many" * 40}
        answer = sent(
            live_server.url.removeprefix("http://"), "POST", "/api/v1/traces", json.dumps([GOOD, bad]), **headers
        )
        assert answer.status == 207
    return list(Refusal.objects.order_by("id"))


@pytest.fixture
def inside(transactional_db, page: Page, live_server, engineer) -> Page:
    session = client_of(engineer).cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    return page


def test_a_refusal_is_replayed_by_keys_alone(inside: Page, refused):
    inside.goto(f"/p/shop/inbox/{refused[0].pk}")
    button = inside.get_by_role("button", name="Replay", exact=True)
    button.focus()
    inside.keyboard.press("Enter")
    expect(inside.get_by_text("Refused still")).to_be_visible()
    expect(inside.get_by_text("0 spans or scores stored, 1 was there already.")).to_be_visible()
    expect(inside.get_by_role("button", name="Replay once more")).to_be_visible()


def test_the_replay_of_a_reason_tells_how_far_it_is_until_it_is_done(inside: Page, refused):
    inside.goto("/p/shop/inbox")
    inside.get_by_role("link", name=REASON).click()
    inside.get_by_role("button", name="Replay all 2 bodies").click()
    expect(inside.get_by_role("progressbar", name="Requests replayed")).to_be_visible()
    replays.carry_on(timezone.now())
    expect(
        inside.get_by_role("status").filter(has_text="Replayed 2 requests: 0 taken, 2 refused still.")
    ).to_be_visible()
    inside.get_by_role("link", name="Show what became of each").click()
    expect(inside.get_by_text("Refused again")).to_have_count(2)


def test_both_buttons_work_without_scripts(browser, live_server, refused, engineer):
    with browser.new_context(base_url=live_server.url, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"/p/shop/inbox/{refused[0].pk}")
        page.get_by_label("Email").fill(engineer.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("button", name="Replay").click()
        expect(page.get_by_text("Refused still")).to_be_visible()
        page.goto("/p/shop/inbox")
        page.get_by_role("link", name=REASON).click()
        page.get_by_role("button", name="Replay all 2 bodies").click()
        expect(page.get_by_text("Replaying: 0 of 2")).to_be_visible()
        replays.carry_on(timezone.now())
        page.reload()
        expect(page.get_by_text("Replayed 2 requests: 0 taken, 2 refused still.")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.long)])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_no_fault_and_nothing_scrolls_sideways(inside: Page, refused, project, engineer, scheme, width):
    inside.emulate_media(color_scheme=scheme)
    inside.set_viewport_size({"width": width, "height": 860})
    reason = f"/p/shop/inbox?reason={REASON.replace(';', '%3B')}"
    look(inside, reason, f"/p/shop/inbox/{refused[1].pk}")
    replays.begin(project, REASON, engineer, timezone.now())
    look(inside, reason, "/p/shop/inbox")
    replays.carry_on(timezone.now())
    Refusal.objects.filter(pk=refused[0].pk).update(replay_reason="", replay_stored=1)
    look(inside, reason, f"/p/shop/inbox/{refused[0].pk}", f"/p/shop/inbox/{refused[1].pk}")


def look(page: Page, *addresses: str) -> None:
    for address in addresses:
        page.goto(address)
        found = Axe().run(page, options=WCAG).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], address
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, address
