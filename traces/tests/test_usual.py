"""How long it took and what it cost, against the usual of its feature."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from llmobs.lib.timerange import floor
from tests import make
from traces import rollups
from traces.amounts import Totals
from traces.queries import usual as usual_queries
from traces.queries.usual import SAMPLED_EVERY, usual_lately, usual_of
from traces.sentences import plain
from traces.usual import Usual, against, against_in_column, amounts, cost_words


def totals(us=1_000_000, cost=None, calls=1, without_price=0):
    return Totals(1, calls, 0, None, None, None, None, Decimal(cost) if cost else None, without_price, us)


def usual(requests=100, mean=None, is_least=False, **fields):
    durations = {"low_us": 800_000, "middle_us": 1_200_000, "high_us": 3_000_000} | fields
    return Usual("faq", requests, **durations, mean_usd=Decimal(mean) if mean else None, is_least=is_least)


@pytest.mark.parametrize(
    ("of", "than", "words"),
    [
        (totals(3_600_000), usual(), "It took 3.6 s, 3 × its usual 1.2 s, and what it cost is not known."),
        (totals(30_000_000, "0.01"), usual(), "It took 30 s, 25 × its usual 1.2 s, and cost $0.0100."),
        (totals(1_000_000, "0.01"), usual(), "It took 1 s, as usual (half take under 1.2 s), and cost $0.0100."),
        (
            totals(2_400_000, calls=0),
            usual(),
            "It took 2.4 s, 2 × its usual 1.2 s, which is not rare (1 in 20 takes over 3 s).",
        ),
        (totals(500_000, calls=0), usual(), "It took 500 ms, less than its usual 1.2 s."),
        (totals(None, calls=0), usual(), "It has not ended, as far as its sender told."),
        (totals(-5_000_000, calls=0), usual(), "It took −5 s."),
        (totals(1_000_000, calls=0), usual(low_us=0, middle_us=0, high_us=0), "It took 1 s."),
        (totals(1_000_000, calls=0), None, "It took 1 s."),
        (
            totals(1_000_000, calls=0),
            usual(3),
            "It took 1 s. What is usual for faq is not known: 3 requests in the 7 days before it.",
        ),
        (
            totals(1_000_000, calls=0),
            usual(1),
            "It took 1 s. What is usual for faq is not known: 1 request in the 7 days before it.",
        ),
        (
            totals(1_000_000, "0.04"),
            usual(mean="0.01"),
            "It took 1 s, as usual (half take under 1.2 s), and cost $0.0400, 4 × the average $0.0100.",
        ),
        (
            totals(1_000_000, "0.011"),
            usual(mean="0.01"),
            "It took 1 s, as usual (half take under 1.2 s), and cost $0.0110 (average $0.0100).",
        ),
        (
            totals(1_000_000, "0.04", without_price=1),
            usual(mean="0.01"),
            "It took 1 s, as usual (half take under 1.2 s), and cost at least $0.0400.",
        ),
    ],
)
def test_the_sentence(of, than, words):
    assert " ".join(plain(one) for one in amounts(of, than)).replace("\u00a0", " ") == words


@pytest.mark.parametrize(
    ("us", "tone"), [(1_000_000, "plain"), (3_000_001, "warn"), (6_000_001, "bad"), (100_000, "plain")]
)
def test_the_mark_stands_on_the_scale_of_its_range(us, tone):
    mark = against(us, usual())
    assert mark.tone == tone
    assert 0 <= mark.low <= mark.high <= 100
    assert 0 <= mark.now <= 100
    assert mark.words.replace("\u00a0", " ") == "usual 800 ms to 3 s"


@pytest.mark.parametrize(
    ("us", "than"), [(None, usual()), (1, None), (1, usual(19)), (-1, usual()), (1, usual(high_us=0))]
)
def test_without_a_usual_there_is_no_mark(us, than):
    assert against(us, than) is None


def test_the_average_cost_is_a_lower_limit_while_prices_are_missing():
    assert cost_words(usual(mean="0.01")) == "average $0.0100"
    assert cost_words(usual(mean="0.01", is_least=True)) == "average at least $0.0100"
    assert cost_words(usual()) is None
    assert cost_words(None) is None


def test_the_usual_is_that_of_the_feature_in_the_seven_days_before(project):
    now = make.now()
    for number in range(30):
        before = now - timedelta(hours=2, minutes=number)
        make.stored(project.pk, make.span(feature="faq", started_at=before, duration_us=1_000_000 + number))
    for at, feature in ((now, "faq"), (now - timedelta(hours=3), "other"), (now - timedelta(days=8), "faq")):
        make.stored(project.pk, make.span(feature=feature, started_at=at, duration_us=90_000_000))
    while rollups.rebuild_marked():
        pass
    found = usual_of(project.pk, "faq", now)
    assert found.requests == 30
    assert found.middle_us == pytest.approx(1_000_000, rel=0.02)
    assert found.high_us == pytest.approx(1_000_000, rel=0.02)
    assert found.mean_usd is None
    assert usual_of(project.pk, "nobody's", now).enough is False


def sampled(number: int) -> datetime:
    """The beginning of five minutes that stand for their neighbours, so many samples ago."""
    return floor(make.now(), SAMPLED_EVERY) - number * SAMPLED_EVERY


def test_of_a_busy_feature_a_sample_stands_for_all(project, monkeypatch):
    monkeypatch.setattr(usual_queries, "LEAST_SAMPLE", 20)
    for number in range(60):
        begun = sampled(1 + number % 20) + timedelta(minutes=10 * (number >= 40))
        duration_us = 9_000_000 if number >= 40 else 1_000_000
        make.stored(project.pk, make.span(feature="faq", started_at=begun, duration_us=duration_us))
    while rollups.rebuild_marked():
        pass
    found = usual_of(project.pk, "faq", make.now())
    assert (found.requests, found.enough) == (40, True)
    assert found.high_us == pytest.approx(1_000_000, rel=0.02)  # the slow ones lie between


def test_a_feature_that_was_asked_between_the_samples_alone_is_known(project):
    begun = (sampled(1) + timedelta(minutes=20, seconds=number) for number in range(30))
    make.stored(project.pk, *(make.span(feature="faq", started_at=at, duration_us=1_000_000) for at in begun))
    while rollups.rebuild_marked():
        pass
    assert usual_of(project.pk, "faq", make.now()).requests == 30


def test_what_is_usual_of_many_features_is_asked_at_once_and_once_in_five_minutes(project, django_assert_num_queries):
    now = make.now()
    for name in ("faq", "refund"):
        begun = (now - timedelta(hours=1, minutes=number) for number in range(30))
        make.stored(project.pk, *(make.span(feature=name, started_at=at, duration_us=1_000_000) for at in begun))
    while rollups.rebuild_marked():
        pass
    names = ["faq", "x" * 3_000, *(f"feature {number}" for number in range(10))]
    with django_assert_num_queries(2):
        found = usual_lately(project.pk, names, now)
    assert (found["faq"].requests, found["x" * 3_000].requests, found.keys()) == (30, 0, set(names))
    with django_assert_num_queries(0):
        assert usual_lately(project.pk, names[:3], now)["faq"].requests == 30
    with django_assert_num_queries(2):
        assert usual_lately(project.pk, ["faq", "refund"], now)["refund"].requests == 30
    with django_assert_num_queries(2):
        usual_lately(project.pk, ["faq"], now + timedelta(minutes=5))


@pytest.mark.parametrize(
    ("took", "places"),
    [
        ([], []),
        ([(1_000_000, None), (None, usual()), (1, usual(3))], [None, None, None]),
        ([(3_000_000, usual()), (6_000_000, usual())], [(47.2, 47.2), (47.2, 94.3)]),
        # Ten times the widest usual range is at the end, and leaves room for the others to be told apart.
        ([(1_200_000, usual()), (30_000_000, usual())], [(23.6, 9.4), (23.6, 100)]),
        ([(1_000, usual(high_us=2_000)), (3_000_000, usual())], [(0.1, 0.0), (94.3, 94.3)]),
    ],
)
def test_the_marks_of_a_column_share_a_scale(took, places):
    assert [one and (one.high, one.now) for one in against_in_column(took)] == places


def test_the_list_marks_what_took_longer_than_usual(project, member_client):
    begin = make.now() - timedelta(days=1)
    make.stored(project.pk, *(make.span(feature="faq", started_at=begin + timedelta(seconds=n)) for n in range(40)))
    make.stored(project.pk, make.span(feature="faq", duration_us=30_000_000), make.span(feature="new"))
    while rollups.rebuild_marked():
        pass
    said = member_client.get("/p/shop/traces?period=1h").content.decode()
    assert said.count('class="usual usual--bad"') == 1
    assert 'aria-label="usual 1.' in said
    assert said.count('class="usual ') == 1
