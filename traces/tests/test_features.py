"""Features: they appear with what is counted, keep what was written about them, and tell what they run with."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from llmobs.lib.weblinks import is_web_address
from tests import make
from traces import retention
from traces.features import ChangedMeanwhile, write
from traces.live_versions import BACK, LIVE, of_models, of_prompts, of_releases
from traces.models import Feature
from traces.queries import features
from traces.queries.features import ModelUse, Used
from traces.rollups import rebuild_marked
from traces.usual import Usual, against_high

NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)
BEGUN, LATELY = NOW - BACK, NOW - LIVE


def asked(project, feature, **ago):
    make.stored(project.pk, make.span(feature=feature, started_at=make.now() - timedelta(**ago)))
    rebuild_marked()


def test_a_feature_is_seen_first_and_last_whatever_comes_in_which_order(project):
    for hours in (5, 50, 1, 20):
        asked(project, "faq", hours=hours)
    (one,) = Feature.objects.all()
    now = timezone.now()
    assert timedelta(hours=1) <= now - one.last_at < timedelta(hours=1, minutes=6)
    assert timedelta(hours=50) <= now - one.first_at < timedelta(hours=50, minutes=6)


def test_the_service_stands_for_a_feature_that_is_not_sent_and_nothing_for_neither(project):
    make.stored(project.pk, make.span(service="shop-api"), make.span())
    rebuild_marked()
    assert list(Feature.objects.values_list("name", flat=True)) == ["shop-api"]


def test_a_feature_goes_with_its_last_trace_unless_somebody_wrote_about_it(project, engineer):
    long_ago = timezone.now() - timedelta(days=400)
    for name in ("gone", "written"):
        Feature.objects.create(project=project, name=name, first_at=long_ago, last_at=long_ago)
    asked(project, "here", minutes=1)
    written = Feature.objects.get(name="written")
    write(written, values(owner="Ada"), version=0, by=engineer, now=NOW)
    oldest = timezone.now().date() - timedelta(days=90)
    list(retention._batches(retention.FORGET_FEATURES, oldest, 1))
    assert list(Feature.objects.values_list("name", flat=True)) == ["here", "written"]


def values(**fields):
    return {"owner": "", "contact": "", "runbook": "", "notes": "", **fields}


def test_what_was_written_since_is_not_overwritten_unseen(project, engineer, admin):
    asked(project, "faq", minutes=1)
    feature = Feature.objects.get()
    assert write(feature, values(owner="Eve"), version=0, by=engineer, now=NOW).after == {"owner": "Eve"}
    with pytest.raises(ChangedMeanwhile) as raised:
        write(feature, values(owner="Ada"), version=0, by=admin, now=NOW)
    assert raised.value.feature.owner == "Eve"
    assert raised.value.change.changed_by == engineer
    assert write(feature, values(owner="Eve"), version=0, by=admin, now=NOW) is None
    assert write(feature, values(owner="Ada"), version=1, by=admin, now=NOW).before == {"owner": "Eve"}


def test_a_feature_that_is_not_counted_yet_can_be_written_about_and_is_counted_then(project, engineer):
    make.stored(project.pk, make.span(feature="faq"))
    feature = features.feature_of(project.pk, "faq")
    assert feature.pk is None
    write(feature, values(owner="Eve"), version=0, by=engineer, now=NOW)
    rebuild_marked()
    assert Feature.objects.get().owner == "Eve"


def test_no_read_of_a_feature_goes_through_a_table_from_end_to_end(project):
    given = {
        "project": project.pk, "feature": "faq", "start": BEGUN, "live": LATELY, "end": NOW, "most": 9, "has": "",
    }  # fmt: skip
    for statement in (features.LISTED, features.LATELY, features.MODELS, features.USED):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(f"EXPLAIN {statement}", given)
            assert "Seq Scan" not in "\n".join(line for (line,) in cursor.fetchall())


# What runs now.


def used(days, *prompts, release=None):
    return Used(NOW - timedelta(days=days, minutes=1), release, prompts)


def test_shares_are_of_the_newest_that_carry_any_and_first_uses_of_all():
    sample = [used(0, ("a", "2")), used(0, ("a", "2"), ("b", "")), used(0, ("a", "1")), used(0), used(5, ("a", "1"))]
    told = [(one.name, round(one.share, 2), one.since) for one in of_prompts(sample, BEGUN, LATELY)]
    first = NOW - timedelta(minutes=1)
    assert told == [("a@2", 0.67, first), ("a@1", 0.33, first - timedelta(days=5)), ("b", 0.33, first)]


def test_what_was_in_use_all_along_has_no_beginning_and_what_is_not_used_now_is_left_out():
    sample = [used(0, release="2"), used(BACK.days - 0.5, release="2"), used(3, release="1")]
    assert [(one.name, one.since) for one in of_releases(sample, BEGUN, LATELY)] == [("2", None)]


def test_models_share_the_calls_of_the_last_day():
    uses = [ModelUse("a", 3, BEGUN, NOW), ModelUse("b", 1, LATELY, NOW), ModelUse("old", 0, BEGUN, LATELY)]
    assert [(one.name, one.share, one.since) for one in of_models(uses, BEGUN)] == [
        ("a", 0.75, None),
        ("b", 0.25, LATELY),
    ]
    assert of_models([], BEGUN) == []


@pytest.mark.parametrize(
    ("us", "tone"), [(3_000_000, "plain"), (4_400_000, "plain"), (4_600_000, "warn"), (6_100_000, "bad")]
)
def test_what_one_in_twenty_took_stands_at_the_edge_of_the_usual_range(us, tone):
    mark = against_high(us, Usual("faq", 100, 800_000, 1_200_000, 3_000_000))
    assert mark.tone == tone
    assert mark.words == "usual 3\u00a0s"
    assert mark.low < mark.high <= mark.now <= 100
    assert against_high(us, Usual("faq", 3, 800_000, 1_200_000, 3_000_000)) is None
    assert against_high(None, Usual("faq", 100, 800_000, 1_200_000, 3_000_000)) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://wiki.example.org/a?b=c#d", True),
        ("HTTP://wiki:8080/", True),
        ("https://[::1]/x", True),
        ("https://wiki.example.org/請求", True),
        ("https://", False),
        ("https:///path", False),
        ("https://[::1/x", False),
        ("https://user:pass@example.org/", False),
        ("https://good.example@evil.example/", False),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("//example.org", False),
        ("see https://example.org", False),
        ("https://example.org/a b", False),
        ("https://example.org/\u202egnp", False),
        ("https://example.org/\n", False),
        ("", False),
    ],
)
def test_only_addresses_of_the_web_are_links(text, expected):
    assert is_web_address(text) is expected
