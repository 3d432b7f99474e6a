"""What holds for every page in a browser: no fault of accessibility in either theme, and nothing that scrolls sideways.

The pages are found by walking the URLconf, so a new one is looked at at once.
"""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from accounts.models import Project
from conftest import client_of
from tests.browser import at_rest, provoke
from tests.test_every_page import PAGES, address, values  # noqa: F401

LONG = "A project whose name is as long as names may be, " + "مشروع باسم طويل " * 3
WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}}
NOWHERE = ["/p/shop/nowhere", "/p/shop/traces/none"]
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
WIDTHS = (320, 640)  # the narrowest phone, and 1280 px at 200 %
# Goes through the page with Tab and names what shows no sign of having the focus.
UNSEEN = """async () => {
    const shows = (one) => {
        const drawn = [one, ...one.querySelectorAll("*"), one.parentElement, one.nextElementSibling].filter(Boolean);
        return drawn.some((part) => [null, "::after"].some((pseudo) => {
            const style = getComputedStyle(part, pseudo);
            return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
        }));
    };
    const seen = document.activeElement;
    const told = !seen || seen === document.body || seen.closest(".lookup") || shows(seen);
    return told ? "" : seen.outerHTML.slice(0, 200);
}"""


@pytest.fixture
def pages(transactional_db, page: Page, live_server, values, admin):  # noqa: F811
    """The addresses of all pages that a project's admin may see, in a window in which one is logged in."""
    Project.objects.update(name=LONG[:100])
    client = client_of(admin)
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
    )
    found = [address(name, values) for name in sorted(PAGES)]
    answers = {path: client.get(path) for path in found}
    shown = [
        path
        for path, answer in answers.items()
        if answer.status_code == 200
        and answer.headers["Content-Type"].startswith("text/html")
        and b"<html" in answer.content
    ]
    assert len(shown) > 15
    return shown


def opened(page: Page, path: str) -> Page:
    provoke(page, "status of 404")
    page.goto(path)
    return at_rest(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_fault_on_any_page(page: Page, pages, scheme):
    page.emulate_media(color_scheme=scheme)
    faults = []
    for path in [*pages, *NOWHERE]:
        found = Axe().run(opened(page, path), options=WCAG).response["violations"]
        faults += [f"{path}: {one['id']}: {one['nodes'][0]['html'][:200]}" for one in found]
    assert not faults, "\n".join(faults)


def test_no_page_scrolls_sideways_on_a_phone_or_at_200_percent(page: Page, pages):
    wide = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        for path in [*pages, *NOWHERE]:
            over = opened(page, path).evaluate(SIDEWAYS)
            wide += [(path, width, over)] if over > 0 else []
    assert wide == []


def test_what_has_the_focus_shows_it_on_every_page(page: Page, pages):
    unseen = []
    for path in pages:
        opened(page, path)
        for _ in range(25):
            page.keyboard.press("Tab")
            if one := page.evaluate(UNSEEN):
                unseen.append(f"{path}: {one}")
    assert not unseen, "\n".join(unseen)
