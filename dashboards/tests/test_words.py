"""What the overview says in words."""

from datetime import timedelta
from decimal import Decimal

import pytest

from dashboards import tiles, words
from dashboards.tests.build import figures
from dashboards.verdict import verdict_of
from traces.queries.metrics import Totals
from traces.sketch import Sketch

NBSP = "\u00a0"


def day(requests: int = 100, failed: int = 0, seconds: float = 2, cost: str = "1.0", **more: int) -> Totals:
    return Totals(
        requests=requests,
        requests_failed=failed,
        calls=requests,
        cost_usd=Decimal(cost),
        request_latency=Sketch.of([int(seconds * 1e6)] * requests),
        **more,
    )


def plain(text: str) -> str:
    return text.replace(NBSP, " ")


@pytest.mark.parametrize(
    ("now", "before", "tone", "lead"),
    [
        (day(), day(), "good", "As usual."),
        (day(failed=1), day(failed=1), "good", "As usual."),
        (day(), Totals(), "unknown", "100 requests."),
        (day(200), day(), "good", "More requests than the day before."),
        (day(30, cost="0.3"), day(), "good", "Fewer requests than the day before."),
        (Totals(), day(), "unknown", "No requests in this period."),
        (day(failed=9), day(failed=1), "warn", "9.0 % of requests failed, against 1.0 % the day before."),
        (day(seconds=9), day(), "warn", "One request in twenty took over 8.98 s, against 2 s the day before."),
        (day(cost="2.5"), day(), "warn", "It cost $2.50, against $1.00 the day before."),
        (day(10, failed=5), day(10), "unknown", "10 requests."),
        (day(seconds=2.2), day(), "good", "As usual."),
    ],
)
def test_the_verdict_says_what_moved(now: Totals, before: Totals, tone: str, lead: str) -> None:
    verdict = verdict_of(figures(now, before=[before]), [])
    assert (verdict.tone, plain(verdict.lead)) == (tone, lead)


@pytest.mark.parametrize(
    ("metric", "now", "before", "expected"),
    [
        ("requests", day(119), day(100), "+19 % on 100 the day before"),
        ("requests", day(40), day(100), "−60 % on 100 the day before"),
        ("requests", day(870), day(100), "8.7 times 100 the day before"),
        ("requests", day(), Totals(), "nothing the day before"),
        ("error_rate", day(failed=3), day(), "was 0 % the day before"),
        ("cost", day(), day(cost="0"), "was $0 the day before"),
    ],
)
def test_a_figure_never_stands_alone(metric: str, now: Totals, before: Totals, expected: str) -> None:
    assert plain(words.comparison(metric, figures(now, before=[before]))) == expected


@pytest.mark.parametrize(
    ("metric", "totals", "expected"),
    [
        ("cost", day(calls_without_price=1), "at least $1.00"),
        ("cost", day(cost="0", calls_without_price=100), "unknown"),
        ("input_tokens", day(calls_without_tokens=100), "not sent"),
        ("latency_p95", Totals(requests=3), "not ended"),
        ("error_rate", Totals(), "no requests"),
        ("error_rate", day(failed=1), "1.0 %"),
    ],
)
def test_what_is_not_known_says_why(metric: str, totals: Totals, expected: str) -> None:
    assert plain(words.written(metric, totals)) == expected


def test_a_sentence_names_the_stretch_where_most_failed() -> None:
    found = figures(day(), day(failed=7), day(failed=1), before=[day()] * 3)
    assert plain(words.of_requests(found)).endswith("8 failed, 7 of them from 12:10 to 12:20.")
    assert plain(words.of_error_rate(found)) == "2.7 % of 300 requests failed, most from 12:10 to 12:20: 7 of 100."


def test_calls_without_a_price_make_the_cost_a_least() -> None:
    found = figures(day(calls_without_price=40))
    assert plain(words.of_cost(found)) == "At least $1.00, $0.0100 a request: 40 of 100 calls have no known price."


def test_the_bucket_that_has_just_begun_has_no_counterpart_in_the_comparison() -> None:
    days = [day(), day()]
    assert figures(*days, before=days, late=timedelta(minutes=1)).was.requests == 100
    assert figures(*days, before=days, late=timedelta(minutes=6)).was.requests == 200


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], ""),
        ([0.0, 0.0], "0.0,34.0 100.0,34.0"),
        ([0.0, None, 2.0], "0.0,34.0 100.0,2.0"),
    ],
)
def test_a_spark_stands_on_its_foot(values: list[float | None], expected: str) -> None:
    assert tiles.points(values, 2.0) == expected
