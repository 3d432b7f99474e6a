"""The list of traces is narrowed down by what stands beside and over it: pressed, on a phone, as a table."""

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
def narrow(page, project, member, live_server, transactional_db):
    """The list of a project with three features, one of them with a very long name, and a failure."""
    for feature, status in (("faq", "ok"), ("faq", "error"), ("billing", "ok"), ("وصف " + "long " * 60, "ok")):
        failure = "timeout" if status == "error" else None
        make.stored(
            project.pk, *make.trace(feature=feature, status=status, failure=failure, user_id="u_9", environment="prod")
        )
    rebuild_marked()
    index_marked()
    page.goto("/login")
    page.get_by_label("Email").fill(member.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/p/shop")
    page.goto(PAGE)
    return page.get_by_role("complementary", name="Narrow down")


def test_a_value_is_pressed_another_takes_its_place_and_pressed_again_it_is_gone(page, narrow):
    expect(narrow.locator('[data-facet="feature"] li')).to_have_count(3)
    narrow.get_by_role("link", name="faq", exact=False).first.click()
    page.wait_for_url("**q=feature%3Afaq*")
    expect(page.locator("[data-row]")).to_have_count(2)
    expect(at_rest(page).locator('[data-facet="feature"] [aria-current]')).to_contain_text("faq")
    narrow.locator('[data-facet="feature"] a[title="billing"]').click()
    page.wait_for_url("**q=feature%3Abilling*")
    expect(page.locator("[data-row]")).to_have_count(1)
    at_rest(page).locator('[data-facet="feature"] [aria-current]').click()
    page.wait_for_url(lambda url: "q=" not in url)
    page.go_back()
    expect(page.locator("[data-row]")).to_have_count(1)
    expect(narrow.locator("[aria-current]")).to_contain_text("billing")


def test_all_but_a_value_are_listed_and_the_bars_and_their_table_lead_to_a_stretch(page, narrow):
    narrow.get_by_role("link", name="Not faq").click()
    page.wait_for_url("**q=-feature%3Afaq*")
    expect(page.locator("[data-row]")).to_have_count(2)
    figure = page.locator("#trace-times")
    expect(figure).to_contain_text("2 traces in all.")
    figure.get_by_text("Table", exact=True).click()
    figure.locator("tbody tr", has_text="so far").get_by_role("link").click()
    page.wait_for_url("**from=*")
    expect(page.locator("[data-row]")).to_have_count(2)


def test_on_a_phone_the_facets_wait_behind_narrow_down(page, narrow):
    page.set_viewport_size({"width": 390, "height": 844})
    value = narrow.locator('[data-facet="failure"] a[title="timeout"]')
    expect(value).to_be_hidden()
    narrow.get_by_text("Narrow down").click()
    expect(value).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    narrow.locator('[data-facet="failure"] summary').first.click()
    expect(value).to_be_hidden()


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_sticks_out_and_axe_has_nothing_to_say(page, narrow, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{PAGE}?q=-feature:faq")
    if width == 390:
        at_rest(page).get_by_text("Narrow down").click()
    expect(narrow.locator(".facet").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_a_group_stays_as_it_was_left_through_lists_going_back_and_a_reload(page, narrow):
    def group(name):
        return narrow.locator(f'[data-facet="{name}"]')

    at_rest(page)
    expect(group("status")).to_have_attribute("open", "")
    group("status").locator("summary").first.click()
    group("env").locator("summary").first.press("Enter")
    narrow.locator('[data-facet="feature"] a[title="billing"]').click()
    page.wait_for_url("**q=feature%3Abilling*")
    expect(at_rest(page).locator('[data-facet="feature"] [aria-current]')).to_contain_text("billing")
    for go in (lambda: None, page.go_back, page.reload):
        go()
        expect(group("feature")).to_have_attribute("open", "")
        expect(group("status")).not_to_have_attribute("open", "")
        expect(group("env")).to_have_attribute("open", "")
    page.goto(f"{PAGE}?q=status:error")
    expect(group("status")).to_have_attribute("open", "")
    expect(group("status").locator("[aria-current]")).to_be_visible()
