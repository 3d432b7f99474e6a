"""What the templates of features are given."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from accounts.models import Project
from alerts.models import Incident
from dashboards import feature_words, panels, tiles, verdict, words
from dashboards.charts import Band
from dashboards.figures import Figures, figures_of
from llmobs.lib.forms import PeriodForm
from llmobs.lib.templatetags.figures import duration_us
from llmobs.lib.timerange import FIVE_MINUTES, TimeRange
from traces import live_versions
from traces.addresses import feature_url, trace_url
from traces.list_pages import BEHIND
from traces.live_versions import Live
from traces.models import Feature, FeatureChange
from traces.queries import features
from traces.queries.features import ListedFeature
from traces.queries.listed import rows_of
from traces.queries.metrics import Totals
from traces.queries.usual import Stretch, stretches_of, usual_of, usuals_of
from traces.search.asked import asked_of
from traces.search.find import indexed_up_to
from traces.search.grammar import Term, exactly, line_of
from traces.search.results import listing
from traces.usual import Usual, against_high

PANELS: Final = ("requests", "error-rate", "latency", "cost")
TILES: Final = ("requests", "error_rate", "latency_p95", "cost")
LONG: Final = timedelta(days=1)  # of longer periods a sample of the durations will do
MOST_FAILURES: Final = 8
FAILURES_SECONDS: Final = 1.0
LAST_INCIDENTS: Final = 5
LONGEST_SEARCH: Final = 200


def feature_list_page(project: Project, asked: QueryDict, now: datetime) -> dict[str, Any]:
    """The context of the list: `asked` says the period, and a part of a name or owner."""
    form, has = PeriodForm(asked), asked.get("has", "").strip()[:LONGEST_SEARCH]
    period = form.time_range(now)
    found = features.listed(project.pk, period, has)
    shown = found[: features.MOST_LISTED]
    names = [one.name for one in shown]
    took = stretches_of(project.pk, names, period, sampled=period.length > LONG)
    usual = usuals_of(project.pk, names, _usual_before(period, now))
    troubles = _troubles(project)
    return {
        "project": project,
        "section": "dashboards",
        "tab": "features",
        "has": has,
        "periods": form.choices(urlencode({"has": has}) if has else ""),
        "period_query": form.query(),
        "sentence": feature_words.of_list(shown, sum(1 for name in names if name in troubles), form.words(), now),
        "rows": [_row(project, one, took[one.name], usual[one.name], troubles, form, now) for one in shown],
        "is_cut": len(found) > len(shown),
        "now": now,
        "most": features.MOST_LISTED,
    }


def feature_page(project: Project, feature: Feature, asked: QueryDict, now: datetime) -> dict[str, Any]:
    """The context of the page of one feature, without who may change it."""
    form = PeriodForm(asked)
    figures = figures_of(project.pk, form, now, feature=feature.name)
    incidents = list(incidents_of(project, feature.name)[: LAST_INCIDENTS + verdict.MOST_INCIDENTS])
    touching = [one for one in incidents if _touches(one, figures.period)]
    mine = exactly("feature", features.whole_name(feature))
    url = _list_url(project, form, mine)
    usual = usual_of(project.pk, feature.name, _usual_before(form.time_range(now), now))
    latency = figures.whole.request_latency.quantile(0.95)
    return {
        "project": project,
        "section": "dashboards",
        "tab": "features",
        "feature": feature,
        "is_silent": feature_words.is_silent(feature.last_at, now),
        "verdict": verdict.verdict_of(figures, sorted(touching, key=lambda one: not one.is_open)),
        "periods": form.choices(),
        "period_words": form.words(),
        "usual": usual,
        "usual_words": feature_words.of_usual(usual),
        "latency_words": "" if latency is None else duration_us(round(latency)),
        "against": against_high(latency, usual),
        **_drawn(figures, touching, url),
        **_live(project, feature, mine),
        "opened": [one for one in incidents if one.is_open],
        "past": [one for one in incidents if not one.is_open][:LAST_INCIDENTS],
        **_failures(project, mine, form, now),
        "traces_url": url,
        "failed_url": _list_url(project, form, mine, exactly("status", "error")),
        "overview_url": f"{reverse('dashboards:overview', args=[project.slug])}?"
        + urlencode({"feature": feature.name, **form.query()}),
        "changes": changes_of(feature),
        "now": now,
        "printed": f"{feature.name}, printed from llmobs on {timezone.localtime(now):%-d %B %Y at %H:%M}",
    }


def incidents_of(project: Project, feature: str) -> QuerySet[Incident]:
    """The incidents that this feature carries, open ones first, then the newest."""
    mine = Incident.objects.filter(project=project, carriers__contains=[{"dimension": "feature", "value": feature}])
    return mine.select_related("rule").order_by("-resolved_at", "-opened_at")


def changes_of(feature: Feature) -> list[FeatureChange]:
    """What members changed about it, the latest first; ten at most."""
    return list(feature.changes.select_related("changed_by")[:10]) if feature.pk else []


def _troubles(project: Project) -> Counter[str]:
    """How many open incidents each feature carries."""
    opened = Incident.objects.filter(project=project, resolved_at=None).values_list("carriers", flat=True)
    return Counter(str(one["value"]) for carriers in opened for one in carriers if one["dimension"] == "feature")


def _row(  # noqa: PLR0913
    project: Project,
    one: ListedFeature,
    took: Stretch,
    usual: Usual,
    troubles: Counter[str],
    form: PeriodForm,
    now: datetime,
) -> dict[str, Any]:
    latency = took.latency.quantile(0.95)
    totals = Totals(
        requests=one.requests,
        requests_failed=one.failed,
        calls=one.calls,
        calls_without_price=one.calls_without_price,
        cost_usd=one.cost_usd,
        request_latency=took.latency,
    )
    return {
        "feature": one,
        "url": f"{feature_url(project.slug, one.name)}?{urlencode(form.query())}",
        "failed": words.written("error_rate", totals),
        "latency": words.written("latency_p95", totals),
        "latency_known": latency is not None,
        "against": against_high(latency, usual),
        "cost": words.written("cost", totals, nothing="no calls") if one.calls else "no calls",
        "cost_known": bool(one.calls) and one.calls != one.calls_without_price,
        "troubles": troubles[one.name],
        "is_silent": feature_words.is_silent(one.last_at, now),
    }


def _drawn(figures: Figures, incidents: Sequence[Incident], url: str) -> dict[str, Any]:
    bands = [Band(one.began_at, one.over_at) for one in incidents]
    return {
        "tiles": [tiles.tile(name, figures, url) for name in TILES],
        "panels": [panels.drawn(name, figures, bands, url) for name in PANELS],
        "before_words": figures.before_words if figures.was.requests else "",
        "has_incidents": bool(incidents),
        "is_open": figures.is_open,
    }


def _live(project: Project, feature: Feature, mine: Term) -> dict[str, Any]:
    """The versions in use, as rows. `mine` is the condition that finds the feature's traces.

    `sampled`: of how many of the newest traces prompts and releases are.
    """
    end = feature.last_at + FIVE_MINUTES
    live, begun = end - live_versions.LIVE, end - live_versions.BACK
    period = TimeRange(begun, end)
    sample = features.used_by(project.pk, feature.name, period, live)
    models = features.models_of(project.pk, feature.name, period, live)
    found = [
        *live_versions.of_prompts(sample, begun, live),
        *live_versions.of_models(models, begun),
        *live_versions.of_releases(sample, begun, live),
    ]
    return {
        "live": [_live_row(project, mine, one) for one in found],
        "sampled": sum(1 for one in sample if one.happened_at >= live),
        "looked_back": live_versions.BACK.days,
    }


def _live_row(project: Project, mine: Term, one: Live) -> dict[str, Any]:
    query = {"q": line_of([mine, one.term]), "period": "7d"}
    url = f"{reverse('traces:trace-list', args=[project.slug])}?{urlencode(query)}"
    return {"kind": one.kind, "name": one.name, "url": url, "share": feature_words.share(one), "since": one.since}


def _failures(project: Project, mine: Term, form: PeriodForm, now: datetime) -> dict[str, Any]:
    """The newest failed traces of the period, each with its page. Where none is found, what was not searched.

    `behind`: since when what came is not indexed yet, None where all is; `stopped`: the time was over first.
    """
    asked = asked_of(form.query()).with_terms((mine, exactly("status", "error")))
    found = listing(project.pk, asked, now, MOST_FAILURES, FAILURES_SECONDS)
    spans = {place.trace_id: place.span_id for place in found.places}
    up_to = now if spans else indexed_up_to(project.pk, now)
    return {
        "failures": [
            (row, trace_url(project.slug, row.address, spans[row.key])) for row in rows_of(project.pk, list(spans))
        ],
        "behind": up_to if now - up_to > BEHIND else None,
        "stopped": found.stopped is not None,
    }


def _touches(incident: Incident, period: TimeRange) -> bool:
    return incident.began_at < period.end and (incident.over_at is None or incident.over_at > period.start)


def _usual_before(period: TimeRange, now: datetime) -> datetime:
    """Up to when what is usual is read: up to the period, but of long periods the last days are in it."""
    return period.start if period.length <= LONG else min(period.end, now)


def _list_url(project: Project, form: PeriodForm, *terms: Term) -> str:
    query = {"q": line_of(terms), **form.query()}
    return f"{reverse('traces:trace-list', args=[project.slug])}?{urlencode(query)}"
