"""Two traces side by side in a browser: its keys, its two shapes, without scripts; clean for axe."""

from datetime import timedelta
from decimal import Decimal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from conftest import client_of
from tests import make
from tests.browser import at_rest, press, provoke
from traces import rollups

A, B = b"\xaa" * 16, b"\xbb" * 16
PAGE = f"/p/shop/compare?a={A.hex()}&b={B.hex()}"
WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}}
RULES = "Be kind.\n\nYou may grant a refund of up to {} euro.\nAnswer in JSON.\n" + "\n".join(
    f"Rule {number}: say only what you know." for number in range(9)
)


@pytest.fixture
def inside(transactional_db, page: Page, live_server, admin) -> Page:
    """A window in which an admin of the project is logged in, and which may use the clipboard."""
    session = client_of(admin).cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    return page


def request(trace_id, name, *, model, version, factor, after):
    """A request of a refund desk: look-up, decision, tool; each takes `factor` times as long."""
    begin = make.now() - timedelta(minutes=50) + after
    common = {"trace_id": trace_id, "feature": "refund", "release": "2.3", "user_id": "u-7"}
    root = make.span(
        **common, name="answer", request_id=name, started_at=begin, duration_us=2_000_000 * factor,
        input="My parcel never came. Can I have my money back?", output=f"Yes, within {factor} days.",
    )  # fmt: skip

    def below(after_ms, length_ms, build=make.span, **fields):
        moment = {
            "started_at": begin + timedelta(milliseconds=after_ms * factor),
            "duration_us": length_ms * 1_000 * factor,
        }
        return build(**common, parent_id=root.span_id, **moment, **fields)

    asked = [
        {"role": "system", "content": RULES.format(50 * factor)},
        {"role": "user", "content": "My parcel never came. Can I have my money back?"},
    ]
    return [
        root,
        below(0, 300, kind="retrieval", name="search handbook", input="parcel never came", documents=[
            {"id": "h-1", "title": "Refunds", "text": "Within 30 days.", "score": 0.8 / factor},
            {"id": f"h-{factor}9", "title": f"Parcels, {factor}", "text": "Ask the carrier.", "score": 0.5},
        ]),
        below(
            350, 1_100, make.call, name="decide", model_requested=model, model=model, prompt_name="refund",
            prompt_version=version, cost_usd=Decimal("0.02") / factor, cost_source="priced", input=asked,
            input_tokens=1_200, output_tokens=80 * factor, parameters={"temperature": 0.2 * factor},
            output=f'{{"grant": true, "days": {factor}}}', time_to_first_token_us=200_000 * factor,
        ),
    ], below  # fmt: skip


@pytest.fixture
def two(project):
    """A request, and a later one with another model and prompt, which took three times as long and failed once."""
    first, below = request(A, "req-1", model="gpt-4o", version="7", factor=1, after=timedelta())
    first.append(below(1_500, 100, kind="tool", name="refund", input={"euro": 40}, output={"done": True}))
    later, below = request(B, "req-2", model="gpt-4o-mini", version="8", factor=3, after=timedelta(minutes=40))
    failing = {"status": "error", "failure": "tool_failed", "status_message": "no such order"}
    later.append(below(1_460, 20, kind="tool", name="find order", input={"id": 1}, **failing))
    later.append(below(1_500, 100, kind="tool", name="refund", input={"euro": 140}, output={"done": True}))
    make.stored(project.pk, *first, *later)
    return first, later


def test_the_sentence_comes_first_and_the_telling_pair_is_open(inside: Page, two):
    inside.goto(PAGE)
    expect(inside.locator("h1")).to_contain_text("answered with gpt-4o-mini instead of gpt-4o")
    expect(inside.locator("h1")).to_contain_text("took 3 times as long and cost a third")
    expect(inside.locator("[aria-current=step]")).to_contain_text("find order")
    expect(inside.locator("#pair")).to_contain_text("no such order")
    expect(inside.get_by_text("8 more facts are the same")).to_be_visible()


def test_j_and_k_walk_the_pairs_and_each_opens_below_its_row(inside: Page, two):
    inside.goto(PAGE)
    press(inside, "k")
    expect(inside.locator("#pair h3")).to_contain_text("decide")
    expect(inside.locator("#pair")).to_contain_text("refund 8")
    row = inside.locator("[data-row=pair]", has_text="decide")
    expect(row).to_be_focused()
    expect(row).to_have_attribute("aria-current", "step")
    assert row.evaluate("one => one.parentElement.nextElementSibling.id") == "pair"
    press(inside, "k")
    expect(inside.locator("#pair h3")).to_contain_text("search handbook")
    expect(inside.locator("#pair")).to_contain_text("not found")
    expect(inside.locator("#pair")).to_have_count(1)
    inside.reload()
    expect(inside.locator("#pair h3")).to_contain_text("search handbook")
    inside.go_back()
    expect(inside.locator("#pair h3")).to_contain_text("decide")


def test_sides_are_swapped_and_the_open_pair_stays(inside: Page, two):
    inside.goto(PAGE)
    press(inside, "k")
    expect(inside.locator("#pair h3")).to_contain_text("decide")
    inside.reload()
    press(inside, "s")
    expect(inside.locator("h1")).to_contain_text("answered with gpt-4o instead of gpt-4o-mini")
    expect(inside.locator("h1")).to_contain_text("took a third as long and cost 3 times as much")
    expect(inside.locator("#pair h3")).to_contain_text("decide")
    inside.go_back()
    expect(inside.locator("h1")).to_contain_text("answered with gpt-4o-mini")


def test_y_copies_the_link_to_the_comparison(inside: Page, two, live_server):
    inside.goto(PAGE)
    press(inside, "y")
    expect(inside.locator("#toast")).to_contain_text("Copied the link to this comparison")
    assert inside.evaluate("navigator.clipboard.readText()") == f"{live_server.url}{PAGE}"


def test_texts_stand_beside_each_other_and_on_a_phone_one_under_the_other(inside: Page, two):
    inside.goto(f"{PAGE}&step_b={two[1][2].span_id.hex()}")
    row = inside.locator("#pair .beside__row:not(.beside__row--same)").first
    expect(row).to_contain_text("50")

    def boxes():
        return [row.locator(".beside__line").nth(place).bounding_box() for place in (0, 1)]

    left, right = boxes()
    assert left["y"] == right["y"]
    assert left["x"] + left["width"] <= right["x"]
    inside.set_viewport_size({"width": 390, "height": 844})
    left, right = boxes()
    assert left["x"] == right["x"]
    assert left["y"] + left["height"] <= right["y"]
    expect(inside.locator(".beside__row--same .beside__line").nth(1)).to_be_hidden()


def test_it_works_without_scripts(browser, transactional_db, live_server, admin, two):
    session = client_of(admin).cookies["sessionid"].value
    with browser.new_context(base_url=live_server.url, java_script_enabled=False) as context:
        context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        page = context.new_page()
        page.goto("/p/shop/compare")
        page.get_by_label("Trace A").fill("req-1")
        page.get_by_label("Trace B").fill("req-2")
        page.get_by_role("button", name="Compare").click()
        expect(page.locator("h1")).to_contain_text("gpt-4o-mini instead of gpt-4o")
        page.locator("[data-row=pair]", has_text="decide").click()
        expect(page.locator("#pair h3")).to_contain_text("decide")
        page.get_by_role("link", name="Swap sides").click()
        expect(page.locator("h1")).to_contain_text("gpt-4o instead of gpt-4o-mini")


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.long)])
def test_axe_finds_no_fault(inside: Page, two, scheme):
    inside.emulate_media(color_scheme=scheme)
    steps = [f"{PAGE}&step_b={span.span_id.hex()}" for span in two[1][1:4]]
    for address in [*steps, "/p/shop/compare", "/p/shop/compare?a=req-1&b=req-1"]:
        inside.goto(address)
        found = Axe().run(inside, options=WCAG).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], address


def test_it_never_scrolls_sideways_on_a_phone(inside: Page, two):
    inside.set_viewport_size({"width": 390, "height": 844})
    for span in two[1]:
        inside.goto(f"{PAGE}&step_b={span.span_id.hex()}")
        at_rest(inside)
        wide = inside.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, span.name


def test_c_compares_a_trace_with_the_last_good_one(inside: Page, two, project):
    while rollups.rebuild_marked():
        pass
    inside.goto(f"/p/shop/traces/{B.hex()}")
    press(inside, "c")
    expect(inside.locator("h1")).to_contain_text("gpt-4o-mini instead of gpt-4o")
    inside.go_back()
    expect(inside.locator("#changes")).to_contain_text("Compare the two side by side")
    inside.get_by_role("link", name="Compare the two side by side").click()
    expect(inside.locator("#pair h3")).to_contain_text("decide")


def test_a_trace_is_compared_with_one_whose_id_is_pasted(inside: Page, two):
    inside.goto(f"/p/shop/traces/{B.hex()}")
    menu = at_rest(inside).locator("#trace-do details", has_text="Compare")
    menu.locator("summary").click()
    menu.get_by_label("With another").fill("nothing-like-it")
    provoke(inside, "status of 404")
    menu.get_by_role("button", name="Compare").click()
    expect(inside.locator("h1")).to_contain_text("One of the traces is not there")
    expect(inside.get_by_label("Trace A")).to_be_focused()
    inside.get_by_label("Trace A").fill("req-1")
    inside.get_by_label("Trace A").press("Enter")
    expect(inside.locator("h1")).to_contain_text("gpt-4o-mini instead of gpt-4o")


@pytest.fixture
def many(project, two):
    """Enough traces for two pages of the list, newer than the two."""
    make.stored(project.pk, *(make.span(name=f"trace {number}") for number in range(60)))


def test_two_are_selected_over_the_pages_of_the_list_and_compared(inside: Page, many):
    inside.goto("/p/shop/traces")
    rows = inside.locator(".trace-table tbody tr")
    press(inside, "j")
    before = rows.nth(0).bounding_box()
    press(inside, "x")
    bar = inside.locator("#pick")
    expect(bar).to_contain_text("1 selected; select another to compare.")
    expect(bar.get_by_role("button", name="Compare")).to_be_disabled()
    assert rows.nth(0).bounding_box() == before
    inside.get_by_role("link", name="Older").click()
    expect(inside.get_by_role("link", name="From the start")).to_be_visible()
    expect(at_rest(inside).locator("#pick")).to_contain_text("1 selected")
    inside.get_by_label("Select My parcel never came").first.check()
    expect(bar).to_contain_text("2 selected")
    press(inside, "c")
    expect(inside.get_by_role("heading", name="Steps", exact=True)).to_be_visible()
    inside.go_back()
    expect(bar).to_contain_text("2 selected")
    inside.get_by_label("Select My parcel never came").nth(1).check()
    expect(bar).to_contain_text("3 selected; two are compared at a time.")
    bar.get_by_role("button", name="Select none").click()
    expect(bar).to_be_hidden()
    expect(inside.locator("[data-pick]:checked")).to_have_count(0)


def test_two_are_selected_without_scripts(browser, transactional_db, live_server, admin, two):
    session = client_of(admin).cookies["sessionid"].value
    with browser.new_context(base_url=live_server.url, java_script_enabled=False) as context:
        context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        page = context.new_page()
        page.goto("/p/shop/traces")
        expect(page.locator("#pick")).to_be_hidden()
        for place in (0, 1):
            page.get_by_label("Select My parcel never came").nth(place).check()
        page.get_by_role("button", name="Compare").click()
        expect(page.locator("h1")).to_contain_text("gpt-4o-mini instead of gpt-4o")
