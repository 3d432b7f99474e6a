"""The pages of users and features in a browser: found, read, paged and written; clean for axe, and fit for a phone."""

from datetime import timedelta
from decimal import Decimal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from conftest import client_of
from tests import make
from tests.browser import at_rest, press, provoke
from traces.models import Feature
from traces.rollups import rebuild_marked
from traces.search.index import index_marked

WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}}
LONG = "user/of %23 " + "x" * 300


@pytest.fixture
def inside(transactional_db, page: Page, live_server, member) -> Page:
    """A window in which support is logged in."""
    session = client_of(member).cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    return page


@pytest.fixture
def engineer_inside(inside: Page, live_server, engineer) -> Page:
    """The same window, with an engineer in it."""
    session = client_of(engineer).cookies["sessionid"].value
    inside.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    return inside


def asked(project, user_id, minutes, session_id=None, *, fails=False, **fields):
    at = make.now() - timedelta(minutes=minutes)
    status = {"status": "error"} if fails else {}
    said = {"user_id": user_id, "session_id": session_id, "started_at": at, **status, **fields}
    root, call = make.trace(**said)
    call.failure = "timeout" if fails else None
    call.cost_usd, call.cost_source = Decimal("0.02"), "priced"
    make.stored(project.pk, root, call)
    return root


@pytest.fixture
def anna(project):
    """A customer with more conversations than a page shows, one of which failed."""
    for number in range(25):
        asked(project, "anna", 60 * number + 90, f"s-{number}", input=f"Question {number}", output="Here it is.")
    asked(project, "anna", 24, "s-0", input="Can I return the tent?", fails=True, feature="orders")
    asked(project, "ben", 3, "s-b", input="Something else", output="Yes.")


def test_support_pastes_a_user_reads_what_happened_and_opens_the_failure(inside: Page, anna):
    inside.goto("/p/shop")
    at_rest(inside).locator("#q").fill("anna")
    press(inside, "Enter")
    expect(inside.get_by_role("heading", level=1)).to_contain_text("anna asked 26 times in the last 30 days; 1 failed")
    at_rest(inside).get_by_role("region", name="Failures").get_by_role("link", name="Can I return the tent?").click()
    expect(inside.get_by_role("heading", level=1)).to_be_visible()
    inside.locator("main").get_by_role("link", name="anna", exact=True).click()
    inside.wait_for_url("**/p/shop/users/anna")
    inside.go_back()
    inside.wait_for_url("**/p/shop/traces/**")


def test_conversations_are_walked_by_keys_and_paged_by_links(inside: Page, anna):
    inside.goto("/p/shop/users/anna")
    press(inside, "j")
    press(inside, "j")
    press(inside, "Enter")
    inside.wait_for_url("**/p/shop/sessions/s-1")
    inside.go_back()
    inside.get_by_role("link", name="Older").click()
    expect(inside.get_by_role("link", name="Question 24")).to_be_visible()
    inside.get_by_role("link", name="From the newest").click()
    expect(inside.get_by_role("link", name="Question 0")).to_be_visible()


def test_a_quiet_period_leads_to_the_one_with_requests(inside: Page, project):
    asked(project, "anna", 60 * 30, "s-1", input="Where is my tent?", output="Here.")
    inside.goto("/p/shop/users/anna")
    inside.get_by_role("link", name="1 h", exact=True).click()
    expect(inside.get_by_role("heading", level=1)).to_contain_text("anna asked nothing in the last hour")
    inside.get_by_role("link", name="Show the time in which they asked").click()
    inside.wait_for_url("**?period=7d")
    expect(inside.get_by_role("link", name="Where is my tent?")).to_be_visible()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.long)])
def test_it_is_clean_for_axe_and_as_wide_as_its_window(inside: Page, project, anna, width, scheme):
    asked(project, LONG, 5, "s" * 400, input="مرحبا " * 200, feature="f" * 300, model="m" * 300, fails=True)
    inside.set_viewport_size({"width": width, "height": 900})
    inside.emulate_media(color_scheme=scheme)
    for path in (
        "/p/shop/users/anna",
        "/p/shop/users/user%2Fof%20%2523%20" + "x" * 300,
        "/p/shop/users/anna?period=1h",
    ):
        inside.goto(path)
        found = Axe().run(at_rest(inside), options=WCAG).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
        assert inside.evaluate("document.documentElement.scrollWidth") <= width
    provoke(inside, "status of 404")
    inside.goto("/p/shop/users/nobody")
    assert Axe().run(at_rest(inside), options=WCAG).response["violations"] == []


def test_an_engineer_reads_a_feature_and_writes_who_looks_after_it(engineer_inside: Page, anna):
    page = engineer_inside
    rebuild_marked()
    page.goto("/p/shop/dashboards/overview")
    page.get_by_role("navigation", name="Dashboards").get_by_role("link", name="Features").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Features")
    press(page, "j")
    press(page, "Enter")
    page.wait_for_url("**/p/shop/features/orders**")
    page.get_by_role("link", name="Write who looks after it").click()
    at_rest(page).get_by_label("Runbook").fill("javascript:alert(1)")
    page.get_by_label("Owner").fill("Team Money")
    provoke(page, "status of 400")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("This address cannot be opened from here.")).to_be_visible()
    expect(page.get_by_label("Owner")).to_have_value("Team Money")
    page.get_by_label("Runbook").fill("https://wiki.example.org/orders")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("link", name="https://wiki.example.org/orders")).to_be_visible()
    expect(page.locator("main")).to_contain_text("Team Money")
    page.locator(".feature-changes summary").click()
    expect(page.locator(".feature-changes li").get_by_text("eve@example.org")).to_be_visible()


@pytest.mark.long  # axe looks at these pages in test_browser_every_page.py, too
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_features_are_clean_for_axe_and_as_wide_as_their_window(engineer_inside: Page, project, anna, width, scheme):
    page, name = engineer_inside, "feature/of %23 " + "f" * 300
    asked(project, "ben", 5, "s" * 400, input="مرحبا " * 200, feature=name, release="r" * 300, fails=True)
    rebuild_marked()
    index_marked()
    Feature.objects.filter(name=name[:200]).update(owner="o" * 200, runbook="x" * 2_000, notes="مرحبا\n" * 100)
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    address = "feature%2Fof%20%2523%20" + "f" * 300
    for path in ("features", "features/orders", f"features/{address}", f"feature-notes/{address}", "features?has=none"):
        page.goto(f"/p/shop/{path}")
        found = Axe().run(at_rest(page), options=WCAG).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], path[:40]
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path[:40]
