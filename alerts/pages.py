"""What the pages of incidents and rules show, put together from rows. No HTTP here."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from accounts.models import Project
from alerts import charts, message, rules, timeline
from alerts.models import Incident, Rule

PAGE_ROWS = 50


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule and who hears of it."""

    rule: Rule
    recipients: list[str]


def incidents_of(project: Project, *, before: int | None) -> tuple[list[Incident], list[Incident], int | None]:
    """The open incidents, a page of the past ones, and the id that the next page starts below (None: there is none)."""
    mine = Incident.objects.filter(project=project).select_related("rule", "acknowledged_by")
    past = mine.filter(resolved_at__isnull=False).order_by("-id")
    if before is not None:
        found = list(past.filter(pk__lt=before)[: PAGE_ROWS + 1])
        return [], found[:PAGE_ROWS], found[PAGE_ROWS - 1].pk if len(found) > PAGE_ROWS else None
    found = list(past[: PAGE_ROWS + 1])
    return (
        list(mine.filter(resolved_at=None)),
        found[:PAGE_ROWS],
        found[PAGE_ROWS - 1].pk if len(found) > PAGE_ROWS else None,
    )


def incident_page(incident: Incident, now: datetime) -> dict[str, Any]:
    """The context of one incident's page. `mark` is the worst value on a scale of 0 to 100 beside its usual."""
    until = incident.over_at or now
    stretch = {"from": incident.began_at.isoformat(), "to": until.isoformat()}
    notifications = list(incident.notifications.all())
    return {
        "section": "incidents",
        "incident": incident,
        "project": incident.project,
        "chart": charts.chart_of(incident, now),
        "traces_url": f"{reverse('traces:trace-list', args=(incident.project.slug,))}?{urlencode(stretch)}",
        "examples": message.examples_of(incident),
        "carriers": message.carriers_of(incident),
        "features": message.features_of(incident),
        "timeline": timeline.entries(incident, notifications),
        "told": list(dict.fromkeys(one.address for one in notifications)),
        "mark": _mark(incident),
        "now": now,
        "printed": f"Incident {incident.pk}, printed from llmobs on {timezone.localtime(now):%-d %B %Y at %H:%M}",
    }


def _mark(incident: Incident) -> dict[str, float] | None:
    if incident.usual_low is None or incident.usual_high is None:
        return None
    scale = max(incident.peak, incident.usual_high) * 1.1 or 1.0
    values = {"low": incident.usual_low, "high": incident.usual_high, "now": incident.peak}
    return {name: round(100 * value / scale, 1) for name, value in values.items()}


def rule_rows(project: Project) -> list[RuleRow]:
    """The rules of a project in the order of READY_MADE; those it lacks are made."""
    kinds = list(rules.READY_MADE)
    found = list(Rule.objects.filter(project=project))
    if len(found) < len(kinds):
        rules.ensure_rules(project)
        found = list(Rule.objects.filter(project=project))
    admins = rules.admins_of(project)
    return [
        RuleRow(rule, rule.addresses() or admins) for rule in sorted(found, key=lambda rule: kinds.index(rule.kind))
    ]
