"""The sentence on top of a dashboard: as usual, or what moved, or the incident that is open."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Q

from alerts.models import Incident
from dashboards import words
from dashboards.figures import Figures
from llmobs.lib.templatetags.figures import count
from llmobs.lib.timerange import TimeRange

MOST_INCIDENTS = 20
# A change of requests by so much is news, up or down.
NEWS = 0.5


@dataclass(frozen=True, slots=True)
class Verdict:
    """`lead` is the short answer, `text` its reason; `tone` is the sign before it: good, warn, bad or unknown."""

    tone: str
    lead: str
    text: str
    incident: Incident | None = None


# What is said of a metric that got worse: now and before are written with their units.
_MOVED: Final[Mapping[str, str]] = {
    "error_rate": "{now} of requests failed, against {was} {before}.",
    "latency_p95": "One request in twenty took over {now}, against {was} {before}.",
    "cost": "It cost {now}, against {was} {before}.",
}


def incidents_in(project_id: int, period: TimeRange) -> list[Incident]:
    """The incidents that touch a period, open ones first, then the newest; one query."""
    touching = Incident.objects.filter(project_id=project_id, began_at__lt=period.end)
    found = touching.filter(Q(over_at=None) | Q(over_at__gt=period.start)).order_by("-began_at", "-id")
    return sorted(found[:MOST_INCIDENTS], key=lambda one: not one.is_open)


def verdict_of(figures: Figures, incidents: Sequence[Incident]) -> Verdict:
    """What a reader should know first."""
    worse = [_moved(metric, figures) for metric in _MOVED if words.is_worse(metric, figures)]
    if incidents and incidents[0].is_open:
        more = len(incidents) - 1
        others = f" {more} more incident{'s' * (more > 1)} in this period." if more else ""
        return Verdict("bad", f"{incidents[0].headline}.", f"Since {_at(incidents[0], figures)}.{others}", incidents[0])
    over = incidents[0] if incidents else None
    past = f" {over.headline}, from {_at(over, figures)}; it is over." if over else ""
    if not figures.whole.requests:
        return Verdict("unknown", "No requests in this period.", f"{_before(figures)}{past}", over)
    if worse:
        return Verdict("warn", worse[0], f"{' '.join(worse[1:])}{past}".strip(), over)
    return _calm(figures, past, over)


def _calm(figures: Figures, past: str, over: Incident | None) -> Verdict:
    """Nothing got worse, or too little is known to say so."""
    whole, moved = figures.whole, words.change("requests", figures)
    requests = f"{count(whole.requests)} request{'s' * (whole.requests != 1)}"
    failed = f"{count(whole.requests_failed)} of {requests} failed."
    if not figures.was.requests:
        return Verdict(
            "unknown", f"{requests}.", f"{failed} Nothing {figures.before_words} to compare with.{past}", over
        )
    if whole.requests < words.WORSE_SAMPLE:
        return Verdict("unknown", f"{requests}.", f"{failed} Too few to say whether that is usual.{past}", over)
    if moved is not None and abs(moved) > NEWS:
        more = "More" if moved > 0 else "Fewer"
        return Verdict(
            "good", f"{more} requests than {figures.before_words}.", f"{words.of_requests(figures)}{past}", over
        )
    return Verdict("good", "As usual.", f"{failed}{past}", over)


def _moved(metric: str, figures: Figures) -> str:
    now, was = (words.written(metric, totals) for totals in (figures.whole, figures.was))
    sentence = _MOVED[metric].format(now=now, was=was, before=figures.before_words)
    return sentence[0].upper() + sentence[1:]


def _before(figures: Figures) -> str:
    requests = figures.was.requests
    return (
        f"There were {count(requests)} {figures.before_words}." if requests else f"None {figures.before_words} either."
    )


def _at(incident: Incident, figures: Figures) -> str:
    began = incident.began_at.astimezone(figures.zone)
    same_day = began.date() == figures.now.astimezone(figures.zone).date()
    words_of_start = f"{began:%H:%M}" if same_day else f"{began:%H:%M} on {began:%-d %B}"
    return (
        words_of_start
        if incident.over_at is None
        else f"{words_of_start} to {incident.over_at.astimezone(figures.zone):%H:%M}"
    )
