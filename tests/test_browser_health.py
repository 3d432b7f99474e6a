"""The line about what comes in, in a browser: it comes after the page, goes on by itself, says when it cannot know."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from conftest import client_of
from tests import make
from tests.browser import at_rest, provoke
from traces.search.index import index_marked

LINE = ".health"


@pytest.fixture
def inside(transactional_db, page: Page, live_server, admin, project) -> Page:
    """A window in which an admin is logged in; its clock runs a hundred times as fast."""
    session = client_of(admin).cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page.add_init_script(
        "const slow = setTimeout; window.setTimeout = (work, ms, ...rest) => slow(work, ms / 100, ...rest)"
    )
    return page


def test_it_says_that_nothing_came_leads_to_the_clients_and_follows_what_comes(inside: Page, project):
    inside.goto("/p/shop/incidents")
    expect(inside.locator(LINE)).to_have_text("No trace yet")
    make.stored(project.pk, *make.trace())
    index_marked()
    expect(inside.locator(LINE)).to_contain_text("Receiving · all text searchable")
    assert inside.locator(f"{LINE}[aria-live], {LINE}[role]").count() == 0
    found = Axe().run(at_rest(inside))
    assert found.violations_count == 0, found.generate_report()


def test_an_empty_project_is_led_to_the_lines_of_the_clients(inside: Page):
    inside.goto("/p/shop/incidents")
    inside.get_by_role("link", name="No trace yet").click()
    inside.wait_for_url("**/p/shop/send")


def test_what_cannot_be_fetched_is_not_known_until_it_can_be(inside: Page, project):
    make.stored(project.pk, *make.trace())
    inside.goto("/p/shop/incidents")
    expect(inside.locator(LINE)).to_contain_text("Receiving")
    provoke(inside, "ERR_FAILED")
    inside.route("**/p/shop/health", lambda route: route.abort())
    expect(inside.locator(LINE)).to_contain_text("Not known since ")
    expect(inside.locator(LINE)).not_to_contain_text("Receiving")
    inside.unroute("**/p/shop/health")
    expect(inside.locator(LINE)).to_contain_text("Receiving")


def test_who_is_logged_out_is_told_nothing(inside: Page, project):
    inside.goto("/p/shop/incidents")
    expect(inside.locator(LINE)).to_have_text("No trace yet")
    inside.context.clear_cookies()
    expect(inside.locator(LINE)).to_have_text("")


def test_pages_that_are_opened_within_its_time_show_what_was_told_and_ask_no_more_once_a_trace_has_come(
    transactional_db, page: Page, live_server, admin, project
):
    session = client_of(admin).cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    asked = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/health") else None)
    page.goto("/p/shop/incidents")
    expect(page.locator(LINE)).to_have_text("No trace yet")
    make.stored(project.pk, *make.trace())
    asked.clear()
    for path in ("/p/shop/incidents", "/p/shop/rules", "/p/shop/cases"):
        page.goto(path)
        expect(page.locator(LINE)).to_contain_text("Receiving")
    assert len(asked) == 1


@pytest.mark.parametrize("width", [390, 800, 1000, 1280])
def test_it_stands_in_the_frame_whatever_the_width(inside: Page, project, width):
    make.stored(project.pk, *make.trace())
    inside.set_viewport_size({"width": width, "height": 800})
    inside.goto("/p/shop/incidents")
    expect(inside.locator(LINE)).to_be_visible()
    expect(inside.locator(".health__long" if width == 1280 else ".health__short")).to_be_visible()
    assert inside.evaluate("document.documentElement.scrollWidth") <= width
    if width >= 960:  # where the sections leave it room in their line
        line, last = (inside.locator(one).bounding_box() for one in (LINE, ".frame__nav > a >> nth=-1"))
        assert line["x"] > last["x"] + last["width"]
