"""The panels that a dashboard can show: what each is called, says and draws. A new panel is an entry here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dashboards import charts, words
from dashboards.charts import Band, Figure, Line
from dashboards.figures import Figures
from traces.queries.metrics import METRICS

Draw = Callable[[Figures, Sequence[Band]], Figure]


@dataclass(frozen=True, slots=True)
class Panel:
    """`unit` stands beside the title, the length of a bucket where it is empty. `metrics` are the table's columns."""

    title: str
    sentence: Callable[[Figures], str]
    chart: Draw
    metrics: tuple[str, ...]
    unit: str = ""


def _lines(*drawn: Line) -> Draw:
    return lambda figures, bands: charts.lines(figures, drawn, bands)


PANELS: Final[Mapping[str, Panel]] = {
    "requests": Panel(
        title="Requests",
        sentence=words.of_requests,
        chart=charts.requests,
        metrics=("requests", "requests_failed"),
    ),
    "error-rate": Panel(
        title="Error rate",
        unit="of requests",
        sentence=words.of_error_rate,
        chart=_lines(Line("error_rate", "", "series-1")),
        metrics=("error_rate", "requests"),
    ),
    "latency": Panel(
        title="Latency",
        unit="whole requests",
        sentence=words.of_latency,
        chart=_lines(
            Line("latency_p99", "p99", "series-3"),
            Line("latency_p95", "p95", "series-1"),
            Line("latency_p50", "p50", "series-4"),
        ),
        metrics=("latency_p50", "latency_p95", "latency_p99", "requests"),
    ),
    "tokens": Panel(
        title="Tokens",
        sentence=words.of_tokens,
        chart=_lines(Line("input_tokens", "in", "series-1"), Line("output_tokens", "out", "series-5")),
        metrics=("input_tokens", "output_tokens", "calls"),
    ),
    "cost": Panel(
        title="Cost",
        sentence=words.of_cost,
        chart=_lines(Line("cost", "", "series-1")),
        metrics=("cost", "calls"),
    ),
    "cost-per-request": Panel(
        title="Cost of a request",
        unit="average",
        sentence=words.of_cost_per_request,
        chart=_lines(Line("cost_per_request", "", "series-1")),
        metrics=("cost_per_request", "requests"),
    ),
}


def drawn(name: str, figures: Figures, bands: Sequence[Band], traces_url: str) -> dict[str, Any]:
    """What `components/panel.html` takes for a panel of PANELS: its words, its chart, and the same numbers as rows."""
    panel = PANELS[name]
    return {
        "id": f"panel-{name}",
        "title": panel.title,
        "unit": panel.unit or words.bucket_words(figures),
        "sentence": panel.sentence(figures),
        "chart": panel.chart(figures, bands),
        "traces_url": traces_url,
        "columns": ["When", *(METRICS[metric].label for metric in panel.metrics)],
        "rows": [
            [words.stretch(start, figures), *(words.written(metric, totals) for metric in panel.metrics)]
            for start, totals in reversed(figures.buckets)
        ],
    }
