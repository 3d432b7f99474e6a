"""What is counted beside a list agrees with the list; where it is extrapolated, roughly, and it says so."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import Project
from llmobs.lib.timerange import TimeRange
from tests import make
from traces import partitions
from traces.queries.traffic import Traffic, traffic
from traces.rollups import rebuild_marked
from traces.search import counting, find, grammar, populations, tallies
from traces.search.counting import Buckets, Counted, Counting
from traces.search.index import index_marked
from traces.search.match import plan_of
from traces.search.populations import MAIN

FEATURES = ("billing", "faq", "search")
MODELS = ("gpt-4o", "Claude")
PATIENCE = 30.0  # seconds; the machine may be busy


def period() -> TimeRange:
    return TimeRange(make.now() - timedelta(days=20), make.now() + timedelta(hours=1))


def counted(project: Project, line: str, *, keys: tuple[str, ...] = (), little: int = 8_000) -> dict[str, Counted]:
    buckets = Buckets(period().start, timedelta(days=1))
    return Counting(project.pk, period(), grammar.parse(line), keys, buckets, PATIENCE, little).run()


def found(project: Project, line: str) -> int:
    return len(find.find(project.pk, period(), grammar.parse(line), limit=10_000))


def numbers(one: Counted, name: str) -> dict[str, int]:
    start = f":{name}:"
    plain = {fact: many for fact, many in one.elements.items() if fact.startswith(start) and "\x1e" not in fact}
    return {fact.removeprefix(start): many for fact, many in plain.items()}


@pytest.fixture
def many(project: Project) -> Project:
    """Sixty traces in twelve days: each feature with both models, every sixth one failed, half of plan pro."""
    for number in range(60):
        make.stored(
            project.pk,
            *make.trace(
                feature=FEATURES[number % 3],
                model=MODELS[number % 2],
                model_requested=MODELS[number % 2],
                status="error" if number % 6 == 0 else "ok",
                failure="timeout" if number % 6 == 0 else None,
                user_id=f"u_{number}",
                input="a parcel of kettles" if number % 4 == 0 else "an invoice",
                attributes={"metadata.plan": "pro" if number % 4 < 2 else "free"},
                started_at=make.now() - timedelta(hours=5 * number, minutes=1),
            ),
        )
    rebuild_marked()
    index_marked()
    return project


LINES = [
    "",
    "feature:billing",
    "feature:billing model:gpt-4o",
    "-feature:billing status:error",
    "failure:timeout",
    "user:u_7",
    "user:nobody",
    "parcel",
    '"parcel of kettles" feature:faq',
    "*arce*",
    "latency:>1s",
    "cost:>100",
    "feature:b*",
    "metadata.plan:pro",
]


@pytest.mark.parametrize("little", [8_000, 5], ids=["all", "sampled"])
@pytest.mark.parametrize("line", LINES)
def test_the_total_is_that_of_the_list(many: Project, line: str, little: int) -> None:
    main = counted(many, line, little=little)[MAIN]
    assert main.total == pytest.approx(found(many, line), rel=0 if main.sure == "exactly" else 0.5)
    assert main.sure == "exactly" or little == 5
    assert sum(main.times.values()) == pytest.approx(main.total, abs=len(main.times))


@pytest.mark.parametrize("text", ["", " *nvoic*", ' "an invoice"'], ids=["looked at", "by the index", "compared"])
def test_each_value_counts_what_a_click_on_it_lists(many: Project, text: str) -> None:
    line = f"-feature:search{text}"
    by_facet = counted(many, f"feature:billing {line}", keys=("plan",))
    assert set(by_facet) == {MAIN, "feature"}
    for name in ("model", "failure", "status", "metadata.plan"):
        for value, number in numbers(by_facet[MAIN], name).items():
            assert number == found(many, f"feature:billing {line} {name}:{value}"), (name, value)
    own = numbers(by_facet["feature"], "feature")
    assert own == {feature: found(many, f"feature:{feature} {line}") for feature in ("billing", "faq")}
    assert own["billing"] == by_facet[MAIN].total > 0


def test_metadata_is_counted_only_where_it_is_a_facet(many: Project) -> None:
    assert numbers(counted(many, "")[MAIN], "metadata.plan") == {}
    assert numbers(counted(many, "", keys=("Plan",))[MAIN], "metadata.plan") == {"pro": 30, "free": 30}


def test_a_value_is_counted_as_one_however_it_is_written(project: Project) -> None:
    for user in ("Ann", "ann", "ANN", "ANN"):
        make.stored(project.pk, make.span(user_id=user))
    index_marked()
    elements = counted(project, "")[MAIN].elements
    assert elements[":user:ann"] == 4
    assert elements[":user:ann\x1eANN"] == 2


def test_bars_count_when_traces_began_and_which_failed(many: Project) -> None:
    times = counted(many, "")[MAIN].times
    assert sum(number for (_, failed), number in times.items() if failed) == 10
    assert all(period().start - timedelta(days=1) < start < period().end for start, _ in times)
    assert len({start for start, _ in times}) >= 12


def test_an_empty_project_counts_nothing(project: Project) -> None:
    assert counted(project, "")[MAIN] == Counted("exactly", 0, {}, {}, {})


def test_another_projects_traces_do_not_count(many: Project, other_project: Project) -> None:
    make.stored(other_project.pk, make.span(feature="billing"))
    index_marked()
    assert counted(other_project, "")[MAIN].total == 1
    assert counted(many, "feature:billing")[MAIN].total == 20


def test_a_sample_of_many_is_extrapolated_and_what_is_rare_is_counted(project: Project, monkeypatch) -> None:
    began = make.now()
    for number in range(4):
        named = [(at, "rare" if at % 21 == 0 else "common") for at in range(number, 2_400, 4)]
        make.stored(
            project.pk,
            *[
                make.span(feature=name, input=f"a {name} kettle", started_at=began - timedelta(seconds=13 * at))
                for at, name in named
            ],
        )
    rebuild_marked()
    index_marked()
    main = counted(project, "", little=100)[MAIN]
    assert main.sure == "about"
    assert main.total == 2_400
    assert 40 < main.elements[":feature:rare"] < 300
    assert main.elements[":feature:rare"] + main.elements[":feature:common"] == pytest.approx(2_400, abs=2)
    monkeypatch.setattr(counting, "_MANY", 200)
    rare, common = counted(project, "rare", little=100)[MAIN], counted(project, "common", little=100)[MAIN]
    assert (rare.sure, rare.total) == ("exactly", found(project, "rare"))
    assert common.sure == "about"
    assert common.total == pytest.approx(found(project, "common"), rel=0.2)


def test_more_than_the_rollups_know_of_are_said_to_be_over(project: Project) -> None:
    make.stored(project.pk, *[make.span(feature="faq") for _ in range(20)])
    index_marked()  # and nothing is rolled up yet
    main = counted(project, "", little=10)[MAIN]
    assert (main.sure, main.total) == ("over", 11)


def test_without_time_nothing_is_counted_rather_than_wrongly(many: Project) -> None:
    buckets = Buckets(period().start, timedelta(days=1))
    assert Counting(many.pk, period(), grammar.parse("parcel"), (), buckets, -1.0).run() == {}


@pytest.mark.parametrize(
    ("line", "own"),
    [
        ("", []),
        ("feature:a parcel -model:b", ["feature"]),
        ("feature:a feature:b status:ok", ["feature", "status"]),
        ("metadata.Plan:pro latency:>2s session:s", ["metadata.plan"]),
        ("feature:a*", []),
    ],
)
def test_facets_that_a_value_is_asked_of(line: str, own: list[str]) -> None:
    assert populations.own_facets(grammar.parse(line)) == own


def test_a_facet_is_counted_without_its_own_conditions_but_with_what_is_refused() -> None:
    terms = grammar.parse("feature:a -feature:b model:c")
    assert grammar.line_of(populations.without(terms, "feature")) == "-feature:b model:c"
    assert grammar.line_of(populations.without(terms, MAIN)) == "feature:a -feature:b model:c"


def test_places_of_a_sample_are_as_close_as_the_traces() -> None:
    start = datetime(2026, 11, 1, tzinfo=UTC)
    hours = TimeRange(start, start + timedelta(hours=2))
    second = int((start + timedelta(hours=1)).timestamp())
    known = Traffic(hours, timedelta(hours=1), [(int(start.timestamp()), 10, 0), (second, 90, 0)], 100)
    places = known.places(10)
    assert len(places) == 10
    assert sum(place < start + timedelta(hours=1) for place in places) == 1
    assert places == sorted(places) == known.places(10)
    assert Traffic(hours, timedelta(hours=1), [], 0).places(10) == []


def test_traffic_is_that_of_the_rollups(many: Project) -> None:
    known = traffic(many.pk, period())
    assert known.total == 60
    assert sum(failed for _, _, failed in known.steps) == 10


@pytest.mark.parametrize(
    ("days", "minutes"), [(1, 5), (10, 5), (11, 15), (31, 15), (32, 60), (387, 60), (388, 1_440), (4_000, 1_440)]
)
def test_traffic_is_coarser_over_long_periods(project: Project, days: int, minutes: int) -> None:
    whole = TimeRange(make.now() - timedelta(days=days), make.now())
    assert traffic(project.pk, whole).step == timedelta(minutes=minutes)


def test_few_are_told_from_many_without_counting_these(many: Project) -> None:
    asked, queries = plan_of(grammar.parse("-nobody")).ask({}).within(many.pk)
    table = partitions.name_of("traces_entry", (make.now() - timedelta(days=2)).date())
    there = next(most for most in range(10) if tallies.has_few(table, asked, queries, most, PATIENCE))
    assert there in (4, 5)
    assert not tallies.has_few(table, asked, queries, there - 1, PATIENCE)
    assert not tallies.has_few(table, asked, queries, there, 0.0)  # no time: it is not known


@pytest.mark.parametrize(
    ("line", "exact"),
    [
        ("parcel feature:faq", True),
        ("parc* -kettle", True),
        ("退款", True),
        ('"a parcel"', False),
        ("退款了", False),
        ("*arce*", False),
        ("latency:>1s", True),
    ],
)
def test_what_the_index_answers_by_itself(line: str, exact: bool) -> None:
    assert plan_of(grammar.parse(line)).is_exact is exact


def test_days_are_spread_with_the_newest_first() -> None:
    days = [datetime(2026, 11, day, tzinfo=UTC).date() for day in range(20, 12, -1)]
    spread = counting._spread(days)
    assert spread[0] == days[0]
    assert set(spread[:2]) == {days[0], days[4]}
    assert sorted(spread) == sorted(days)
