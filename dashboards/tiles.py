"""The tiles of a page: one figure each, against the period before, with a small line of its way there."""

from collections.abc import Sequence
from typing import Any, Final

from dashboards import words
from dashboards.figures import Figures
from traces.queries.metrics import METRICS

TILES: Final = (
    "requests",
    "error_rate",
    "latency_p95",
    "cost",
    "input_tokens",
    "output_tokens",
    "cache_hit_rate",
    "cost_per_request",
)
# The room of a spark, and what is left free above and below the line.
WIDTH, HEIGHT, EDGE = 100, 36, 2


def tile(metric: str, figures: Figures, href: str) -> dict[str, Any]:
    """What `components/stat_tile.html` takes for a metric. The spark leaves out the bucket that is not finished."""
    value = METRICS[metric].value(figures.whole)
    ys, before = figures.values(metric), figures.values(metric, before=True)
    top = max((one for one in [*ys, *before] if one is not None), default=0.0)
    return {
        "label": METRICS[metric].label,
        "value": None if value is None else words.written(metric, figures.whole),
        "unknown": words.unknown(metric, figures.whole),
        "compare": words.comparison(metric, figures) if value is not None else "",
        "worse": words.is_worse(metric, figures),
        "href": href,
        "spark": points([*ys[:-1], None] if figures.is_open else ys, top) if value is not None else "",
        "ghost": points(before, top) if figures.was.requests else "",
    }


def points(values: Sequence[float | None], top: float) -> str:
    """The points of a polyline on 100 x 36, zero at the foot; a place without a value has no point."""
    step = WIDTH / max(len(values) - 1, 1)
    reach = HEIGHT - 2 * EDGE
    return " ".join(
        f"{place * step:.1f},{HEIGHT - EDGE - (value / top * reach if top else 0):.1f}"
        for place, value in enumerate(values)
        if value is not None
    )
