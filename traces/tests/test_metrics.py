"""What is read from the rollups is what a straight count of the same stretch says."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from django.db import connection

from accounts.models import Project
from llmobs.lib.timerange import FIVE_MINUTES, TimeRange
from tests import make
from traces import rollups
from traces.queries import metrics
from traces.queries.metrics import METRICS, Totals
from traces.sketch import Sketch
from traces.tests import straight

HOUR = timedelta(hours=1)


@pytest.fixture
def now() -> datetime:
    return make.now()


@pytest.fixture
def shop(project: Project, now: datetime) -> Project:
    """A project with 300 traces over a day: two features, two models, failures, calls without price or tokens."""
    rng = random.Random(4)
    for number in range(300):
        fields = {
            "started_at": now - timedelta(minutes=rng.uniform(0, 1_440)),
            "status": "error" if number % 9 == 0 else "ok",
        }
        model, feature = rng.choice(["gpt-4o", "gpt-4o", "llama-7"]), rng.choice(["search", "refund"])
        fields |= {
            "feature": feature,
            "model_requested": model,
            "model": None,
            "duration_us": int(rng.lognormvariate(14, 1)),
        }
        told = (
            {"input_tokens": rng.randrange(900), "output_tokens": 9}
            if number % 7
            else {"input_tokens": None, "output_tokens": None}
        )
        cost = Decimal(number) / 10_000 if model == "gpt-4o" else None
        root = make.span(**fields, kind="agent", input_tokens=10**6)
        make.stored(
            project.pk,
            root,
            make.call(**{**fields, **told}, trace_id=root.trace_id, parent_id=root.span_id, cost_usd=cost),
        )
    rollups.rebuild_marked()
    return project


def counted(project: Project, level: str, period: TimeRange, feature: str = "", model: str = "") -> straight.Counted:
    """The sum of the straight count's rows of one key."""
    whole = straight.Counted()
    for key, one in straight.count(project.pk).items():
        if key[0] == level and key[2:] == (feature, model) and period.start <= key[1] < period.end:
            for name, value in one.sums.items():
                whole.sums[name] += value
            whole.request_us += one.request_us
            whole.call_us += one.call_us
    return whole


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("level", "only"),
    [
        ("project", {}),
        ("feature", {"feature": "search"}),
        ("model", {"model": "gpt-4o"}),
        ("feature_model", {"feature": "refund", "model": "llama-7"}),
        ("feature", {"feature": "nobody uses this"}),
    ],
)
def test_totals_are_those_of_the_spans(shop: Project, now: datetime, level: str, only: dict[str, str]) -> None:
    period = TimeRange(now - 2 * 24 * HOUR, now)
    found, expected = metrics.totals(shop.pk, period, **only), counted(shop, level, period, **only)
    for name in (*metrics._COUNTS, *metrics._AMOUNTS):
        assert getattr(found, name) == expected.sums[name], name
    for sketch, durations in ((found.request_latency, expected.request_us), (found.call_latency, expected.call_us)):
        assert sketch.count == len(durations)
        for q in (0.5, 0.95, 0.99) if durations else ():
            assert sketch.quantile(q) == pytest.approx(np.percentile(durations, q * 100), rel=0.02)


@pytest.mark.django_db
@pytest.mark.parametrize("bucket", [FIVE_MINUTES, 3 * FIVE_MINUTES, HOUR, 24 * HOUR])
def test_a_series_has_every_bucket_and_adds_up_to_the_totals(shop: Project, now: datetime, bucket: timedelta) -> None:
    period = TimeRange(now - 30 * HOUR, now)
    buckets = metrics.series(shop.pk, period, bucket, model="gpt-4o")
    assert [start for start, _ in buckets] == list(period.buckets(bucket))
    assert metrics.merged(totals for _, totals in buckets) == metrics.totals(shop.pk, period, model="gpt-4o")


@pytest.mark.django_db
def test_names_are_those_of_the_period(shop: Project, now: datetime) -> None:
    assert metrics.names(shop.pk, TimeRange(now - 30 * HOUR, now)) == (["refund", "search"], ["gpt-4o", "llama-7"])
    assert metrics.names(shop.pk, TimeRange(now - 90 * HOUR, now - 60 * HOUR)) == ([], [])


@pytest.mark.django_db
def test_another_project_has_none_of_it(shop: Project, other_project: Project, now: datetime) -> None:
    period = TimeRange(now - 30 * HOUR, now)
    assert metrics.totals(other_project.pk, period) == Totals()
    assert metrics.names(other_project.pk, period) == ([], [])


@pytest.mark.django_db
def test_numbers_are_up_to_the_oldest_mark_that_nobody_took(project: Project, now: datetime) -> None:
    assert metrics.rollups_up_to(project.pk, now) == now
    make.stored(project.pk, make.span(started_at=now - HOUR), make.span(started_at=now))
    oldest = metrics.rollups_up_to(project.pk, now)
    assert now - HOUR - FIVE_MINUTES < oldest <= now - HOUR
    rollups.rebuild_marked()
    assert metrics.rollups_up_to(project.pk, now) == now


@pytest.mark.django_db
def test_a_month_of_five_minutes_is_one_quick_query(project: Project, django_assert_num_queries) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO traces_rollup (project_id, level, feature, model, starts_at, requests, request_latency)
            SELECT %s, 'project', '', '', date_bin('5 minutes', now(), 'epoch') - n * interval '5 minutes', 7, %s
            FROM generate_series(0, 8639) AS n""",
            [project.pk, Sketch.of(range(1_000, 60_000, 1_500)).packed],
        )
    now = datetime.now(UTC)
    with django_assert_num_queries(1):
        buckets = metrics.series(project.pk, TimeRange(now - timedelta(days=30), now), timedelta(hours=6))
    assert sum(totals.requests for _, totals in buckets) == 8_640 * 7


SOME = Totals(
    requests=4, requests_failed=1, calls=10, calls_failed=2, calls_without_price=1, calls_without_tokens=1,
    input_tokens=400, output_tokens=40, cache_read_tokens=100, retries=5, cost_usd=Decimal("0.08"),
    request_latency=Sketch.of([1_000_000] * 4),
)  # fmt: skip
UNTOLD = Totals(requests=2, calls=2, calls_without_price=2, calls_without_tokens=2)


@pytest.mark.parametrize(
    ("metric", "some", "untold", "nothing"),
    [
        ("requests", 4, 2, 0),
        ("requests_failed", 1, 0, 0),
        ("error_rate", 0.25, 0.0, None),
        ("latency_p95", pytest.approx(1_000_000, rel=0.01), None, None),
        ("calls", 10, 2, 0),
        ("call_error_rate", 0.2, 0.0, None),
        ("input_tokens", 400, None, 0),
        ("output_tokens", 40, None, 0),
        ("cache_hit_rate", 0.25, None, None),
        ("cost", Decimal("0.08"), None, 0),
        ("cost_per_request", Decimal("0.02"), None, None),
        ("retries_per_call", 0.5, 0.0, None),
    ],
)
def test_a_metric_says_nothing_rather_than_zero(metric: str, some: object, untold: object, nothing: object) -> None:
    value = METRICS[metric].value
    assert (value(SOME), value(UNTOLD), value(Totals())) == (some, untold, nothing)


def test_every_metric_is_known_by_its_name() -> None:
    assert all(metric.name == name and metric.sample(SOME) > 0 for name, metric in METRICS.items())
