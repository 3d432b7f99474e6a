"""When an incident is over: a clean stretch, an hour of too little to say, a rule that is switched off."""

from datetime import timedelta

from alerts.evaluate import SWITCHED_OFF, evaluate, switch_off
from alerts.models import Incident, Notification, Rule
from alerts.tests.traffic import counted, rule_of, steady
from llmobs.lib.timerange import FIVE_MINUTES, floor

HALF_MINUTE = timedelta(seconds=30)


def test_it_resolves_after_ten_clean_minutes_and_says_so(project, outage, now):
    rule = rule_of(project, "error_rate", looks_to_open=1)
    evaluate(rule.pk, now)
    later = floor(now, FIVE_MINUTES) + timedelta(minutes=22)
    counted(project, *steady(now, later + timedelta(minutes=10), 220))
    assert evaluate(rule.pk, later) == []
    assert evaluate(rule.pk, later + timedelta(minutes=9)) == []
    [told] = evaluate(rule.pk, later + timedelta(minutes=10))
    incident = Incident.objects.get()
    assert (incident.over_at, incident.resolved_at) == (later, later + timedelta(minutes=10))
    assert Notification.objects.get(pk=told).occasion == "resolved"


def test_one_clean_look_does_not_resolve(project, outage, now):
    rule = rule_of(project, "error_rate", looks_to_open=1, clean_minutes=1)
    evaluate(rule.pk, now)
    Rule.objects.filter(pk=rule.pk).update(limit=0.5)
    evaluate(rule.pk, now + HALF_MINUTE)
    Rule.objects.filter(pk=rule.pk).update(limit=0.05)
    evaluate(rule.pk, now + 2 * HALF_MINUTE)
    evaluate(rule.pk, now + 4 * HALF_MINUTE)
    assert Incident.objects.get().is_open


def test_one_clean_look_and_then_too_little_to_say_does_not_resolve_at_once(project, outage, now):
    rule = rule_of(project, "error_rate", looks_to_open=1)
    evaluate(rule.pk, now)
    later = floor(now, FIVE_MINUTES) + timedelta(minutes=22)
    counted(project, *steady(now, later, 150))
    evaluate(rule.pk, later)
    evaluate(rule.pk, later + timedelta(minutes=25))
    assert Rule.objects.get(pk=rule.pk).standing == "clean"
    assert Incident.objects.get().is_open


def test_an_incident_of_which_nothing_can_be_said_is_over_after_an_hour(project, outage, now):
    rule = rule_of(project, "error_rate", looks_to_open=1)
    evaluate(rule.pk, now)
    quiet = now + timedelta(minutes=30)
    evaluate(rule.pk, quiet)
    assert Incident.objects.get().is_open
    evaluate(rule.pk, quiet + timedelta(hours=1))
    assert Incident.objects.get().resolution == "For an hour there was too little to judge."


def test_a_rule_that_was_switched_off_closes_its_incident(project, outage, now):
    rule = rule_of(project, "error_rate", looks_to_open=1)
    evaluate(rule.pk, now)
    Rule.objects.filter(pk=rule.pk).update(enabled=False)
    assert len(switch_off(rule, now)) == 1
    assert switch_off(rule, now) == evaluate(rule.pk, now + HALF_MINUTE) == []
    assert Incident.objects.get().resolution == SWITCHED_OFF
