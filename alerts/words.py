"""What rules, looks and incidents say, in whole sentences. Plain text: templates escape it."""

from collections.abc import Callable
from decimal import Decimal

from alerts.detectors.look import WINDOW_MINUTES
from alerts.detectors.usual import Usual
from llmobs.lib.templatetags.figures import NBSP, count, duration_us, money, percent, three_digits
from traces.queries.metrics import METRICS, Totals

WINDOW = f"{WINDOW_MINUTES}{NBSP}min"
NO_USUAL_YET = "There is less than a day of history, so the usual is not known yet."
BEHIND = "The figures are being counted; nothing is judged until they are complete."

# By kind of rule.
RULES = {"error_rate": "Error rate", "latency": "Latency, p95", "cost": "Cost", "silence": "Silence"}
# By metric: what somebody who has never seen the rule understands.
TITLES = {
    "error_rate": "{project} answers {value} of its requests with an error",
    "latency_p95": "{project} takes {value} or longer for one request in twenty",
    "cost": "{project} costs {value} in {window}",
    "requests": "{project} gets {value} in {window}",
}
PROOFS = {
    "error_rate": "{failed} of {requests} failed in {window}: {value}",
    "latency_p95": "One of twenty among {requests} took {value} or longer in {window}",
    "cost": "{value} for {calls} in {window}",
    "requests": "{value} in {window}",
}
CONDITIONS = {
    "error_rate": "Over {limit} of the requests fail",
    "latency_p95": "One request in twenty takes {limit} times as long as usual",
    "cost": "Calls cost {limit} times the usual",
    "requests": "Requests fall to {limit} of the usual",
}


def figure(metric: str, value: float | None) -> str:
    """A value of `metric` as people write it, with its unit."""
    if value is None:
        return "unknown"
    if metric == "requests":
        return things(value, "request")
    write: dict[str, Callable[[float], str]] = {
        "ratio": percent,
        "us": lambda us: duration_us(round(us)),
        "usd": _dollars,
    }
    return write.get(METRICS[metric].unit, count)(value)


def limit_of(metric: str, limit: float) -> str:
    """A limit as it was chosen: `5 %`, where a value of the same size is written `5.0 %`."""
    return f"{limit * 100:g}{NBSP}%" if METRICS[metric].unit == "ratio" else figure(metric, limit)


def things(number: float, word: str) -> str:
    """`no requests`, `1 request`, `1,240 requests`."""
    return f"{count(number) if round(number) else 'no'}{NBSP}{word}{'' if round(number) == 1 else 's'}"


def sample(metric: str) -> str:
    """What a value of `metric` is measured on, in the singular."""
    return "call" if metric == "cost" else "request"


def title(project: str, metric: str, value: float) -> str:
    """What happened, in one line that names the project."""
    known = TITLES.get(metric, "{project} has {value} of " + METRICS[metric].label.lower())
    name = " ".join(project.split())
    return known.format(project=name[:120], value=figure(metric, value), window=WINDOW)


def proof(metric: str, value: float, now: Totals, usual: Usual | None, *, limit: float | None) -> str:
    """The figures of a window, against the usual and the limit where they are known."""
    said = PROOFS.get(metric, "{value} in {window}").format(
        value=figure(metric, value),
        failed=count(now.requests_failed),
        requests=things(now.requests, "request"),
        calls=things(now.calls, "call"),
        window=WINDOW,
    )
    if usual is not None:
        said += f", against {span(metric, usual.low, usual.high)} at this hour"
    return f"{said}; the limit is {limit_of(metric, limit)}." if limit is not None else f"{said}."


def span(metric: str, low: float, high: float) -> str:
    """Two values of one metric as a range, the unit said once: `0 to 1.2 %`."""
    first, last = figure(metric, low), figure(metric, high)
    if first == last:
        return f"about {last}"
    number, _, unit = first.partition(NBSP)
    same_unit = unit and (last.endswith(NBSP + unit) or metric == "requests")
    if metric == "requests":
        number = count(low)
    return f"{number if same_unit else first} to {last}"


def too_few(metric: str, n: int, minimum: int) -> str:
    """Why a window with `n` of something is not judged."""
    return f"{things(n, sample(metric)).capitalize()} in {WINDOW}, fewer than the {minimum} needed to judge."


def nothing_usual(metric: str, usual: Usual) -> str:
    """Why a window is not judged when there is usually (nearly) nothing at this hour."""
    return f"Usually {figure(metric, usual.middle)} in {WINDOW} at this hour, too little to judge."


def condition(metric: str, limit: float) -> str:
    """When a rule is broken: `Over 5 % of the requests fail`."""
    written = f"{limit * 100:g}{NBSP}%" if metric in ("error_rate", "requests") else three_digits(limit)
    return CONDITIONS.get(metric, METRICS[metric].label + " passes {limit}").format(limit=written)


def carrier(dimension: str, value: str, share: float, traffic: float) -> str:
    """How much of an incident one feature or model carries, against its part of the traffic."""
    among = "requests" if dimension == "feature" else "calls"
    excess = "all of the excess" if share > 0.995 else f"{percent(share)} of the excess"
    name = " ".join(value.split()) or "without a name"
    return f"{dimension.capitalize()} {name} has {excess}, with {percent(traffic)} of the {among}."


def _dollars(value: float) -> str:
    return money(Decimal(repr(value)))
