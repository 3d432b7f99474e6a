"""Charts draw what was measured, leave out what was not, and name no colour."""

import json
import re
from dataclasses import replace
from datetime import timedelta, timezone
from decimal import Decimal

import pytest

from dashboards import charts
from dashboards.charts import Band, Line
from dashboards.panels import PANELS
from dashboards.tests.build import NOON, TEN_MINUTES, figures
from traces.queries.metrics import Totals
from traces.sketch import Sketch

BUSY = Totals(
    requests=10, requests_failed=2, calls=10, input_tokens=50, cost_usd=Decimal("0.5"),
    request_latency=Sketch.of([2_000_000] * 10),
)  # fmt: skip
ERRORS = Line("error_rate", "", "series-1")


def test_a_bucket_without_requests_breaks_a_rate_and_draws_a_sum_at_zero() -> None:
    found = figures(BUSY, Totals(), BUSY)
    assert charts.lines(found, [ERRORS])["data"][0]["y"] == pytest.approx([20.0, None, 20.0])
    assert charts.lines(found, [Line("cost", "", "series-1")])["data"][0]["y"] == [0.5, 0.0, 0.5]


def test_what_lies_before_the_first_trace_is_not_drawn() -> None:
    line = Line("cost", "", "series-1")
    assert charts.lines(figures(Totals(), BUSY, Totals()), [line])["data"][0]["y"] == [None, 0.5, 0.0]
    known = figures(Totals(), BUSY, Totals(), before=[BUSY, Totals(), Totals()])
    assert charts.lines(known, [line])["data"][0]["y"] == [0.0, 0.5, 0.0]


def test_a_lone_value_gets_a_dot() -> None:
    chart = charts.lines(figures(BUSY, BUSY, Totals(), BUSY, Totals()), [ERRORS])
    assert chart["data"][0]["marker"]["size"] == [0, 0, 0, charts.DOT, 0]


def test_the_failed_part_of_requests_stands_at_the_foot() -> None:
    failed, well = charts.requests(figures(BUSY, Totals()))["data"]
    assert (failed["y"], failed["meta"]["ink"]) == ([2, 0], "bad-fill")
    assert (well["y"], well["meta"]["ink"]) == ([8, 0], "series-1")


def test_the_period_before_is_a_ghost_with_its_name() -> None:
    chart = charts.requests(figures(BUSY, BUSY, before=[BUSY, Totals()]))
    ghost = chart["data"][2]
    assert (ghost["y"], ghost["meta"]["ink"], ghost["name"]) == ([10, 0], "ghost", "the day before")
    assert [note["text"] for note in chart["layout"]["annotations"]] == ["the day before"]


@pytest.mark.parametrize(("minutes", "is_open"), [(4, True), (10, False)])
def test_a_bucket_that_is_not_finished_is_marked(minutes: int, is_open: bool) -> None:
    found = figures(BUSY, BUSY, late=timedelta(minutes=minutes))
    assert charts.lines(found, [ERRORS])["data"][0]["meta"]["open"] is is_open
    assert charts.requests(found)["data"][1]["meta"]["open"] is is_open


def test_moments_are_the_readers_clock_with_its_offset() -> None:
    found = replace(figures(BUSY), zone=timezone(timedelta(hours=1)))
    assert charts.requests(found)["data"][0]["x"] == ["2026-11-10T13:00:00+01:00"]


def test_an_open_incident_reaches_to_the_end_and_an_earlier_one_from_the_beginning() -> None:
    found = figures(BUSY, BUSY)
    bands = [Band(NOON + TEN_MINUTES, None), Band(NOON - TEN_MINUTES, NOON + TEN_MINUTES / 2)]
    shapes = charts.lines(found, [ERRORS], bands)["layout"]["shapes"]
    assert [(shape["x0"][11:16], shape["x1"][11:16]) for shape in shapes] == [("12:10", "12:20"), ("12:00", "12:05")]


@pytest.mark.parametrize(
    ("heights", "expected"),
    [
        ([], []),
        ([5.0], [5.0]),
        ([9.0, 1.0], [9.0, 1.0]),
        ([1.2, 1.1, 1.0], [3.0, 2.0, 1.0]),
        ([0.0, 0.0], [1.0, 0.0]),
    ],
)
def test_names_keep_apart_in_the_order_of_their_lines(heights: list[float], expected: list[float]) -> None:
    assert charts.apart(heights, 1.0) == pytest.approx(expected)


@pytest.mark.parametrize("name", PANELS)
@pytest.mark.parametrize("totals", [[], [BUSY]], ids=["empty", "busy"])
def test_every_panel_draws_and_speaks_without_colours(name: str, totals: list[Totals]) -> None:
    found = figures(Totals(), *totals)
    text = json.dumps(PANELS[name].chart(found, []), allow_nan=False)
    assert not re.search(r"#[0-9a-f]{3}|rgb|color", text)
    assert re.fullmatch(r"[A-Z0-9$].*\.", PANELS[name].sentence(found))
    low, high = PANELS[name].chart(found, [])["layout"]["yaxis"]["range"]
    assert low == 0 < high
