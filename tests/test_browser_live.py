"""The live list in a browser: what is new is counted, comes in by itself if it may, and never moves what is read."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from conftest import client_of
from tests import make
from tests.browser import at_rest, provoke
from traces.search.index import index_marked

LIST = "/p/shop/traces"
ROWS = "#trace-rows tr[data-trace]"
BAR = "[data-live-newer]"


@pytest.fixture
def inside(transactional_db, page: Page, live_server, admin, project) -> Page:
    """A window in which an admin is logged in, and a list of 60 traces."""
    session = client_of(admin).cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    spans = [span for n in range(60) for span in make.trace(input=f"Question {n}", feature="faq")]
    make.stored(project.pk, *spans)
    index_marked()
    # The clock of the page runs ten times as fast: it asks every 0.3 s instead of every 3.
    page.add_init_script(
        "const slow = setTimeout; window.setTimeout = (work, ms, ...rest) => slow(work, ms / 10, ...rest)"
    )
    return page


@pytest.fixture
def come(project):
    """Another trace comes; its question."""

    def _come(question, **fields):
        root, call = make.trace(**{"input": question, "feature": "faq", "started_at": make.now(), **fields})
        make.stored(project.pk, root, call)
        index_marked()
        return root

    return _come


def top_of(page: Page, words: str) -> float:
    return page.locator(ROWS, has_text=words).first.bounding_box()["y"]


def test_what_is_new_is_counted_and_shown_when_it_is_asked_for(inside: Page, come):
    inside.goto(LIST)
    come("The first new one")
    expect(inside.locator(BAR)).to_contain_text("1 new since")
    come("The second new one")
    come("Of something else", feature="billing")
    expect(inside.locator(BAR)).to_contain_text("3 new since")
    expect(inside.locator(ROWS)).to_have_count(50)
    at_rest(inside).locator(BAR).click()
    expect(inside.locator(ROWS).first).to_contain_text("Of something else")
    expect(inside.locator(BAR)).to_be_hidden()


def test_only_what_the_line_asks_for_is_counted(inside: Page, come):
    inside.goto(f"{LIST}?q=feature:billing")
    come("Not asked for")
    come("Asked for", feature="billing")
    expect(inside.locator(BAR)).to_contain_text("1 new since")
    at_rest(inside).locator(BAR).click()
    expect(inside.locator(ROWS)).to_have_count(1)
    expect(inside.locator(ROWS)).to_contain_text("Asked for")


def test_at_the_top_rows_come_in_by_themselves_where_they_began(inside: Page, come):
    inside.goto(f"{LIST}?live=follow")
    before = inside.locator(ROWS).nth(2).get_attribute("data-trace")
    come("Quite new")
    expect(inside.locator(ROWS).first).to_contain_text("Quite new")
    come("Newer still")
    expect(inside.locator(ROWS).first).to_contain_text("Newer still")
    expect(inside.locator(ROWS).nth(4)).to_have_attribute("data-trace", before)
    expect(inside.locator(BAR)).to_be_hidden()
    expect(inside.locator(".found strong")).to_have_text("The newest 52 traces")


def test_further_down_nothing_moves_and_the_bar_counts(inside: Page, come):
    inside.set_viewport_size({"width": 1280, "height": 600})
    inside.goto(f"{LIST}?live=follow")
    at_rest(inside).mouse.wheel(0, 700)
    inside.wait_for_function("scrollY > 600")
    scrolled, place = inside.evaluate("scrollY"), top_of(inside, "Question 35")
    come("Waits above")
    expect(inside.locator(BAR)).to_contain_text("1 new since")
    expect(inside.locator(ROWS)).to_have_count(50)
    assert (inside.evaluate("scrollY"), top_of(inside, "Question 35")) == (scrolled, place)
    inside.locator(BAR).evaluate("link => link.click()")
    expect(inside.locator(ROWS).first).to_contain_text("Waits above")
    expect(inside.locator(ROWS)).to_have_count(51)


def test_what_waited_comes_in_when_the_reader_is_back_at_the_top(inside: Page, come):
    inside.set_viewport_size({"width": 1280, "height": 600})
    inside.goto(f"{LIST}?live=follow")
    inside.evaluate("scrollTo(0, 700)")
    come("Waits above")
    expect(inside.locator(BAR)).to_contain_text("1 new since")
    inside.evaluate("scrollTo(0, 0)")
    expect(inside.locator(ROWS).first).to_contain_text("Waits above")


@pytest.mark.parametrize(
    ("hold", "let_go"),
    [
        ("document.querySelectorAll('[data-row]')[3].focus()", "document.activeElement.blur()"),
        (
            "getSelection().selectAllChildren(document.querySelectorAll('[data-row]')[3])",
            "getSelection().removeAllRanges()",
        ),
    ],
    ids=["a focused row", "a selected text"],
)
def test_what_somebody_is_at_stays_where_it_is(inside: Page, come, hold, let_go):
    inside.goto(f"{LIST}?live=follow")
    at_rest(inside).evaluate(hold)
    place = top_of(inside, "Question 56")
    come("Waits above")
    expect(inside.locator(BAR)).to_contain_text("1 new since")
    expect(inside.locator(ROWS)).to_have_count(50)
    assert top_of(inside, "Question 56") == place
    inside.evaluate(let_go)
    expect(inside.locator(ROWS).first).to_contain_text("Waits above")


def test_a_running_trace_is_drawn_anew_in_its_place_when_it_ends(inside: Page, project):
    root = make.span(ended=False, duration_us=None, input="Still at it", started_at=make.now())
    make.stored(project.pk, root)
    index_marked()
    inside.goto(f"{LIST}?live=follow")
    row = inside.locator(ROWS, has_text="Still at it")
    expect(row).to_contain_text("Not finished")
    at_rest(inside).locator("[data-row]").nth(2).focus()
    place = top_of(inside, "Question 40")
    root.ended, root.duration_us = True, 900_000
    make.stored(project.pk, root)
    index_marked()
    expect(row).to_contain_text("Answered")
    assert top_of(inside, "Question 40") == place
    expect(inside.locator(BAR)).to_be_hidden()


def test_no_more_rows_are_kept_than_can_be_read_and_the_way_to_older_ones_stays_right(inside: Page, project, come):
    inside.goto(f"{LIST}?live=follow")
    for piece in range(3):
        spans = [span for n in range(25) for span in make.trace(input=f"More {piece}.{n}", started_at=make.now())]
        make.stored(project.pk, *spans)
        index_marked()
        expect(inside.locator(ROWS, has_text=f"More {piece}.24")).to_have_count(1)
    expect(inside.locator(ROWS)).to_have_count(100)
    last = inside.locator(ROWS).last.inner_text().split("Question ")[1].split()[0]
    at_rest(inside).get_by_role("link", name="Older").click()
    expect(inside.locator(ROWS).first).to_contain_text(f"Question {int(last) - 1}")


def test_it_says_when_the_server_is_away_and_goes_on_after(inside: Page, come):
    inside.goto(LIST)
    at_rest(inside)
    provoke(inside, "ERR_FAILED")
    inside.route("**/p/shop/newer**", lambda route: route.abort())
    expect(inside.locator("[data-live-state]")).to_contain_text("No answer since")
    come("Came meanwhile")
    inside.unroute("**/p/shop/newer**")
    expect(inside.locator(BAR)).to_contain_text("1 new since")
    expect(inside.locator("[data-live-state]")).to_be_empty()


def test_a_hidden_tab_asks_for_nothing_and_goes_on_when_it_is_seen(inside: Page, come):
    asked = []
    inside.goto(LIST)
    at_rest(inside)
    inside.evaluate(
        "Object.defineProperty(document, 'hidden', {get: () => window.away, configurable: true});"
        " window.away = true; document.dispatchEvent(new Event('visibilitychange'))"
    )
    inside.wait_for_timeout(300)  # what was on its way
    inside.on("request", lambda request: asked.append(request.url) if "/newer" in request.url else None)
    come("Came unseen")
    inside.wait_for_timeout(2_000)
    assert asked == []
    inside.evaluate("window.away = false; document.dispatchEvent(new Event('visibilitychange'))")
    expect(inside.locator(BAR)).to_contain_text("1 new since")


def test_how_it_is_watched_stays_with_reload_order_and_back(inside: Page, come):
    inside.goto(LIST)
    at_rest(inside).get_by_label("Let them in by themselves").check()
    assert "live=follow" in inside.url
    inside.reload()
    expect(inside.get_by_label("Let them in by themselves")).to_be_checked()
    at_rest(inside).get_by_role("link", name="7 d").click()
    inside.wait_for_url("**period=7d**")
    expect(inside.get_by_label("Let them in by themselves")).to_be_checked()
    inside.go_back()
    expect(inside.get_by_label("Let them in by themselves")).to_be_checked()
    at_rest(inside).get_by_label("Watch for new ones").uncheck()
    assert "live=off" in inside.url
    come("Nobody watches")
    inside.wait_for_timeout(1_500)
    expect(inside.locator(BAR)).to_be_hidden()


def test_lists_in_another_order_only_count(inside: Page, come):
    inside.goto(f"{LIST}?sort=latency&live=follow")
    expect(inside.get_by_label("Let them in by themselves")).to_have_count(0)
    come("The slowest", duration_us=90_000_000)
    expect(inside.locator(BAR)).to_contain_text("1 new since")
    at_rest(inside).locator(BAR).click()
    expect(inside.locator(ROWS).first).to_contain_text("The slowest")


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.long)])
def test_the_bar_has_no_fault_of_accessibility_and_fits_on_a_phone(inside: Page, come, scheme):
    inside.emulate_media(color_scheme=scheme)
    inside.set_viewport_size({"width": 390, "height": 844})
    inside.goto(LIST)
    come("A new one")
    expect(inside.locator(BAR)).to_be_visible()
    found = [one for one in Axe().run(inside).response["violations"] if one["impact"] in ("serious", "critical")]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
    assert inside.evaluate("document.documentElement.scrollWidth") <= 390
