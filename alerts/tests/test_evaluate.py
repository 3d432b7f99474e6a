"""A look at a rule, and what follows from it, on real rollups."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, close_old_connections, connection, transaction

from alerts.evaluate import evaluate
from alerts.models import Incident, Notification, Rule
from alerts.tests.traffic import QUARTER, counted, rule_of, some_fail, steady, usual_days
from llmobs.lib.timerange import FIVE_MINUTES, floor

HALF_MINUTE = timedelta(seconds=30)


def test_an_outage_opens_one_incident_at_the_second_look(project, outage, now):
    rule = rule_of(project, "error_rate")
    assert evaluate(rule.pk, now) == []
    told = evaluate(rule.pk, now + HALF_MINUTE)
    incident = Incident.objects.get()
    assert (incident.rule, incident.began_at, incident.n) == (rule, outage, 60)
    assert incident.peak == pytest.approx(0.2)
    assert incident.usual == 0
    assert incident.title.replace("\u00a0", " ") == "Shop answers 20 % of its requests with an error"
    assert [row.pk for row in Notification.objects.all()] == told


def test_it_keeps_three_traces_that_failed(project, outage, now):
    rule = rule_of(project, "error_rate", looks_to_open=1)
    evaluate(rule.pk, now)
    shown = {bytes.fromhex(key) for key in Incident.objects.get().examples}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT trace_id FROM traces_span WHERE project_id = %s AND parent_id IS NULL AND status = 'error'"
            " ORDER BY happened_at DESC LIMIT 3",
            [project.pk],
        )
        assert shown == {bytes(trace_id) for (trace_id,) in cursor.fetchall()}


def test_a_look_that_is_repeated_or_late_changes_nothing(project, outage, now):
    rule = rule_of(project, "error_rate")
    evaluate(rule.pk, now)
    assert evaluate(rule.pk, now) == evaluate(rule.pk, now - HALF_MINUTE) == []
    assert Rule.objects.get(pk=rule.pk).standing_looks == 1
    assert not Incident.objects.exists()


def test_further_looks_update_the_incident_and_tell_nobody(project, outage, now):
    rule = rule_of(project, "error_rate", looks_to_open=1)
    evaluate(rule.pk, now)
    counted(project, *some_fail(now - timedelta(minutes=2), now, 40, failed=40))
    assert evaluate(rule.pk, now + HALF_MINUTE) == []
    incident = Incident.objects.get()
    assert incident.peak == pytest.approx(52 / 100)
    assert "52" in incident.title
    assert Notification.objects.count() == 1


def test_one_bad_minute_opens_nothing(project, admin, now):
    start = floor(now, FIVE_MINUTES)
    minute = timedelta(minutes=1)
    counted(
        project,
        *steady(start - 2 * FIVE_MINUTES, start, 150),
        *some_fail(start, start + minute, 15, failed=15),
        *steady(start + minute, start + 2 * minute, 15),
    )
    rule = rule_of(project, "error_rate")
    for seconds in range(0, 180, 30):
        evaluate(rule.pk, now + timedelta(seconds=seconds))
    assert Rule.objects.get(pk=rule.pk).standing == "broken"
    assert not Incident.objects.exists()


def test_slow_answers_open_an_incident_with_the_slowest_traces(project, admin, now):
    began_at = floor(now, FIVE_MINUTES) - timedelta(minutes=10)
    slowest = steady(now - timedelta(minutes=1), now, 1, duration_us=60_000_000)
    counted(project, *usual_days(now), *steady(began_at, now, 60, duration_us=4_500_000), *slowest)
    evaluate(rule_of(project, "latency", looks_to_open=1).pk, now)
    incident = Incident.objects.get()
    assert incident.began_at == began_at
    assert incident.usual == pytest.approx(1_000_000, rel=0.02)
    assert incident.peak == pytest.approx(4_500_000, rel=0.02)
    assert incident.examples[0] == slowest[0].trace_id.hex()


def test_dear_calls_open_a_ticket_with_the_dearest_traces(project, admin, now):
    end = floor(now, FIVE_MINUTES)
    counted(project, *usual_days(now), *steady(end - QUARTER, end, 60, cost_usd=Decimal("0.05")))
    evaluate(rule_of(project, "cost", looks_to_open=1).pk, now)
    incident = Incident.objects.get()
    assert (incident.severity, incident.began_at) == ("ticket", end - QUARTER)
    assert incident.peak == pytest.approx(3.0)
    assert incident.usual == pytest.approx(0.61, rel=0.05)


def test_a_silence_opens_an_incident_and_shows_what_came_last(project, admin, now):
    end = floor(now, FIVE_MINUTES)
    last = steady(end - 3 * QUARTER, end - QUARTER, 100)
    counted(project, *usual_days(now), *last)
    evaluate(rule_of(project, "silence").pk, now)
    evaluate(rule_of(project, "silence").pk, now + HALF_MINUTE)
    incident = Incident.objects.get()
    assert incident.title.replace("\u00a0", " ") == "Shop gets no requests in 15 min"
    assert incident.began_at == end - QUARTER
    assert last[-1].trace_id.hex() in incident.examples


def test_a_project_of_yesterday_has_no_usual_yet(project, admin, now):
    counted(project, *steady(now - QUARTER, now, 60, duration_us=9_000_000))
    rule = rule_of(project, "latency")
    evaluate(rule.pk, now)
    assert "less than a day" in Rule.objects.get(pk=rule.pk).last_sentence
    assert not Incident.objects.exists()


def test_silence_is_not_heard_while_counting_is_behind(project, admin, now):
    counted(project, *usual_days(now))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO traces_mark (project_id, starts_at) VALUES (%s, %s)", [project.pk, now - timedelta(hours=3)]
        )
    rule = rule_of(project, "silence", looks_to_open=1)
    evaluate(rule.pk, now)
    assert "being counted" in Rule.objects.get(pk=rule.pk).last_sentence
    assert not Incident.objects.exists()


def test_what_carries_it_is_named(project, admin, now):
    began_at = floor(now, FIVE_MINUTES) - timedelta(minutes=10)
    yesterday = began_at - timedelta(hours=4)
    refund = {"feature": "refund", "model_requested": "gpt-4.1"}
    counted(
        project,
        *steady(yesterday, began_at, 300),
        *steady(yesterday, began_at, 100, **refund),
        *steady(began_at, now, 60),
        *steady(began_at, now, 30, failed=True, **refund),
    )
    evaluate(rule_of(project, "error_rate", looks_to_open=1).pk, now)
    feature, model = Incident.objects.get().carriers
    assert (feature["dimension"], feature["value"], feature["observed"]) == ("feature", "refund", 30)
    assert feature["share"] > 0.95
    assert (model["dimension"], model["value"]) == ("model", "gpt-4.1")


def test_traces_of_another_project_count_for_nothing(project, other_project, outage, now):
    evaluate(rule_of(other_project, "error_rate", looks_to_open=1).pk, now)
    assert not Incident.objects.exists()


def test_a_rule_that_is_gone_is_no_error(db, now):
    assert evaluate(4711, now) == []


def test_the_database_allows_one_open_incident_a_rule(project, outage, now):
    rule = rule_of(project, "error_rate", looks_to_open=1)
    evaluate(rule.pk, now)
    second = Incident.objects.get()
    second.pk = None
    with pytest.raises(IntegrityError, match="one_open_incident_per_rule"), transaction.atomic():
        second.save(force_insert=True)


@pytest.mark.django_db(transaction=True)
def test_two_evaluators_at_once_open_one_incident_and_tell_once(project, outage, now):
    rule = rule_of(project, "error_rate", looks_to_open=1)

    def look(seconds):
        try:
            return evaluate(rule.pk, now + timedelta(seconds=seconds))
        finally:
            close_old_connections()
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        told = [pk for ids in pool.map(look, range(4)) for pk in ids]
    assert Incident.objects.count() == 1
    assert len(told) == Notification.objects.count() == 1


def test_a_look_that_finds_nothing_new_takes_eight_queries(project, outage, now, django_assert_num_queries):
    rule = rule_of(project, "error_rate", limit=0.9)
    evaluate(rule.pk, now)
    with django_assert_num_queries(8):  # rule, first trace, series; the transaction (2): rule, standing, incident
        evaluate(rule.pk, now + HALF_MINUTE)
