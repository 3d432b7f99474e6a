"""From a due rule to an incident: look, judge, and write down what follows, in one transaction."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.module_loading import import_string

from alerts import attribute, notify, queries, words
from alerts.detectors import DETECTORS
from alerts.detectors.verdict import Verdict
from alerts.models import Incident, Notification, Rule
from llmobs.lib.timerange import TimeRange

# An incident that nothing can be said about any more is over after this long.
UNKNOWN_FOR = timedelta(hours=1)
SWITCHED_OFF = "The rule was switched off."


def evaluate(rule_id: int, now: datetime) -> list[int]:
    """Look at a rule once and do what follows from it: the ids of the notifications to send.

    Safe to repeat and to run twice at once: the rule's row is locked, a look that is not newer than the last one
    changes nothing, and the database allows one open incident a rule. [] for a rule that is gone or switched off.
    """
    rule = Rule.objects.select_related("project").filter(pk=rule_id, enabled=True).first()
    if rule is None:
        return []
    verdict = judge(rule, now)
    with transaction.atomic():
        rule = Rule.objects.select_for_update(of=("self",)).select_related("project").get(pk=rule_id)
        if not rule.enabled or (rule.last_looked_at is not None and rule.last_looked_at >= now):
            return []
        note_look(rule, verdict, now)
        incident = Incident.objects.filter(rule=rule, resolved_at=None).first()
        if incident is None:
            return open_incident(rule, verdict, now) if _opens(rule, verdict) else []
        update_incident(incident, rule, verdict, now)
        resolution = _resolution(rule, verdict, now)
        return resolve(incident, now, rule.standing_since or now, resolution) if resolution else []


def judge(rule: Rule, now: datetime) -> Verdict:
    """What the rule's detector says of `now`. Reads only."""
    look = queries.look_of(rule, now)
    if look is None:
        return Verdict(None, words.BEHIND)
    verdict: Verdict = import_string(DETECTORS[rule.detector])(look)
    return verdict


def note_look(rule: Rule, verdict: Verdict, now: datetime) -> None:
    """Count the look into the rule's standing. One that can say nothing does not end a clean stretch."""
    found = {None: Rule.Standing.UNKNOWN, False: Rule.Standing.CLEAN, True: Rule.Standing.BROKEN}[verdict.broken]
    if found == Rule.Standing.UNKNOWN and rule.standing == Rule.Standing.CLEAN:
        found = Rule.Standing.CLEAN
    if found != rule.standing or rule.standing_since is None:
        rule.standing, rule.standing_since, rule.standing_looks = found, now, 0
    rule.standing_looks += 1
    rule.last_looked_at, rule.last_sentence = now, verdict.sentence
    rule.save(update_fields=["standing", "standing_since", "standing_looks", "last_looked_at", "last_sentence"])


def open_incident(rule: Rule, verdict: Verdict, now: datetime) -> list[int]:
    """Open an incident with all that its mail says, and queue the mail."""
    began_at = verdict.began_at or now
    incident = Incident(
        project=rule.project,
        rule=rule,
        severity=rule.severity,
        began_at=began_at,
        opened_at=now,
        last_broken_at=now,
        last_sentence=verdict.sentence,
        last_value=verdict.value,
        carriers=attribute.carriers(rule, TimeRange(began_at, now)),
    )
    _put_peak(incident, rule, verdict, now)
    incident.save()
    return notify.queue(incident, Notification.Occasion.OPENED, now)


def update_incident(incident: Incident, rule: Rule, verdict: Verdict, now: datetime) -> None:
    """Keep the newest look, and the worst one with its proof."""
    if verdict.value is not None:
        incident.last_value = verdict.value
    incident.last_sentence = verdict.sentence
    if verdict.broken:
        incident.last_broken_at = now
        if _is_worse(verdict.value or 0.0, incident.peak, falling=rule.limit < 1 and rule.detector == "usual_ratio"):
            _put_peak(incident, rule, verdict, now)
    incident.save()


def resolve(incident: Incident, now: datetime, over_at: datetime, resolution: str) -> list[int]:
    """Close an incident and queue the mail that says so."""
    incident.over_at, incident.resolved_at, incident.resolution = over_at, now, resolution
    incident.save()
    return notify.queue(incident, Notification.Occasion.RESOLVED, now)


def switch_off(rule: Rule, now: datetime) -> list[int]:
    """Close what a rule that is no longer looked at has left open."""
    with transaction.atomic():
        incident = Incident.objects.select_for_update().filter(rule=rule, resolved_at=None).first()
        return resolve(incident, now, now, SWITCHED_OFF) if incident else []


def _opens(rule: Rule, verdict: Verdict) -> bool:
    return verdict.broken is True and verdict.lasting and rule.standing_looks >= rule.looks_to_open


def _resolution(rule: Rule, verdict: Verdict, now: datetime) -> str:
    """Why the incident of `rule` is over; "" while it is not. Only a look that finds it clean may say so at once."""
    lasted = now - (rule.standing_since or now)
    clean = timedelta(minutes=rule.clean_minutes)
    if verdict.broken is False and lasted >= clean:
        return f"As usual again for {rule.clean_minutes} minutes."
    if verdict.broken is None and lasted >= UNKNOWN_FOR:
        return "For an hour there was too little to judge."
    return ""


def _put_peak(incident: Incident, rule: Rule, verdict: Verdict, now: datetime) -> None:
    value = verdict.value or 0.0
    incident.peak, incident.n, incident.sentence = value, verdict.n, verdict.sentence
    incident.title = words.title(rule.project.name, rule.metric, value)
    incident.limit = verdict.threshold if verdict.threshold is not None else rule.limit
    if verdict.usual is not None:
        incident.usual, incident.usual_low, incident.usual_high = (
            verdict.usual.middle,
            verdict.usual.low,
            verdict.usual.high,
        )
    shown = queries.examples(rule.project_id, rule.metric, TimeRange(incident.began_at, now))
    incident.examples = [key.hex() for key in shown]


def _is_worse(value: float, than: float, *, falling: bool) -> bool:
    return value < than if falling else value > than
