"""The query line by keyboard: suggestions, chips, the address; and that nothing of it sticks out."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from conftest import PASSWORD
from tests import make
from tests.browser import at_rest
from traces.rollups import rebuild_marked
from traces.search.index import index_marked

PAGE = "/p/shop/traces"


@pytest.fixture
def line(page, project, member, live_server, transactional_db):
    """The list page of a project with two traces, and its field."""
    make.stored(project.pk, *make.trace(feature="faq", input="Where is my parcel?"))
    make.stored(project.pk, *make.trace(feature="billing", model_requested="gpt-4o", model="gpt-4o", status="error"))
    rebuild_marked()
    index_marked()
    page.goto("/login")
    page.get_by_label("Email").fill(member.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/p/shop")  # to leave a page earlier would take the log-in back
    page.goto(PAGE)
    return page.get_by_role("combobox", name="Conditions")


def test_a_condition_is_typed_chosen_and_sent_by_keyboard_alone(page, line):
    page.keyboard.press("f")
    expect(line).to_be_focused()
    with page.expect_response(lambda answer: "line=fea&" in answer.url):
        page.keyboard.type("fea")
    expect(page.get_by_role("option")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    option = page.get_by_role("option", name="feature:")
    expect(option).to_have_attribute("aria-selected", "true")
    expect(line).to_have_attribute("aria-activedescendant", option.get_attribute("id"))
    page.keyboard.press("Enter")
    expect(line).to_have_value("feature:")
    expect(page.get_by_role("option")).to_have_count(2)
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(line).to_have_value("feature:faq ")
    expect(page.get_by_role("listbox")).to_have_count(0)
    page.keyboard.press("Enter")
    page.wait_for_url("**/traces?*q=feature%3Afaq*")
    expect(page.locator("[data-row]")).to_have_count(1)
    expect(page.get_by_role("link", name="Remove feature:faq")).to_be_visible()


def test_escape_closes_and_the_line_is_sent_as_typed(page, line):
    line.fill("sta")
    line.press("End")
    line.press("ArrowDown")
    expect(page.get_by_role("option").first).to_be_visible()
    line.press("Escape")
    expect(line).to_have_attribute("aria-expanded", "false")
    line.fill("parcel")
    line.press("Enter")
    page.wait_for_url("**/traces?*q=parcel*")
    expect(page.locator("mark")).to_have_text("parcel")


def test_conditions_add_up_and_backspace_takes_the_last_one_back(page, line):
    for typed, chips in (("feature:billing", 1), ('-"where is" status:error', 3)):
        field = at_rest(page).locator("#query")
        field.fill(typed)
        field.press("Escape")
        field.press("Enter")
        expect(page.locator("[data-chip]")).to_have_count(chips)
    assert "add=" not in page.url
    expect(page.locator("[data-row]")).to_have_count(1)
    at_rest(page).locator("#query").press("Backspace")
    expect(page.locator("#query")).to_have_value("status:error")
    expect(page.locator("[data-chip]")).to_have_count(2)
    page.go_back()
    expect(page.locator("[data-chip]")).to_have_count(1)


def test_without_scripts_the_line_is_a_form(browser, project, member, live_server, line, page):
    context = browser.new_context(
        base_url=live_server.url, java_script_enabled=False, storage_state=page.context.storage_state()
    )
    plain = context.new_page()
    plain.goto(f"{PAGE}?q=feature:faq")
    plain.locator("#query").fill("latency:2x")
    plain.get_by_role("button", name="Search").click()
    expect(plain.locator("#query")).to_have_value("feature:faq latency:2x")
    expect(plain.get_by_role("alert")).to_contain_text("is not a time")
    context.close()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("query", ["", "?q=latency:2x", "?q=feature:" + "x" * 300, "?sort=cost"])
def test_nothing_sticks_out(page, line, width, query):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(PAGE + query)
    page.locator("#query").fill("model")
    page.locator("#query").press("ArrowDown")
    expect(page.get_by_role("option").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.long)])
@pytest.mark.parametrize("query", ["?q=-feature:billing+parcel", "?q=latency:2x", "?q=feature:none"])
def test_nobody_is_shut_out(page, line, scheme, query):
    page.emulate_media(color_scheme=scheme)
    page.goto(PAGE + query)
    page.locator("#query").press("ArrowDown")
    expect(page.get_by_role("option").first).to_be_visible()
    page.locator("#query").press("ArrowDown")
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]})
    assert [(one["id"], one["nodes"][0]["html"]) for one in found.response["violations"]] == []
