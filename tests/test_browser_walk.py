"""The main job in a browser: a service posts a call, support pastes its request id and reads what happened.

The fixture `page` also fails a test when the page asks another host for anything or writes an error to the console.
"""

import json
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from accounts.keys import make_key
from conftest import PASSWORD, client_of
from tests import make
from tests.browser import at_rest, press
from tests.web import sent

PICTURES = Path(__file__).parent.parent / "test-results"
CALL = {
    "request_id": "req-7f3a", "feature": "refunds", "model": "gpt-4o-mini", "provider": "openai", "user_id": "anna",
    "input": [{"role": "user", "content": "Where is my refund?"}], "output": "It was sent on Monday.",
    "input_tokens": 812, "output_tokens": 21, "duration_ms": 640,
}  # fmt: skip


@pytest.fixture
def post(transactional_db, live_server, project):
    """Sends a plain record over HTTP, as a service does."""
    key = make_key(project)

    def _post(record):
        address = live_server.url.removeprefix("http://")
        answer = sent(address, "POST", "/api/v1/traces", json.dumps(record), Authorization=f"Bearer {key}")
        assert answer.status == 200

    return _post


@pytest.fixture
def inside(transactional_db, page: Page, live_server, admin) -> Page:
    """A window in which an admin of the project is logged in."""
    session = client_of(admin).cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    return page


@pytest.fixture
def trace(inside: Page, project) -> Page:
    """The page of a trace with five steps, the third of them a model call."""
    root = make.span(name="answer", request_id="req-1", session_id="s-1", user_id="anna", input="What?", output="This.")
    below = {"trace_id": root.trace_id, "parent_id": root.span_id}
    make.stored(
        project.pk,
        root,
        make.span(kind="retrieval", name="find", documents=[{"title": "Doc", "text": "Found text"}], **below),
        make.call(name="ask", input=[{"role": "user", "content": "Said in ask"}], output="Answered in ask", **below),
        make.span(kind="tool", name="look", input={"a": 1}, output={"b": 2}, **below),
        make.span(kind="parser", name="read", status="error", failure="parser_failed", status_message="No", **below),
    )
    inside.goto(f"/p/shop/traces/{root.trace_id.hex()}")
    return inside


def test_from_a_posted_call_to_the_page_that_shows_it(page: Page, post, member):
    post(CALL)
    page.goto("/")
    page.get_by_label("Email").fill("Sue@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url("/p/shop")

    at_rest(page).locator("body").press("Escape")
    page.locator("h1").click()
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("req-7f3a")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_contain_text("Answered by gpt-4o-mini in 640 ms")
    for said in ("Where is my refund?", "It was sent on Monday.", "req-7f3a", "812 in", "refunds", "anna"):
        expect(page.locator("main")).to_contain_text(said)
    member.refresh_from_db()
    assert member.time_zone == "UTC"  # the browser told it
    PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=PICTURES / "trace.png", full_page=True)


def test_a_click_on_a_step_swaps_only_the_step_and_the_address_holds_it(trace: Page):
    trace.evaluate("window.still_the_same_page = true")
    step = trace.locator("#step")
    expect(step).to_contain_text("parser_failed")  # the step that failed is open at first
    trace.locator('[data-row="step"]', has_text="ask").click()
    expect(step).to_contain_text("Said in ask")
    expect(step).not_to_contain_text("parser_failed")
    expect(trace.locator('[aria-current="step"]')).to_have_count(1)
    expect(trace.locator('[aria-current="step"]')).to_contain_text("ask")
    assert "?span=" in trace.url
    assert trace.evaluate("window.still_the_same_page")
    trace.reload()
    expect(step).to_contain_text("Said in ask")


def test_the_back_button_brings_the_step_before(trace: Page):
    step = trace.locator("#step")
    trace.locator('[data-row="step"]', has_text="ask").click()
    expect(step).to_contain_text("Said in ask")
    trace.locator('[data-row="step"]', has_text="find").click()
    expect(step).to_contain_text("Found text")
    trace.go_back()
    expect(step).to_contain_text("Said in ask")
    expect(trace.locator('[aria-current="step"]')).to_contain_text("ask")
    trace.go_back()
    expect(step).to_contain_text("parser_failed")
    expect(trace.locator("header.frame")).to_be_visible()
    trace.go_forward()
    expect(step).to_contain_text("Said in ask")


def test_j_and_k_walk_through_the_steps(trace: Page):
    step = trace.locator("#step")
    trace.locator('[data-row="step"]', has_text="find").click()
    expect(step).to_contain_text("Found text")
    press(trace, "j")
    expect(step).to_contain_text("Said in ask")
    press(trace, "j")
    expect(step).to_contain_text('"b": 2')
    press(trace, "k")
    expect(step).to_contain_text("Said in ask")
    expect(trace.locator('[data-row="step"]:focus')).to_contain_text("ask")


def test_keys_of_one_letter_stay_out_of_fields(trace: Page):
    before = trace.url
    trace.keyboard.press("/")
    trace.keyboard.type("jk/gt")
    expect(trace.locator("#q")).to_have_value("jk/gt")
    assert trace.url == before


def test_a_long_prompt_is_there_when_it_is_opened(inside: Page, project):
    long = "".join(f"line {n}\n" for n in range(30_000))
    step = make.call(input=[{"role": "user", "content": long}])
    make.stored(project.pk, step)
    inside.goto(f"/p/shop/traces/{step.trace_id.hex()}")
    fold = inside.locator("details.fold", has_text="line 0").first
    expect(fold.locator("pre")).to_have_count(0)
    fold.locator("summary").click()
    expect(fold.get_by_text("Load the rest")).to_be_visible()
    at_rest(inside)
    fold.get_by_text("Load the rest").click()
    expect(fold.locator("pre")).to_have_count(2)
    assert "".join(fold.locator("pre").all_text_contents()) == long


def test_hostile_traces_run_nothing_and_load_nothing(inside: Page, project):
    bad = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    root = make.span(name=bad, request_id=bad, user_id=bad, session_id=bad, input=bad, output=bad, tags=[bad])
    make.stored(
        project.pk, root, make.call(trace_id=root.trace_id, parent_id=root.span_id, name=bad, input=bad, model=bad)
    )
    for path in ("/p/shop", "/p/shop/traces", f"/p/shop/traces/{root.trace_id.hex()}"):
        inside.goto(path)
        expect(inside.locator("main")).to_contain_text("onerror")
        assert inside.locator("main img").count() == 0
    inside.locator('[data-row="step"]').last.click()
    expect(inside.locator("#step")).to_contain_text("Step 2 of 2")
    assert "owned" not in inside.title().split(" · ")[0].replace(bad, "")


def test_the_theme_is_switched_from_the_menu_and_stays(inside: Page, project):
    inside.goto("/p/shop/traces")
    light = inside.evaluate("getComputedStyle(document.body).backgroundColor")
    inside.get_by_label("You, signed in as").click()
    inside.get_by_role("button", name="Dark").click()
    expect(inside.locator("html")).to_have_attribute("data-theme", "dark")
    expect(inside).to_have_url("/p/shop/traces")
    assert inside.evaluate("getComputedStyle(document.body).backgroundColor") != light
    inside.goto("/p/shop")
    expect(inside.locator("html")).to_have_attribute("data-theme", "dark")


def test_an_empty_project_notices_its_first_trace_by_itself(inside: Page, post):
    inside.goto("/p/shop")
    expect(inside.get_by_text("No trace has arrived yet")).to_be_visible()
    post(CALL)
    expect(inside.get_by_text("The first trace has arrived")).to_be_visible(timeout=10_000)
    inside.get_by_role("link", name="Where is my refund?").click()
    expect(inside.get_by_role("heading", level=1)).to_contain_text("Answered by gpt-4o-mini")


def test_pages_work_without_scripts(browser, transactional_db, live_server, project, admin):
    root = make.span(name="answer", request_id="req-1")
    make.stored(
        project.pk, root, make.call(trace_id=root.trace_id, parent_id=root.span_id, name="ask", input="Said in ask")
    )
    with browser.new_context(base_url=live_server.url, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/p/shop")
        page.get_by_label("Email").fill(admin.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.locator("#q").fill("req-1")
        page.get_by_role("button", name="Look up").click()
        page.locator('[data-row="step"]', has_text="ask").click()
        expect(page.locator("#step")).to_contain_text("Said in ask")


PAGES = ["/p/shop", "/p/shop?q=none", "/p/shop/traces", "/p/shop/traces/{trace}", "/p/shop/settings/keys"]


@pytest.fixture
def address(project):
    """The addresses of PAGES, in a project that has a trace with everything in it."""
    root = make.span(name="answer", request_id="req-1", session_id="s-1", user_id="anna", input="What?", output="This.")
    call = make.call(
        trace_id=root.trace_id, parent_id=root.span_id, status="error", failure="timeout", retries=1,
        input=[{"role": "user", "content": "What? " * 5_000}, {"role": "tool", "content": "found"}],
        output=[{"role": "assistant", "content": "This.", "tool_calls": [{"name": "f", "arguments": {"a": "b" * 90}}]}],
        attributes={"a-long-name-" * 6: "value" * 60}, tools=[{"name": "f"}], tags=["vip"], cost_source="unknown",
    )  # fmt: skip
    make.stored(project.pk, root, call)
    make_key(project)
    return lambda path: path.format(trace=root.trace_id.hex())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_fault_of_accessibility(inside: Page, address, scheme):
    inside.emulate_media(color_scheme=scheme)
    for path in [*PAGES, "/login"]:
        if path == "/login":
            inside.context.clear_cookies()
        inside.goto(address(path))
        found = Axe().run(inside).response["violations"]
        serious = [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")]
        assert serious == [], path


def test_no_page_scrolls_sideways_on_a_phone(inside: Page, address):
    inside.set_viewport_size({"width": 390, "height": 844})
    for path in PAGES:
        inside.goto(address(path))
        wide = inside.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, path
