"""The trace page in a browser: its views, its keys, what it copies; clean for axe and narrow enough for a phone."""

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from conftest import client_of
from tests import make
from tests.browser import at_rest, press

TRACE = b"\xab" * 16
PAGE = f"/p/shop/traces/{TRACE.hex()}"
WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}}
VIEWS = ["", "?view=conversation", "?view=calls", "?view=json", "?path=critical", "?as=curl", "?as=python", "?from=500"]


@pytest.fixture
def inside(transactional_db, page: Page, live_server, admin) -> Page:
    """A window in which an admin of the project is logged in, and which may use the clipboard."""
    session = client_of(admin).cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    return page


@pytest.fixture
def steps(project):
    """A trace with a failed step, gaps and a conversation."""
    root = make.span(trace_id=TRACE, name="answer", request_id="req-1", input="Where is it?", output="In Lyon.")
    begin = root.started_at

    def below(after_ms, length_ms, build=make.span, **fields):
        moment = {"started_at": begin + timedelta(milliseconds=after_ms), "duration_us": length_ms * 1_000}
        return build(trace_id=TRACE, parent_id=root.span_id, **moment, **fields)

    found = [
        root,
        below(0, 200, kind="retrieval", name="find", documents=[{"title": "Doc", "text": "Found text"}]),
        below(
            300, 500, make.call, name="ask", time_to_first_token_us=100_000, parameters={"temperature": 0.2},
            input=[{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Where is it?"}], output="{",
        ),
        below(800, 5, kind="parser", name="read", status="error", failure="parser_failed", status_message="no JSON"),
        below(820, 380, make.call, name="ask again", output="In Lyon.", input="Where is it?", attempt=2, ended=False),
    ]  # fmt: skip
    make.stored(project.pk, *found)
    return found


def copied(page):
    return page.evaluate("navigator.clipboard.readText()")


def test_the_views_are_links_that_work_and_come_back(inside: Page, steps):
    inside.goto(PAGE)
    for word, said in (("Conversation", "In Lyon."), ("Model calls", "ask again"), ("JSON", '"trace_id"')):
        inside.get_by_role("link", name=word, exact=False).first.click()
        expect(inside.locator("main")).to_contain_text(said)
        expect(inside.locator(".tabs [aria-current=page]")).to_contain_text(word)
    inside.go_back()
    expect(inside.locator(".tabs [aria-current=page]")).to_contain_text("Model calls")
    inside.get_by_role("link", name="ask again").click()
    expect(inside.locator("#step")).to_contain_text("ask again")


def test_y_copies_the_link_to_the_open_step(inside: Page, steps, live_server):
    inside.goto(PAGE)
    expect(inside.locator("#step")).to_contain_text("read")
    press(inside, "y")
    expect(inside.locator("#toast")).to_contain_text("Copied the link to this step")
    assert copied(inside) == f"{live_server.url}{PAGE}?span={steps[3].span_id.hex()}"
    inside.locator("[data-row=step]", has_text="find").click()
    expect(inside.locator("#step")).to_contain_text("Found text")
    press(inside, "y")
    link = f"{live_server.url}{PAGE}?span={steps[1].span_id.hex()}"
    inside.wait_for_function("link => navigator.clipboard.readText().then((text) => text === link)", arg=link)


def test_the_question_mark_shows_the_keys(inside: Page, steps):
    inside.goto(PAGE)
    press(inside, "?")
    expect(inside.locator("#keys")).to_be_visible()
    expect(inside.locator("#keys")).to_contain_text("Previous and next trace of the list")
    press(inside, "j")
    expect(inside.locator("#step")).to_contain_text("read")
    press(inside, "Escape")
    expect(inside.locator("#keys")).to_be_hidden()


def test_arrows_lead_through_the_list_that_the_trace_was_opened_from(inside: Page, project):
    begin = make.now() - timedelta(minutes=5)
    for number in (1, 2, 3):
        make.stored(project.pk, make.span(name=f"trace {number}", started_at=begin + timedelta(seconds=number)))
    inside.goto("/p/shop/traces")
    inside.get_by_role("link", name="trace 2").click()
    expect(inside.locator("#step-name")).to_contain_text("trace 2")
    press(inside, "ArrowRight")
    expect(inside.locator("#step-name")).to_contain_text("trace 1")
    press(inside, "ArrowLeft")
    expect(inside.locator("#step-name")).to_contain_text("trace 2")
    press(inside, "ArrowLeft")
    expect(inside.locator("#step-name")).to_contain_text("trace 3")
    inside.locator("#q").focus()
    press(inside, "ArrowRight")
    inside.wait_for_timeout(200)
    expect(inside.locator("#step-name")).to_contain_text("trace 3")


def test_a_call_is_copied_from_the_menu_and_follows_the_step(inside: Page, steps):
    inside.goto(PAGE)
    menu = inside.locator("#trace-do details", has_text="Reproduce")
    menu.locator("summary").click()
    expect(menu).to_contain_text("Open a model call to copy it")
    press(inside, "Escape")
    inside.locator("[data-row=step]", has_text="ask").first.click()
    expect(inside.locator("#step")).to_contain_text("Be kind.")
    menu.locator("summary").click()
    menu.get_by_role("link", name="cURL").click()
    expect(inside.locator("#reproduce-text")).to_contain_text("Be kind.")
    at_rest(inside).get_by_role("button", name="Copy the text").click()
    expect(inside.locator("#toast")).to_contain_text("Copied")
    assert copied(inside).startswith('curl "${OPENAI_BASE_URL')
    assert copied(inside) == inside.locator("#reproduce-text").evaluate("one => one.textContent")
    at_rest(inside).locator(".reproduce").get_by_role("link", name="Python").click()
    expect(inside.locator("#reproduce-text")).to_contain_text("from openai import OpenAI")
    inside.reload()
    expect(inside.locator("#reproduce-text")).to_contain_text("from openai import OpenAI")


@pytest.fixture
def large(project):
    """A trace of 1,100 steps."""
    root = make.span(trace_id=TRACE, name="root")
    make.stored(project.pk, root, *(make.span(trace_id=TRACE, parent_id=root.span_id) for _ in range(1_099)))
    return root


def test_more_steps_come_below_and_the_focus_goes_to_them(inside: Page, large):
    inside.goto(PAGE)
    rows = inside.locator("[data-row=step]")
    expect(rows).to_have_count(500)
    inside.get_by_role("link", name="Show more").press("Enter")
    expect(rows).to_have_count(1_000)
    expect(rows.nth(500)).to_be_focused()
    press(inside, "j")
    expect(rows.nth(501)).to_be_focused()
    expect(rows.nth(501)).to_have_attribute("aria-current", "step")
    inside.get_by_role("link", name="Show more").click()
    expect(rows).to_have_count(1_100)
    expect(inside.get_by_role("link", name="Show more")).to_have_count(0)


def test_the_views_work_without_scripts(browser, transactional_db, live_server, project, admin, large):
    session = client_of(admin).cookies["sessionid"].value
    with browser.new_context(base_url=live_server.url, java_script_enabled=False) as context:
        context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        page = context.new_page()
        page.goto(PAGE)
        page.get_by_role("link", name="Show more").click()
        expect(page.locator("main")).to_contain_text("steps 501 to 1,000 of 1,100")
        page.get_by_role("link", name="Earlier steps").click()
        expect(page.locator("main")).to_contain_text("600 more steps")
        for word in ("Conversation", "Model calls", "JSON"):
            page.locator(".tabs").get_by_role("link", name=word).click()
            expect(page.locator(".tabs [aria-current=page]")).to_contain_text(word)


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.long)])
def test_axe_finds_no_fault_in_any_view(inside: Page, steps, scheme):
    inside.emulate_media(color_scheme=scheme)
    asked = steps[2].span_id.hex()
    for view in [*VIEWS, f"?as=curl&span={asked}", f"?as=body&span={asked}"]:
        inside.goto(PAGE + view)
        found = Axe().run(inside, options=WCAG).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], view


def test_no_view_scrolls_sideways_on_a_phone(inside: Page, steps):
    inside.set_viewport_size({"width": 390, "height": 844})
    for view in [*VIEWS, f"?as=curl&span={steps[2].span_id.hex()}"]:
        inside.goto(PAGE + view)
        wide = inside.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, view
