"""The palette by keyboard: opened anywhere, found in, left again; and nothing of a page happens behind it."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from accounts.lookups import remember
from accounts.models import User
from conftest import client_of
from tests import make
from tests.browser import at_rest, provoke

OPENED = "#palette[open]"


@pytest.fixture
def inside(transactional_db, page: Page, live_server, admin, project) -> Page:
    """A window in which an admin is logged in, on the page of a trace."""
    session = client_of(admin).cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    root, call = make.trace(trace_id=b"t" * 16, request_id="req-7f3a", input="Where is my parcel?")
    make.stored(project.pk, root, call)
    remember(admin, project, "gift card refund", "words", make.now())
    page.goto(f"/p/shop/traces/{(b't' * 16).hex()}")
    return page


def opened(page: Page) -> Page:
    """The page with its palette open and filled."""
    at_rest(page).keyboard.press("Control+k")
    expect(page.locator(OPENED)).to_be_visible()
    expect(page.get_by_role("option", name="Dashboards")).to_be_visible()
    return page


def selected(page: Page):
    return page.locator("#palette [aria-selected=true]")


def test_a_page_is_reached_by_a_few_letters(inside: Page):
    opened(inside).keyboard.type("set ke")
    expect(selected(inside)).to_contain_text("Settings: keys")
    expect(selected(inside).locator("mark")).to_have_count(2)
    field = inside.get_by_role("combobox", name="An id, words, a page")
    expect(field).to_have_attribute("aria-activedescendant", selected(inside).get_attribute("id"))
    inside.keyboard.press("Enter")
    inside.wait_for_url("**/p/shop/settings/keys")
    inside.go_back()
    expect(inside.locator("h1")).to_be_visible()
    expect(inside.locator(OPENED)).to_have_count(0)


def test_enter_that_comes_before_the_lines_means_what_it_would_have_meant(inside: Page):
    at_rest(inside)
    inside.keyboard.press("Control+k")
    inside.keyboard.type("incidents")
    inside.keyboard.press("Enter")
    inside.wait_for_url("**/p/shop/incidents")


def test_what_the_page_itself_can_do_comes_before_what_every_page_can(inside: Page):
    said = "\n".join(opened(inside).get_by_role("option").filter(visible=True).all_inner_texts())
    assert -1 < said.find("Download the whole trace as JSON") < said.find("Log out")


def test_free_text_is_looked_up_as_the_box_does(inside: Page):
    inside.goto("/p/shop/incidents")
    opened(inside).keyboard.type("req-7f3a")
    expect(selected(inside)).to_have_text("Look up “req-7f3a”")
    inside.keyboard.press("Enter")
    inside.wait_for_url(re.compile(r"/p/shop/traces/.*"))
    opened(inside)
    expect(inside.get_by_role("option").filter(visible=True).first).to_contain_text("req-7f3a")  # looked up before


def test_what_was_looked_up_before_is_looked_up_again(inside: Page):
    opened(inside).keyboard.press("ArrowDown")
    expect(selected(inside)).to_contain_text("gift card refund")
    inside.keyboard.press("Enter")
    inside.wait_for_url("**/p/shop?q=gift+card+refund")


def test_a_pasted_id_is_looked_up_even_where_a_line_would_answer_it(inside: Page):
    opened(inside)
    inside.locator("#palette-q").evaluate(
        "field => { field.value = 'traces';"
        " field.dispatchEvent(new InputEvent('input', {inputType: 'insertFromPaste', bubbles: true})) }"
    )
    expect(selected(inside)).to_have_text("Look up “traces”")
    inside.keyboard.press("ArrowDown")
    expect(selected(inside)).not_to_contain_text("Look up “")


def test_escape_gives_the_focus_back_to_where_it_was(inside: Page):
    row = at_rest(inside).locator('[data-row="step"]').last
    row.focus()
    opened(inside)
    expect(inside.locator("#palette-q")).to_be_focused()
    inside.keyboard.press("Escape")
    expect(inside.locator(OPENED)).to_have_count(0)
    expect(row).to_be_focused()
    row.evaluate("row => row.blur()")
    opened(inside).keyboard.press("Escape")
    inside.keyboard.press("?")  # where the focus was nowhere, it is in no field either
    expect(inside.locator("#keys[open]")).to_have_count(1)


def test_it_opens_from_a_field_and_the_same_keys_close_it(inside: Page):
    at_rest(inside).locator("#q").fill("half a thought")
    opened(inside).keyboard.press("Control+k")
    expect(inside.locator(OPENED)).to_have_count(0)
    expect(inside.locator("#q")).to_be_focused()
    expect(inside.locator("#q")).to_have_value("half a thought")


def test_keys_of_one_letter_do_nothing_inside(inside: Page):
    before = inside.url
    opened(inside).keyboard.press("Tab")
    expect(inside.locator("#palette .palette__close")).to_be_focused()
    inside.keyboard.type("gtj?y")
    assert inside.url == before
    expect(inside.locator("#keys[open]")).to_have_count(0)
    expect(inside.locator("#toast")).to_be_empty()


def test_what_the_page_can_do_is_done_from_it(inside: Page):
    opened(inside).keyboard.type("copy link step")
    expect(selected(inside)).to_contain_text("Copy the link to this step")
    expect(selected(inside).locator("kbd")).to_have_text("y")
    inside.context.grant_permissions(["clipboard-read", "clipboard-write"])
    inside.keyboard.press("Enter")
    expect(inside.locator("#toast")).to_have_text("Copied the link to this step")
    expect(inside.locator(OPENED)).to_have_count(0)


def test_the_theme_is_changed_from_it(inside: Page, admin):
    opened(inside).keyboard.type("dark")
    inside.keyboard.press("Enter")
    expect(inside.locator("html")).to_have_attribute("data-theme", "dark")


def test_a_list_offers_its_periods_and_files(inside: Page):
    inside.goto("/p/shop/traces")
    opened(inside).keyboard.type("period")
    expect(inside.locator("#palette [data-label]", has_text="Period: 24 h")).to_have_count(0)  # it is chosen already
    opened_period = inside.get_by_role("option", name="Period: 7 d")
    expect(opened_period).to_be_visible()
    opened_period.click()
    inside.wait_for_url("**/traces?period=7d*")
    opened(inside).keyboard.type("export csv")
    expect(selected(inside)).to_contain_text("Export: CSV")


def test_keys_of_one_letter_are_switched_off_for_the_member_not_the_browser(inside: Page, admin):
    at_rest(inside).keyboard.press("?")
    inside.get_by_role("button", name="Switch them off").click()
    expect(inside.locator("html")).to_have_attribute("data-single-keys", "off")
    assert not User.objects.get(pk=admin.pk).single_keys
    before = inside.url
    at_rest(inside).keyboard.type("gt?")
    expect(inside.locator("#keys[open]")).to_have_count(0)
    assert inside.url == before
    opened(inside).keyboard.type("switch on keys")  # what takes Ctrl works all the same
    inside.keyboard.press("Enter")
    expect(inside.locator("html")).not_to_have_attribute("data-single-keys", "off")
    at_rest(inside).keyboard.press("?")
    expect(inside.get_by_role("button", name="Switch them off")).to_be_visible()


def test_without_the_server_it_says_so_and_the_page_can_still_be_operated(inside: Page):
    at_rest(inside)
    provoke(inside, "ERR_FAILED")
    inside.route("**/p/shop/palette", lambda route: route.abort())
    inside.keyboard.press("Control+k")
    expect(inside.locator("#palette [role=status]")).to_contain_text("could not be loaded")
    expect(inside.get_by_role("option", name="Print this page")).to_be_visible()


def test_on_a_phone_it_opens_from_a_button(inside: Page):
    inside.set_viewport_size({"width": 390, "height": 844})
    at_rest(inside).locator(".frame__more summary").click()
    inside.get_by_role("button", name="Palette").click()
    expect(inside.locator("#palette-q")).to_be_focused()
    expect(inside.get_by_role("option", name="Incidents")).to_be_visible()
    assert inside.evaluate("document.documentElement.scrollWidth") <= 390
    small = inside.locator("#palette [role=option]:visible").evaluate_all(
        "all => all.filter(one => one.getBoundingClientRect().height < 24).length"
    )
    assert small == 0
    inside.get_by_role("option", name="Incidents").click()
    inside.wait_for_url("**/p/shop/incidents")


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.long)])
def test_it_has_no_fault_of_accessibility(inside: Page, scheme):
    inside.emulate_media(color_scheme=scheme)
    opened(inside)
    for typed in ("", "tra"):
        inside.keyboard.type(typed)
        found = [one for one in Axe().run(inside).response["violations"] if one["impact"] in ("serious", "critical")]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
