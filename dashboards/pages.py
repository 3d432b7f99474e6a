"""What the templates of the dashboards are given."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from accounts.models import Project
from dashboards import panels, tiles, verdict
from dashboards.charts import Band
from dashboards.figures import Figures, figures_of
from llmobs.lib.forms import PeriodForm
from traces.queries import metrics
from traces.queries.traces import has_traces

OVERVIEW: tuple[str, ...] = ("requests", "error-rate", "latency", "tokens", "cost", "cost-per-request")


def overview_page(project: Project, asked: QueryDict, now: datetime) -> dict[str, Any]:
    """The context of the overview: `asked` says the period, and one feature or model where it is narrowed."""
    form, only = PeriodForm(asked), _narrowed(asked)
    figures = figures_of(project.pk, form, now, feature=only.get("feature"), model=only.get("model"))
    incidents = verdict.incidents_in(project.pk, figures.period)
    bands = [Band(one.began_at, one.over_at) for one in incidents]
    url = _traces_url(project, figures, only)
    features, models = metrics.names(project.pk, figures.period)
    return {
        "project": project,
        "section": "dashboards",
        "feature": only.get("feature", ""),
        "verdict": verdict.verdict_of(figures, incidents),
        "periods": form.choices(urlencode(only)),
        "period_query": form.query(),
        "menus": [_menu("feature", "All features", features, only), _menu("model", "All models", models, only)],
        "tiles": [tiles.tile(name, figures, url) for name in tiles.TILES],
        "panels": [panels.drawn(name, figures, bands, url) for name in OVERVIEW],
        "before_words": figures.before_words if figures.was.requests else "",
        "has_incidents": bool(incidents),
        "is_open": figures.is_open,
        "counted_up_to": timezone.localtime(metrics.rollups_up_to(project.pk, now)),
        "is_empty": not figures.whole.requests and not figures.was.requests and not has_traces(project.pk),
    }


def _narrowed(asked: QueryDict) -> dict[str, str]:
    """The feature and the model that the address names; Postgres holds no NUL, so no row can be of such a name."""
    return {name: value for name in ("feature", "model") if (value := asked.get(name, "")) and "\0" not in value}


def _menu(name: str, everything: str, known: list[str], only: Mapping[str, str]) -> dict[str, Any]:
    chosen = only.get(name, "")
    return {
        "name": name,
        "everything": everything,
        "chosen": chosen,
        "options": sorted({*known, chosen} - {""}),
    }


def _traces_url(project: Project, figures: Figures, only: Mapping[str, str]) -> str:
    stretch = {"from": figures.period.start.isoformat(), "to": figures.period.end.isoformat()}
    return f"{reverse('traces:trace-list', args=[project.slug])}?{urlencode({**stretch, **only})}"
