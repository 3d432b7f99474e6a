"""Figures as Plotly takes them: dicts without colours. `meta.ink` names the token that charts.js paints with.

Moments carry the reader's offset: Plotly draws their clock, and charts.js reads the offset when a bucket is opened.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from dashboards.figures import Figures
from traces.queries.metrics import METRICS

Figure = dict[str, Any]

# What one mark of an axis is, in the metric's own unit: seconds and percents are read, microseconds and ratios are not.
READ_IN: Final[Mapping[str, float]] = {"us": 1_000_000, "ratio": 0.01}
# How an axis is marked, and where it ends at least, so that an empty panel has an axis and a calm one no cliffs
# (money has no such size: a request may cost a dollar or a hundredth of a cent).
AXES: Final[Mapping[str, Figure]] = {
    "count": {"tickformat": "~s", "hoverformat": ",.0f"},
    "tokens": {"tickformat": "~s", "hoverformat": ",.0f"},
    "ratio": {"ticksuffix": " %", "hoverformat": ".1f"},
    "us": {"ticksuffix": " s", "hoverformat": ".3~g"},
    "usd": {"tickprefix": "$", "hoverformat": "$,.4~g"},
}
LEAST_TOP: Final[Mapping[str, float]] = {"count": 4, "tokens": 100, "ratio": 2, "us": 1, "usd": 0.01}
HEADROOM = 1.12
DOT = 4  # px
# Names of lines keep this part of the axis between them.
LEAST_APART = 0.085


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart: the metric that it draws, its name beside it, and its ink."""

    metric: str
    name: str
    ink: str


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch behind a chart. `until` None: it is still open."""

    since: datetime
    until: datetime | None


def lines(figures: Figures, drawn: Sequence[Line], bands: Sequence[Band] = ()) -> Figure:
    """A line for each of `drawn`, which share their unit. Where there is nothing to say, the line breaks."""
    unit = METRICS[drawn[0].metric].unit
    values = [[_scaled(unit, value) for value in figures.values(line.metric)] for line in drawn]
    moments = _moments(figures)
    data = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "connectgaps": False,
            "name": line.name or METRICS[line.metric].label,
            "x": moments,
            "y": ys,
            "marker": {"size": [DOT if is_alone else 0 for is_alone in alone(ys)]},
            "meta": {"ink": line.ink, "open": figures.is_open},
        }
        for line, ys in zip(drawn, values, strict=True)
    ]
    top = _top(unit, [value for ys in values for value in ys])
    return {"data": data, "layout": _layout(figures, unit, top, bands, _names(drawn, moments, values, top))}


def requests(figures: Figures, bands: Sequence[Band] = ()) -> Figure:
    """A bar for each bucket, its failed part at the foot, and the period before as a dotted line."""
    failed = [totals.requests_failed for _, totals in figures.buckets]
    well = [totals.requests - totals.requests_failed for _, totals in figures.buckets]
    ghost = [totals.requests for _, totals in figures.before] if figures.was.requests else []
    moments = _moments(figures)
    data = [
        _bar(figures, "failed", moments, failed, "bad-fill"),
        _bar(figures, "well", moments, well, "series-1"),
    ]
    if ghost:
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": figures.before_words,
                "x": moments,
                "y": ghost,
                "meta": {"ink": "ghost"},
            }
        )
    top = _top("count", [float(totals.requests) for _, totals in figures.buckets] + [float(value) for value in ghost])
    notes = [_note(figures.before_words, moments[0], max(ghost[0], 0), "text-3")] if ghost else []
    return {"data": data, "layout": _layout(figures, "count", top, bands, notes)}


def alone(values: Sequence[float | None]) -> list[bool]:
    """Which values have no neighbour: a line joins nothing there, so they need a dot to be seen."""
    padded = [None, *values, None]
    return [
        value is not None and before is None and after is None
        for before, value, after in zip(padded, values, padded[2:], strict=False)
    ]


def apart(values: Sequence[float], least: float) -> list[float]:
    """The same heights, in the same places, moved up where two are less than `least` apart; the last is lowest."""
    moved = list(values)
    ordered = sorted(range(len(moved)), key=lambda place: (moved[place], -place))
    for below, above in itertools.pairwise(ordered):
        moved[above] = max(moved[above], moved[below] + least)
    return moved


def _bar(figures: Figures, name: str, moments: list[str], values: list[int], ink: str) -> Figure:
    is_open = figures.is_open and ink != "bad-fill"
    return {"type": "bar", "name": name, "x": moments, "y": values, "meta": {"ink": ink, "open": is_open}}


def _names(drawn: Sequence[Line], moments: list[str], values: list[list[float | None]], top: float) -> list[Figure]:
    """The names of lines, over the place where each begins."""
    found = [
        (line, moments[place], value)
        for line, ys in zip(drawn, values, strict=True)
        if line.name
        and (place := next((n for n, y in enumerate(ys) if y is not None), None)) is not None
        and (value := ys[place]) is not None
    ]
    heights = apart([value for *_, value in found], top * LEAST_APART)
    return [
        _note(line.name, moment, height, f"{line.ink}-ink" if line.ink.startswith("series-") else line.ink)
        for (line, moment, _), height in zip(found, heights, strict=True)
    ]


def _note(text: str, moment: str, height: float, ink: str) -> Figure:
    place = {"x": moment, "y": height, "xanchor": "left", "yanchor": "bottom", "xshift": 4}
    return {"text": text, **place, "meta": {"ink": ink}}


def _layout(figures: Figures, unit: str, top: float, bands: Sequence[Band], notes: list[Figure]) -> Figure:
    first, last = (moment.astimezone(figures.zone).isoformat() for moment in (figures.period.start, figures.end))
    return {
        "xaxis": {"type": "date", "range": [first, last]},
        "yaxis": {**AXES[unit], "range": [0, top]},
        "annotations": notes,
        "shapes": [_shape(figures, band) for band in bands],
    }


def _shape(figures: Figures, band: Band) -> Figure:
    since = max(band.since, figures.period.start).astimezone(figures.zone).isoformat()
    until = min(band.until or figures.end, figures.end).astimezone(figures.zone).isoformat()
    return {
        "type": "rect",
        "xref": "x",
        "yref": "paper",
        "x0": since,
        "x1": until,
        "y0": 0,
        "y1": 1,
        "meta": {"ink": "incident-band"},
    }


def _moments(figures: Figures) -> list[str]:
    return [start.astimezone(figures.zone).isoformat() for start, _ in figures.buckets]


def _scaled(unit: str, value: float | None) -> float | None:
    return None if value is None else value / READ_IN.get(unit, 1)


def _top(unit: str, values: Sequence[float | None]) -> float:
    highest = max((value for value in values if value is not None), default=0.0)
    return max(highest * HEADROOM, 0 if highest and unit == "usd" else LEAST_TOP[unit])
