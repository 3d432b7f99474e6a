"""The chart of an incident: its metric before, during and after, the usual, the limit. No colours: names of inks."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from alerts import words
from alerts.detectors.look import VOLUMES
from alerts.models import Incident
from alerts.queries import WINDOW
from llmobs.lib.timerange import TimeRange, floor
from traces.queries import metrics
from traces.queries.metrics import METRICS

Figure = dict[str, Any]

BEFORE, AFTER = timedelta(hours=2), timedelta(hours=1)
LONGEST = timedelta(hours=36)
AXES = {
    "ratio": {"tickformat": ".0%", "hoverformat": ".1%"},
    "usd": {"tickprefix": "$"},
    "us": {"ticksuffix": " s"},
}
MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Chart:
    """What `components/panel.html` takes: the figure, its sentence, and the same numbers as rows."""

    figure: Figure
    title: str
    unit: str
    sentence: str
    columns: list[str]
    rows: list[list[str]]


def chart_of(incident: Incident, now: datetime) -> Chart:
    """The metric from two hours before the incident to an hour after it, at most 36 hours."""
    metric = incident.rule.metric
    period = _period(incident, now)
    bucket = max(period.bucket(), WINDOW) if metric in VOLUMES else period.bucket()
    points = metrics.series(incident.project_id, period, bucket)
    values = [METRICS[metric].value(totals) for _, totals in points]
    shown = [None if value is None else _scaled(metric, float(value)) for value in values]
    moments = [timezone.localtime(start).isoformat() for start, _ in points]
    ends_open = bool(points) and points[-1][0] + bucket > now
    line: Figure = {"type": "scatter", "x": moments, "y": shown, "name": METRICS[metric].label}
    line["meta"] = {"ink": "bad-fill", "open": ends_open}
    minutes = round(bucket.total_seconds() / 60)
    rows = [
        [
            timezone.localtime(start).strftime("%-d %b, %H:%M"),
            _word(metric, value),
            f"{METRICS[metric].sample(totals):,}",
        ]
        for (start, totals), value in reversed(list(zip(points, values, strict=True)))
    ]
    return Chart(
        figure={"data": [line], "layout": _layout(incident, period)},
        title=METRICS[metric].label,
        unit=f"each {minutes} min",
        sentence=_sentence(incident),
        columns=["From", METRICS[metric].label, "Calls" if metric == "cost" else "Requests"],
        rows=rows,
    )


def _period(incident: Incident, now: datetime) -> TimeRange:
    start = floor(incident.began_at - BEFORE, WINDOW)
    end = min(now, incident.over_at + AFTER) if incident.over_at else now
    return TimeRange(start, min(max(end, incident.began_at + WINDOW), start + LONGEST))


def _layout(incident: Incident, period: TimeRange) -> Figure:
    metric = incident.rule.metric
    began, over = (timezone.localtime(at).isoformat() for at in (incident.began_at, incident.over_at or period.end))
    limit = _scaled(metric, incident.limit)
    shapes: list[Figure] = [
        {
            "type": "rect",
            "xref": "x",
            "yref": "paper",
            "x0": began,
            "x1": over,
            "y0": 0,
            "y1": 1,
            "meta": _ink("incident-band"),
        }
    ]
    notes: list[Figure] = [_note(limit, f"limit {incident.limit_words}", "warn", left=True)]
    if incident.usual_low is not None and incident.usual_high is not None:
        low, high = _scaled(metric, incident.usual_low), _scaled(metric, incident.usual_high)
        shapes.append({"type": "rect", "xref": "paper", "x0": 0, "x1": 1, "y0": low, "y1": high, "meta": _ink("usual")})
        notes.append(_note(low, f"usual {incident.usual_span}", "text-3", left=False))
    shapes.append(
        {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": limit, "y1": limit, "meta": _ink("warn-fill")}
    )
    return {"shapes": shapes, "annotations": notes, "yaxis": AXES.get(METRICS[metric].unit, {})}


def _note(y: float, text: str, ink: str, *, left: bool) -> Figure:
    """A name beside its line; at opposite ends, so that a limit near the usual does not cover it."""
    side = {"x": 0.01, "xanchor": "left"} if left else {"x": 0.99, "xanchor": "right"}
    place = {"xref": "paper", **side, "y": y, "yanchor": "bottom"}
    return {**place, "text": text, "meta": _ink(ink)}


def _ink(name: str) -> dict[str, str]:
    return {"ink": name}


def _scaled(metric: str, value: float) -> float:
    """Durations are drawn in seconds."""
    return value / MICROSECONDS if METRICS[metric].unit == "us" else value


def _word(metric: str, value: Any) -> str:
    return f"no {'calls' if metric == 'cost' else 'requests'}" if value is None else words.figure(metric, float(value))


def _sentence(incident: Incident) -> str:
    usual = f" Usual at this hour: {incident.usual_span}." if incident.usual_span else ""
    return f"At its worst {incident.peak_words}.{usual}"
