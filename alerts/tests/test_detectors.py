"""What detectors say of series, as tables. No database."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils.module_loading import import_string

from alerts.detectors import DETECTORS, fixed_limit, usual_ratio
from alerts.detectors.look import Look
from alerts.detectors.usual import usual_of
from llmobs.lib.timerange import FIVE_MINUTES
from traces.queries.metrics import Totals, merged
from traces.sketch import Sketch

NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
WEEKS, DAYS, HOURS = timedelta(days=20), timedelta(days=3), timedelta(hours=20)


def fails(requests, failed):
    return Totals(requests=requests, requests_failed=failed)


def takes(seconds, requests=30):
    return Totals(requests=requests, request_latency=Sketch.of([int(seconds * 1e6)] * requests))


def costs(dollars, calls=30):
    return Totals(calls=calls, cost_usd=Decimal(str(dollars)))


def comes(requests):
    return Totals(requests=requests)


def look(metric, buckets, before=(), *, limit, minimum=40, history=WEEKS):
    """A look whose last bucket begins at noon."""
    first = NOON - FIVE_MINUTES * (len(buckets) - 1)
    dated = [(first + FIVE_MINUTES * place, totals) for place, totals in enumerate(buckets)]
    return Look(metric, limit, minimum, dated, list(before), history)


CLEAN = fails(30, 0)


@pytest.mark.parametrize(
    ("buckets", "broken", "lasting"),
    [
        ([CLEAN, CLEAN, CLEAN], False, False),
        ([fails(0, 0)] * 3, None, False),  # nothing came
        ([fails(10, 10)] * 3, None, False),  # all failed, but 30 are too few to judge
        ([CLEAN, fails(30, 2), fails(30, 2)], False, False),  # 4 of 90 are under 5 %
        ([fails(30, 2)] * 3, True, True),
        ([CLEAN, fails(30, 2), fails(30, 3)], True, True),  # two stretches in a row
        ([CLEAN, CLEAN, fails(30, 6)], True, False),  # one bad bucket: broken, but it may pass
        ([CLEAN, CLEAN, fails(30, 30)], True, True),  # an outage needs no second one
        ([CLEAN, fails(30, 20), CLEAN], False, True),  # over: the newest stretch is clean again
        ([fails(30, 9), fails(30, 9), fails(2, 0)], True, True),  # two requests do not end it
    ],
)
def test_more_than_one_in_twenty_fails(buckets, broken, lasting):
    verdict = fixed_limit.judge(look("error_rate", [CLEAN] * 6 + buckets, limit=0.05))
    assert verdict.broken is broken
    if broken:
        assert verdict.lasting is lasting


def test_an_incident_begins_with_the_first_bucket_that_breaks_the_rule():
    verdict = fixed_limit.judge(look("error_rate", [CLEAN] * 6 + [fails(30, 8)] * 4, limit=0.05))
    assert verdict.began_at == NOON - 3 * FIVE_MINUTES
    assert verdict.value == pytest.approx(24 / 90)


def test_a_fixed_limit_tells_its_usual_beside_the_proof():
    before = [fails(90, 1)] * 9 + [fails(90, 0)] * 9
    verdict = fixed_limit.judge(look("error_rate", [fails(30, 8)] * 3, before, limit=0.05))
    assert verdict.usual.middle == pytest.approx(0.0056, abs=0.0001)
    assert verdict.sentence.replace("\u00a0", " ") == (
        "24 of 90 requests failed in 15 min: 27 %, against 0 to 1.1 % at this hour; the limit is 5 %."
    )


DAYS_OF_A_SECOND = [takes(second, 90) for second in (0.9, 1, 1.1, 1, 0.95, 1.05)]


@pytest.mark.parametrize(
    ("buckets", "before", "history", "broken"),
    [
        ([takes(1)] * 3, DAYS_OF_A_SECOND, WEEKS, False),
        ([takes(1.8)] * 3, DAYS_OF_A_SECOND, WEEKS, False),  # under twice the usual
        ([takes(2.5)] * 3, DAYS_OF_A_SECOND, WEEKS, True),
        ([takes(2.5, 10)] * 3, DAYS_OF_A_SECOND, WEEKS, None),  # 30 requests are too few
        ([takes(2.5)] * 3, DAYS_OF_A_SECOND, HOURS, None),  # less than a day of history
        ([takes(2.5)] * 3, [], WEEKS, None),  # nothing at this hour before
        (
            [takes(2.5)] * 3,
            [takes(second, 90) for second in (0.5, 1, 2, 1, 0.4, 2.2)],
            WEEKS,
            False,
        ),  # it always varies
        ([takes(2.5), takes(2.5), takes(1)], DAYS_OF_A_SECOND, WEEKS, False),  # the newest stretch is clean again
        ([takes(2.5)] * 3, DAYS_OF_A_SECOND, DAYS, True),
    ],
)
def test_latency_is_so_many_times_its_usual(buckets, before, history, broken):
    assert usual_ratio.judge(look("latency_p95", buckets, before, limit=2.0, history=history)).broken is broken


DAYS_OF_A_DOLLAR = [costs(dollars, 90) for dollars in (0.95, 1, 1.05, 1.1, 1, 0.9)]


@pytest.mark.parametrize(
    ("buckets", "broken", "lasting"),
    [
        ([costs(0.33)] * 3, False, False),
        ([costs(0.9)] * 3, True, True),
        ([costs(0.33), costs(0.33), costs(9)], True, False),  # one dear call waits for a second bucket
        ([costs(0.33), costs(9), costs(0.33)], False, False),
        ([costs(0.9, 5)] * 3, None, False),  # 15 calls are too few
    ],
)
def test_a_quarter_of_an_hour_is_dearer_than_usual(buckets, broken, lasting):
    verdict = usual_ratio.judge(look("cost", [costs(0.33)] * 3 + buckets, DAYS_OF_A_DOLLAR, limit=1.7, minimum=20))
    assert verdict.broken is broken
    if broken:
        assert verdict.lasting is lasting


@pytest.mark.parametrize(
    ("buckets", "before", "broken"),
    [
        ([comes(30)] * 3, [comes(90)] * 6, False),
        ([comes(0)] * 3, [comes(90)] * 6, True),
        ([comes(2)] * 3, [comes(90)] * 6, True),
        ([comes(30), comes(0), comes(0)], [comes(90)] * 6, False),  # ten minutes are not a quarter of an hour
        ([comes(0)] * 3, [comes(20)] * 6, None),  # usually too little to miss
        ([comes(0)] * 3, [comes(0)] * 6, None),  # usually nothing at this hour
        ([comes(0)] * 3, [], None),
        ([comes(0)] * 3, [comes(0)] * 4 + [comes(900)] * 3, None),  # most days have nothing at this hour
    ],
)
def test_silence_is_only_heard_where_there_is_usually_sound(buckets, before, broken):
    verdict = usual_ratio.judge(look("requests", [comes(30)] * 3 + buckets, before, limit=0.1, minimum=30))
    assert verdict.broken is broken


def test_silence_began_with_the_first_silent_bucket():
    buckets = [comes(30)] * 4 + [comes(0)] * 3
    verdict = usual_ratio.judge(look("requests", buckets, [comes(90)] * 6, limit=0.1, minimum=30))
    assert (verdict.began_at, verdict.lasting) == (NOON - 2 * FIVE_MINUTES, True)


@pytest.mark.parametrize(
    ("values", "low", "middle", "high"),
    [
        ([1.0, 1.0, 1.0], 1.0, 1.0, 1.0),
        ([1.0, 2.0, 3.0, 4.0, 5.0], 1.4, 3.0, 4.6),
        ([1.0] * 12 + [50.0], 1.0, 1.0, 1.0),  # one bad day moves nothing
        ([0.0] * 10 + [0.01] * 4 + [0.9], 0.0, 0.01 / 3, 0.01),  # mostly none: a mean, one bad day cut off
    ],
)
def test_the_usual_is_a_middle_and_a_range(values, low, middle, high):
    usual = usual_of(values)
    assert (usual.low, usual.middle, usual.high) == pytest.approx((low, middle, high))


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0]])
def test_two_windows_are_no_usual(values):
    assert usual_of(values) is None


def test_totals_of_several_buckets_are_one():
    whole = merged([takes(1, 10), takes(3, 30), costs("0.25", 2)])
    assert (whole.requests, whole.calls, whole.cost_usd, whole.request_latency.count) == (40, 2, Decimal("0.25"), 40)
    assert merged([]) == Totals()


@pytest.mark.parametrize("path", DETECTORS.values())
def test_every_detector_of_the_registry_can_be_loaded(path):
    assert callable(import_string(path))
