"""How a project gets its first trace, in a browser: choose a client, make a key, copy the lines, see the trace come."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from accounts.models import Key
from conftest import PASSWORD
from tests import make

COME = "The first trace has arrived"
# In how many rows of the page each option of a command stands.
ROWS_OF_OPTIONS = """(code) => Object.fromEntries(["-H", "-d"].map((option) => {
    const [text, range] = [code.firstChild, document.createRange()];
    const at = text.data.indexOf(` ${option} `) + 1;
    range.setStart(text, at);
    range.setEnd(text, at + option.length);
    return [option, range.getClientRects().length];
}))"""


@pytest.fixture
def inside(transactional_db, page: Page, project, admin) -> Page:
    """The empty project's first page, seen by an admin."""
    page.goto("/p/shop")
    page.get_by_label("Email").fill(admin.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("No trace has arrived yet")).to_be_visible()
    return page


def test_a_client_is_chosen_by_keyboard_and_its_lines_get_the_key(inside: Page, project):
    inside.get_by_role("radio", name="curl").focus()
    for _ in range(5):
        inside.keyboard.press("ArrowRight")
    expect(inside.get_by_role("radio", name="Langfuse")).to_be_checked()
    expect(inside.get_by_text("LANGFUSE_SECRET_KEY=YOUR_KEY")).to_be_visible()
    expect(inside.get_by_text("OPIK_API_KEY")).to_be_hidden()
    inside.get_by_role("button", name="Make a key and fill it in").click()
    expect(inside.get_by_text("It is shown this once")).to_be_visible()
    expect(inside.get_by_role("radio", name="Langfuse")).to_be_checked()
    expect(inside.get_by_text(re.compile("LANGFUSE_SECRET_KEY=llmobs_in_"))).to_be_visible()
    assert Key.objects.get(project=project).name == "Langfuse"
    assert Axe().run(inside).violations_count == 0


def test_the_trace_comes_and_what_is_being_copied_stays_where_it_is(inside: Page, project):
    inside.set_viewport_size({"width": 390, "height": 800})
    inside.get_by_role("button", name="Make a key and fill it in").click()
    expect(inside.get_by_text("It is shown this once")).to_be_visible()
    inside.get_by_text("Traceloop", exact=True).click()
    lines = inside.get_by_text("TRACELOOP_BASE_URL")
    lines.scroll_into_view_if_needed()
    before, key = lines.bounding_box(), lines.text_content()
    make.stored(project.pk, make.call(name="answer", input="Where is my refund?"))
    expect(inside.get_by_text(COME)).to_be_visible(timeout=10_000)
    assert (lines.bounding_box(), lines.text_content()) == (before, key)
    expect(inside.get_by_text("No trace has arrived yet")).to_have_count(0)
    inside.get_by_role("link", name="Where is my refund?").click()
    expect(inside.get_by_role("heading", level=1)).to_contain_text("Answered by")


@pytest.mark.parametrize("width", [320, 390])
def test_no_option_of_the_curl_line_is_torn_apart_on_a_phone(inside: Page, width):
    inside.set_viewport_size({"width": width, "height": 800})
    torn = inside.get_by_text("/api/v1/traces").locator("visible=true").first.evaluate(ROWS_OF_OPTIONS)
    assert torn == {"-H": 1, "-d": 1}


def test_the_lines_are_chosen_and_the_key_is_made_without_scripts(
    browser, transactional_db, live_server, project, admin
):
    with browser.new_context(base_url=live_server.url, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/p/shop/traces")
        page.get_by_label("Email").fill(admin.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.get_by_text("LangSmith", exact=True).click()
        expect(page.get_by_text("LANGSMITH_API_KEY=YOUR_KEY")).to_be_visible()
        page.get_by_role("button", name="Make a key and fill it in").click()
        page.get_by_text("LangSmith", exact=True).click()
        expect(page.get_by_text(re.compile("LANGSMITH_API_KEY=llmobs_in_"))).to_be_visible()
