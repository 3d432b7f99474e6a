"""The list of traces in a browser: views, columns and their widths, the preview; by keys, by hand, without scripts."""

from datetime import timedelta
from decimal import Decimal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from conftest import client_of
from tests import make
from tests.browser import at_rest, press, provoke
from traces.models import ListChoice, SavedView
from traces.search.index import index_marked

LIST = "/p/shop/traces"
VIEWS = "/p/shop/views"
WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}}


@pytest.fixture
def inside(transactional_db, page: Page, live_server, engineer) -> Page:
    """A window in which an engineer of the project is logged in."""
    session = client_of(engineer).cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    return page


@pytest.fixture
def listed(project):
    """Five traces, the newest called `asked 1`; one failed, and one has long words from right to left."""
    for number in range(1, 6):
        begin = make.now() - timedelta(minutes=number)
        fields = {"started_at": begin, "feature": "faq", "user_id": f"user-{number}", "request_id": f"req-{number}"}
        status = {"status": "error"} if number == 3 else {}
        said = "שלום " * 60 if number == 4 else f"asked {number}"
        make.stored(project.pk, *make.trace(**fields, input=said, output=f"said {number}", **status))
    index_marked()


def rows(page):
    return page.locator("#trace-rows tbody tr:not(.preview-row)")


def preview(page):
    return page.locator(".preview-row")


def test_a_view_is_saved_opened_changed_and_brought_back(inside: Page, listed):
    inside.goto(f"{LIST}?q=feature%3Afaq&sort=cost")
    at_rest(inside).get_by_text("Save view").click()
    inside.get_by_role("textbox", name="Name").fill("Dear ones")
    inside.get_by_role("radio", name="the whole project").check()
    inside.get_by_role("button", name="Save", exact=True).click()
    current = inside.locator(".views [aria-current]")
    expect(current).to_have_text("Dear ones")
    inside.locator("thead").get_by_role("link", name="Took").click()
    expect(current).to_contain_text("changed")
    inside.get_by_role("button", name="Save changes").click()
    expect(current).to_have_text("Dear ones")
    inside.get_by_role("link", name="All", exact=True).click()
    expect(current).to_have_text("All")
    inside.get_by_role("link", name="Dear ones").click()
    expect(inside.locator("th[aria-sort]")).to_contain_text("Took")
    inside.go_back()
    expect(current).to_have_text("All")
    inside.goto(VIEWS)
    inside.get_by_role("button", name="Delete Dear ones").click()
    expect(inside.locator("main")).to_contain_text("Dear ones is deleted.")
    inside.get_by_role("button", name="Bring it back").click()
    expect(inside.get_by_role("link", name="Dear ones")).to_be_visible()
    assert SavedView.objects.get().owner is None


def test_columns_are_moved_and_ticked_in_their_form(inside: Page, listed):
    inside.goto(LIST)
    at_rest(inside).locator("#columns > summary").click()
    for _ in range(9):
        inside.get_by_role("button", name="Move Cost to the left").click()
    expect(inside.get_by_role("button", name="Move Cost to the left")).to_be_focused()
    inside.get_by_role("checkbox", name="Request request id").check()
    inside.get_by_role("checkbox", name="Tokens in and out").uncheck()
    inside.get_by_role("radio", name="Roomy").check()
    inside.get_by_role("button", name="Show these").click()
    expect(inside.locator("#trace-rows th").first).to_have_text("Cost")
    expect(inside.locator("#trace-rows tbody")).to_contain_text("req-1")
    expect(inside.locator("#trace-rows thead")).not_to_contain_text("Tokens")
    assert rows(inside).first.bounding_box()["height"] >= 44
    inside.goto(LIST)
    expect(at_rest(inside).locator("#trace-rows th").first).to_have_text("Cost")


def test_a_column_is_widened_by_hand_and_by_keys_and_stays_so(inside: Page, listed):
    inside.set_viewport_size({"width": 1280, "height": 800})
    inside.goto(LIST)
    user = at_rest(inside).get_by_role("columnheader", name="User")
    before = user.bounding_box()["width"]
    edge = user.get_by_role("separator")
    place = edge.bounding_box()
    inside.mouse.move(place["x"] + 6, place["y"] + 6)
    inside.mouse.down()
    inside.mouse.move(place["x"] + 86, place["y"] + 6, steps=4)
    inside.mouse.up()
    assert abs(user.bounding_box()["width"] - before - 80) <= 2
    edge.focus()
    with inside.expect_response("**/columns"):
        edge.press("ArrowRight")
    assert abs(user.bounding_box()["width"] - before - 96) <= 2
    inside.reload()
    assert abs(user.bounding_box()["width"] - before - 96) <= 2
    assert f"user:{round(before) + 96}" in ListChoice.objects.get().columns


def test_a_width_in_a_saved_view_changes_the_address_and_no_history(inside: Page, listed, project):
    view = SavedView.objects.create(project=project, name="Ours", query="period=24h")
    inside.goto(f"{LIST}?period=24h&view={view.pk}")
    depth = inside.evaluate("history.length")
    edge = at_rest(inside).get_by_role("columnheader", name="Cost").get_by_role("separator")
    edge.focus()
    with inside.expect_response("**/columns"):
        edge.press("ArrowLeft")
    inside.wait_for_url("**columns=**")
    assert inside.evaluate("history.length") == depth
    inside.reload()
    expect(inside.locator(".views [aria-current]")).to_contain_text("changed")
    assert not ListChoice.objects.exists()


def test_a_preview_opens_by_space_goes_along_and_closes(inside: Page, listed):
    inside.goto(LIST)
    depth = inside.evaluate("history.length")
    press(inside, "j")
    press(inside, " ")
    expect(preview(inside)).to_contain_text("said 1")
    expect(rows(inside).nth(0).locator("[data-preview]")).to_have_attribute("aria-expanded", "true")
    press(inside, "j")
    press(inside, "j")
    expect(preview(inside)).to_contain_text("No answer")
    expect(preview(inside)).to_have_count(1)
    expect(rows(inside).nth(2).locator("[data-row]")).to_be_focused()
    press(inside, "Escape")
    expect(preview(inside)).to_have_count(0)
    expect(rows(inside).nth(2).locator("[data-row]")).to_be_focused()
    assert inside.evaluate("history.length") == depth
    assert inside.url.endswith(LIST)
    press(inside, "Enter")
    expect(inside.locator("h1")).to_contain_text("No answer")


def test_a_preview_opens_by_its_button_and_says_when_it_cannot(inside: Page, listed):
    inside.goto(LIST)
    at_rest(inside).get_by_role("link", name="Preview").nth(1).click()
    expect(preview(inside)).to_contain_text("said 2")
    inside.get_by_role("link", name="Preview").nth(1).click()
    expect(preview(inside)).to_have_count(0)
    provoke(inside, "503")
    inside.route("**/preview/**", lambda route: route.fulfill(status=503, body=""))
    inside.get_by_role("link", name="Preview").nth(0).click()
    expect(preview(inside)).to_contain_text("This part could not be loaded")


def test_views_columns_and_previews_work_without_scripts(browser, live_server, transactional_db, engineer, listed):
    session = client_of(engineer).cookies["sessionid"].value
    with browser.new_context(base_url=live_server.url, java_script_enabled=False) as context:
        context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        page = context.new_page()
        page.goto(LIST)
        page.locator("#columns > summary").click()
        page.get_by_role("button", name="Move Cost to the left").click()
        expect(page.locator("thead th").nth(8)).to_have_text("Cost")
        page.locator("#columns > summary").click()  # it was open, as the address led into it
        page.get_by_role("link", name="Preview").nth(1).click()
        expect(page.locator("#preview")).to_contain_text("said 2")
        page.get_by_text("Save view").click()
        page.get_by_role("textbox", name="Name").fill("Mine")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.locator(".views [aria-current]")).to_have_text("Mine")


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.long)])
def test_axe_finds_no_fault_in_the_list_and_its_forms(inside: Page, listed, project, scheme):
    SavedView.objects.create(project=project, name="Ours", query="period=24h")
    inside.emulate_media(color_scheme=scheme)
    for address, opened in (
        (LIST, ".views__save"),
        (f"{LIST}?columns=asked,user,cost:300", "#columns"),
        (VIEWS, ".views-list"),
    ):
        inside.goto(address)
        at_rest(inside).locator(f"{opened} summary").first.click()
        if address == LIST:
            inside.locator("[data-preview]").nth(4).press("Enter")
            expect(preview(inside)).to_contain_text("said 5")
        found = Axe().run(inside, options=WCAG).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], address


def test_nothing_scrolls_sideways_on_a_phone(inside: Page, listed):
    inside.set_viewport_size({"width": 390, "height": 844})
    for address in (LIST, f"{LIST}?columns=asked,user,cost:300,request:900", VIEWS):
        inside.goto(address)
        if address == LIST:
            at_rest(inside).get_by_role("link", name="Preview").nth(3).click()
            expect(preview(inside)).to_contain_text("said 4")
        wide = inside.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, address


@pytest.mark.parametrize("width", [390, 1280])
def test_no_row_moves_when_counts_and_bars_come(inside: Page, listed, width):
    inside.set_viewport_size({"width": width, "height": 900})
    held = []
    inside.route("**/facets?*", lambda route: held.append(route))
    inside.goto(LIST)
    expect(inside.locator("#trace-times")).to_contain_text("Counting")
    inside.wait_for_function("document.querySelector('#facets.htmx-request')")
    before = rows(inside).first.bounding_box()["y"]
    for route in held:
        route.continue_()
    expect(inside.locator("#trace-times svg")).to_have_count(1)
    assert at_rest(inside).locator("#trace-times svg").is_visible() == (width == 1280)
    assert rows(inside).first.bounding_box()["y"] == before


def test_what_is_not_indexed_yet_is_counted_by_itself_and_no_row_moves(inside: Page, project):
    inside.add_init_script(
        "const slow = setTimeout; window.setTimeout = (work, ms, ...more) => slow(work, ms / 10, ...more)"
    )
    inside.set_viewport_size({"width": 1280, "height": 900})
    make.stored(project.pk, *make.trace(feature="faq"))
    inside.goto(LIST)
    expect(inside.locator("#facets")).to_contain_text("is still being indexed")
    expect(inside.locator("#trace-times")).to_contain_text("Not drawn yet")
    before = rows(inside).first.bounding_box()["y"]
    index_marked()
    expect(inside.locator("#facets")).to_contain_text("faq")
    expect(inside.locator("#trace-times svg")).to_be_visible()
    assert rows(inside).first.bounding_box()["y"] == before


AMOUNTS_CUT = """[...document.querySelectorAll('#trace-rows td.num')].filter(
    (cell) => cell.checkVisibility() && cell.scrollWidth > cell.clientWidth).map((cell) => cell.innerText)"""
BASELINES = """(row) => [...row.cells].filter((cell) => cell.checkVisibility()).map((cell) => {
    const words = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    const counts = (words) => words.data.trim() && !words.parentElement.closest('.hidden-words');
    while (words.nextNode() && !counts(words.currentNode));
    const mark = document.createElement('i');
    mark.style.display = 'inline-block';
    words.currentNode.before(mark);
    const bottom = mark.getBoundingClientRect().bottom;
    mark.remove();
    return Math.round(bottom);
})"""


@pytest.mark.parametrize("width", [960, 1024, 1280, 1440])
def test_amounts_are_whole_a_row_has_one_baseline_and_what_is_over_it_one_line(inside: Page, listed, project, width):
    root = make.span(user_id="cust_00208", session_id="s-1", feature="faq", input="dear", duration_us=125_000_000)
    inside_it = {"trace_id": root.trace_id, "parent_id": root.span_id}
    priced, unpriced = (
        make.call(**inside_it, cost_usd=Decimal("0.000275")),
        make.call(**inside_it, model="no-such", model_requested="no-such"),
    )
    make.stored(project.pk, root, priced, unpriced)
    inside.set_viewport_size({"width": width, "height": 900})
    for columns in ("", "&columns=cost,time,asked,user,took"):
        inside.goto(f"{LIST}?period=24h{columns}")
        expect(at_rest(inside).locator("#trace-rows tbody")).to_contain_text("at least $0.000275")
        assert inside.evaluate(AMOUNTS_CUT) == []
        assert {len(set(row.evaluate(BASELINES))) for row in rows(inside).all()} == {1}
        assert inside.locator(".found-line").bounding_box()["height"] <= 36


@pytest.mark.parametrize("width", [320, 390])
def test_on_a_phone_rows_begin_high_and_all_that_is_over_them_is_in_reach(inside: Page, listed, width):
    inside.set_viewport_size({"width": width, "height": 844})
    inside.goto(LIST)
    assert at_rest(inside).locator("#trace-rows tbody tr").first.bounding_box()["y"] <= (390 if width == 390 else 440)
    expect(inside.locator("#columns")).to_be_hidden()
    line = {box.bounding_box()["y"] // 16 for box in inside.locator(".narrow__open, .live-bar").all()}
    assert len(line) == 1
    inside.locator(".views__all > summary").press("Enter")
    inside.get_by_text("Manage").press("Enter")
    expect(inside.get_by_role("link", name="Rename, delete, open first")).to_be_visible()
    assert inside.evaluate("document.documentElement.scrollWidth") <= width
    inside.get_by_role("link", name="Slow", exact=True).press("Enter")
    expect(inside.locator(".views__all > summary")).to_contain_text("Views: Slow")
    assert inside.evaluate("document.documentElement.scrollWidth") <= width
