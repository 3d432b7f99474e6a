"""An incident as on-call sees it: the chart is drawn from here alone, and one key acknowledges."""

import pytest
from playwright.sync_api import expect

from alerts.models import Incident
from conftest import client_of
from tests.browser import press


@pytest.fixture
def on_call(transactional_db, page, live_server, incident, member):
    """The page of the incident, opened by a member."""
    session = client_of(member).cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page.goto(f"/p/shop/incidents/{incident.pk}")
    return page


def test_its_chart_names_the_limit_and_the_table_holds_the_same_figures(on_call):
    chart = on_call.locator("#incident-chart")
    expect(chart.locator(".main-svg").first).to_be_visible()
    expect(chart.get_by_text("limit 5 %")).to_be_visible()
    press(on_call, "t")
    expect(chart.get_by_role("row").nth(2)).to_be_visible()


def test_on_paper_all_rows_of_the_table_stand_and_the_end_says_which_incident_it_is(on_call, incident):
    on_call.emulate_media(media="print")
    table = on_call.locator("#incident-chart .table-wrap")
    expect(table).to_be_visible()
    assert table.evaluate("all => all.scrollHeight - all.clientHeight") <= 1
    printed = on_call.evaluate("getComputedStyle(document.querySelector('.sheet'), '::after').content")
    assert printed.startswith(f'"Incident {incident.pk}, printed from llmobs on')


def test_the_key_a_acknowledges(on_call, member):
    press(on_call, "a")
    expect(on_call.get_by_text("Acknowledged by sue@example.org")).to_be_visible()
    expect(on_call.get_by_role("button", name="Acknowledge")).to_have_count(0)
    assert Incident.objects.get().acknowledged_by == member


def test_a_phone_scrolls_only_down(on_call):
    on_call.set_viewport_size({"width": 390, "height": 800})
    for path in ("", "/p/shop/incidents", "/p/shop/rules"):
        on_call.goto(path or on_call.url)
        assert on_call.evaluate("document.documentElement.scrollWidth") <= 390
