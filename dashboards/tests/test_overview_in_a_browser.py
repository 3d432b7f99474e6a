"""The overview as an engineer uses it: narrow it, go back, click a bar, drag a stretch."""

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from conftest import client_of
from tests import make
from traces import rollups


@pytest.fixture
def overview(transactional_db, page, live_server, project, engineer) -> Page:
    """The page of the last hour of a project with two features."""
    for number in range(12):
        begun = make.now() - timedelta(minutes=4 * number)
        make.stored(project.pk, *make.trace(started_at=begun, feature=["search", "refund"][number % 2]))
    rollups.rebuild_marked()
    session = client_of(engineer).cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page.goto("/p/shop/dashboards/overview?period=1h")
    expect(page.locator(".plot .main-svg").first).to_be_visible()
    return page


def place_of(page: Page, panel: str) -> dict[str, float]:
    """Where a panel's plot is on the screen, once it is drawn."""
    plot = page.locator(f"#{panel} .plot")
    expect(plot.locator(".main-svg").first).to_be_visible()
    plot.scroll_into_view_if_needed()
    return plot.bounding_box()


def test_narrowing_swaps_the_charts_and_back_brings_them_back(overview: Page) -> None:
    expect(overview.locator("#panel-requests figcaption")).to_contain_text("12 requests")
    overview.locator("#narrow-feature").select_option("refund")
    expect(overview.locator("#panel-requests figcaption")).to_contain_text("6 requests")
    expect(overview).to_have_url(re.compile("feature=refund"))
    expect(overview.locator("#panel-requests .main-svg").first).to_be_visible()
    overview.get_by_role("link", name="6 h").click()
    expect(overview).to_have_url(re.compile("period=6h&feature=refund"))
    overview.go_back()
    expect(overview).to_have_url(re.compile("period=1h&feature=refund"))
    expect(overview.locator("#panel-requests .main-svg").first).to_be_visible()


def test_dragging_a_stretch_opens_its_traces(overview: Page) -> None:
    box = place_of(overview, "panel-latency")
    middle = box["y"] + box["height"] / 2
    overview.mouse.move(box["x"] + box["width"] * 0.4, middle)
    overview.mouse.down()
    overview.mouse.move(box["x"] + box["width"] * 0.8, middle, steps=5)
    overview.mouse.up()
    expect(overview).to_have_url(re.compile("/p/shop/traces"))
    asked = parse_qs(urlsplit(overview.url).query)
    assert asked["from"] < asked["to"]
    assert "period" not in asked


def test_clicking_a_bar_opens_the_traces_of_its_five_minutes(overview: Page) -> None:
    box = place_of(overview, "panel-requests")
    overview.mouse.click(box["x"] + box["width"] * 0.45, box["y"] + box["height"] - 30)
    expect(overview).to_have_url(re.compile("/p/shop/traces"))
    asked = parse_qs(urlsplit(overview.url).query)
    assert int(asked["to"][0][14:16]) - int(asked["from"][0][14:16]) in (5, -55)
    expect(overview.locator("main")).to_contain_text("answer")


def test_a_phone_scrolls_only_down(overview: Page) -> None:
    overview.set_viewport_size({"width": 390, "height": 800})
    overview.reload()
    expect(overview.locator(".plot .main-svg").first).to_be_visible()
    assert overview.evaluate("document.documentElement.scrollWidth") <= 390
