"""The ready-made rules of a project, who hears of them, and which of them are due."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count
from django.utils import timezone

from accounts.models import Membership, Project, Role, User
from alerts.models import Rule, Severity

# A little under the beat's 30 s, so that a tick that comes early finds the rule due.
LOOK_INTERVAL = timedelta(seconds=25)


@dataclass(frozen=True, slots=True)
class ReadyMade:
    """What a rule starts with; members change limit, minimum, recipients and whether it is on."""

    metric: str
    detector: str
    limit: float
    minimum: int
    severity: Severity = Severity.PAGE


READY_MADE = {
    "error_rate": ReadyMade("error_rate", "fixed_limit", limit=0.05, minimum=40),
    "latency": ReadyMade("latency_p95", "usual_ratio", limit=2.0, minimum=40),
    "cost": ReadyMade("cost", "usual_ratio", limit=1.7, minimum=20, severity=Severity.TICKET),
    "silence": ReadyMade("requests", "usual_ratio", limit=0.1, minimum=30),
}
# Nobody sends to the demonstration after it was loaded: its silence means nothing.
OFF_AT_FIRST = {("demo", "silence")}


def ensure_rules(project: Project) -> None:
    """Make the ready-made rules that `project` lacks. Those it has are left as members set them. May run twice."""
    now = timezone.now()
    Rule.objects.bulk_create([_made(project, kind, now) for kind in READY_MADE], ignore_conflicts=True)


def ensure_all() -> None:
    """Make the ready-made rules of every project that lacks one: one query when none does."""
    for project in Project.objects.annotate(have=Count("rules")).filter(have__lt=len(READY_MADE)):
        ensure_rules(project)


def claim_due(now: datetime) -> list[int]:
    """The ids of the rules that are due, each claimed by moving its next look ahead: only one caller gets it."""
    due = Rule.objects.filter(enabled=True, next_due_at__lte=now).values_list("pk", "next_due_at")
    return [
        pk for pk, seen in due if Rule.objects.filter(pk=pk, next_due_at=seen).update(next_due_at=now + LOOK_INTERVAL)
    ]


def recipients(rule: Rule) -> list[str]:
    """The addresses that hear of `rule`, each once: those it names, else the project's admins and administrators."""
    return list({address.lower(): address for address in rule.addresses() or admins_of(rule.project)}.values())


def admins_of(project: Project) -> list[str]:
    """The addresses of the project's admins, then of the installation's administrators."""
    admins = Membership.objects.filter(project=project, role=Role.ADMIN, user__is_active=True).order_by("user_id")
    everywhere = User.objects.filter(is_superuser=True, is_active=True).order_by("pk")
    found = [*admins.values_list("user__email", flat=True), *everywhere.values_list("email", flat=True)]
    return list(dict.fromkeys(found))


def _made(project: Project, kind: str, now: datetime) -> Rule:
    ready = READY_MADE[kind]
    return Rule(
        project=project,
        kind=kind,
        metric=ready.metric,
        detector=ready.detector,
        limit=ready.limit,
        minimum=ready.minimum,
        severity=ready.severity,
        enabled=(project.slug, kind) not in OFF_AT_FIRST,
        next_due_at=now,
    )
