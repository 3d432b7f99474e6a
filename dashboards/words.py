"""Sentences about figures, in words that a stranger understands."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final

from dashboards.figures import Figures
from llmobs.lib.templatetags.figures import NBSP, count, duration_us, money, percent, three_digits, tokens
from traces.queries.metrics import METRICS, Totals

Value = float | Decimal | None

# A change below this is none: as many as before.
NOTABLE = 0.1
# Fewer failures than this in a bucket make no cluster.
FEW = 3
# Worse is: so many times as before, by so many points of a ratio, and on so many requests or calls at least.
WORSE_TIMES = {"ratio": 1.5}
WORSE_TIMES_ELSE = 1.25
WORSE_POINTS = 0.01
WORSE_SAMPLE = 20

_WRITE: Final[Mapping[str, Callable[[Value], str]]] = {
    "count": count,
    "tokens": tokens,
    "ratio": lambda value: percent(None if value is None else float(value)),
    "us": lambda value: duration_us(None if value is None else round(value)),
    "usd": lambda value: money(None if value is None else Decimal(value)),
}


def written(metric: str, totals: Totals, *, nothing: str = "no requests") -> str:
    """A metric's value with its unit; a sum with an unknown part is `at least`."""
    value = METRICS[metric].value(totals)
    if value is None:
        return unknown(metric, totals, nothing)
    words = _WRITE[METRICS[metric].unit](value)
    return f"at least {words}" if METRICS[metric].unit == "usd" and totals.calls_without_price else words


def unknown(metric: str, totals: Totals, nothing: str = "no requests") -> str:
    """Why a metric has no value."""
    if METRICS[metric].unit == "usd" and totals.calls:
        return "unknown"
    if METRICS[metric].unit == "tokens":
        return "not sent"
    if METRICS[metric].unit == "us" and totals.requests:
        return "not ended"
    return nothing


def change(metric: str, figures: Figures) -> float | None:
    """By how much the period is above the one before: 0.19 is 19 % more. None when either has no value."""
    value, was = METRICS[metric].value(figures.whole), METRICS[metric].value(figures.was)
    return None if value is None or not was else float(value) / float(was) - 1


def is_worse(metric: str, figures: Figures) -> bool:
    """Whether a metric moved to the side that nobody wants, far enough and on enough of a sample to be said."""
    kind = METRICS[metric]
    if kind.worse != "up" or kind.sample(figures.whole) < WORSE_SAMPLE or kind.sample(figures.was) < WORSE_SAMPLE:
        return False
    value, was = kind.value(figures.whole), kind.value(figures.was)
    if value is None or was is None:
        return False
    times = WORSE_TIMES.get(kind.unit, WORSE_TIMES_ELSE)
    least = float(was) + (WORSE_POINTS if kind.unit == "ratio" else 0)
    return float(value) > max(float(was) * times, least)


def comparison(metric: str, figures: Figures) -> str:
    """What stands below a tile's figure: the change, and what it was in the period before."""
    was = METRICS[metric].value(figures.was)
    if was is None or not figures.was.requests:
        return f"nothing {figures.before_words}"
    before = f"{_WRITE[METRICS[metric].unit](was)} {figures.before_words}"
    moved = change(metric, figures)
    if moved is None or METRICS[metric].unit == "ratio":
        return f"was {before}"
    return f"{signed(moved)} {'' if moved >= 2 else 'on '}{before}"


def signed(ratio: float) -> str:
    """A change as people write it: `+19 %`, `−4 %`, `±0 %`; from threefold on, how many times."""
    if ratio >= 2:
        return f"{three_digits(ratio + 1)}{NBSP}times"
    whole = round(ratio * 100)
    return f"{'+' if whole > 0 else '−' if whole < 0 else '±'}{abs(whole)}{NBSP}%"


def stretch(start: datetime, figures: Figures) -> str:
    """The bucket that starts at `start`: `14:10 to 14:20`, with its day unless that is today."""
    here, end, today = (at.astimezone(figures.zone) for at in (start, start + figures.bucket, figures.now))
    if figures.bucket.days:
        return f"{here.day} {here:%B}"
    day = "" if here.date() == today.date() else f" on {here.day} {here:%B}"
    return f"{here:%H:%M} to {end:%H:%M}{day}"


def bucket_words(figures: Figures) -> str:
    """`each 10 min`, `each 3 h`, `each day`."""
    minutes = round(figures.bucket.total_seconds() / 60)
    if minutes < 60:
        return f"each {minutes}{NBSP}min"
    return f"each {minutes // 60}{NBSP}h" if minutes < 1440 else "each day"


def of_requests(figures: Figures) -> str:
    whole = figures.whole
    if not whole.requests:
        return "No requests in this period."
    failed = (
        "None failed."
        if not whole.requests_failed
        else f"{count(whole.requests_failed)} failed{_most_failed(figures)}."
    )
    return f"{_many(figures)}. {failed}"


def of_error_rate(figures: Figures) -> str:
    whole = figures.whole
    if not whole.requests:
        return "No requests in this period."
    if not whole.requests_failed:
        return f"None of {count(whole.requests)} requests failed."
    rate, whole_words = percent(whole.requests_failed / whole.requests), f"{count(whole.requests)} requests"
    start, worst = max(figures.buckets, key=lambda one: one[1].requests_failed)
    if worst.requests_failed < FEW:
        return f"{rate} of {whole_words} failed."
    most = f"{count(worst.requests_failed)} of {count(worst.requests)}"
    return f"{rate} of {whole_words} failed, most from {stretch(start, figures)}: {most}."


def of_latency(figures: Figures) -> str:
    half, most = (METRICS[name].value(figures.whole) for name in ("latency_p50", "latency_p95"))
    if half is None or most is None:
        return "No request has ended in this period." if figures.whole.requests else "No requests in this period."
    before = METRICS["latency_p95"].value(figures.was)
    against = f", {duration_us(round(before))} {figures.before_words}" if before else ""
    return f"Half took under {duration_us(round(half))}; one in twenty over {duration_us(round(most))}{against}."


def of_tokens(figures: Figures) -> str:
    whole = figures.whole
    if not whole.calls:
        return "No calls in this period."
    if whole.calls == whole.calls_without_tokens:
        return f"None of {count(whole.calls)} calls told its tokens."
    cached = METRICS["cache_hit_rate"].value(whole)
    part = f", {percent(float(cached))} of it cached" if cached else ""
    silent = f" {count(whole.calls_without_tokens)} calls told none." if whole.calls_without_tokens else ""
    return f"{tokens(whole.input_tokens)} in{part}; {tokens(whole.output_tokens)} out.{silent}"


def of_cost(figures: Figures) -> str:
    whole = figures.whole
    if not whole.calls:
        return "No calls in this period."
    if whole.calls == whole.calls_without_price:
        return f"The price of none of {count(whole.calls)} calls is known."
    each = METRICS["cost_per_request"].value(whole)
    average = f", {money(Decimal(each))} a request" if each is not None else ""
    unpriced = f"{count(whole.calls_without_price)} of {count(whole.calls)} calls have no known price."
    if whole.calls_without_price:
        return f"At least {money(whole.cost_usd)}{average}: {unpriced}"
    return f"{money(whole.cost_usd)}{average}."


def of_cost_per_request(figures: Figures) -> str:
    now, was = (METRICS["cost_per_request"].value(totals) for totals in (figures.whole, figures.was))
    if now is None:
        return "The price of no call is known." if figures.whole.requests else "No requests in this period."
    before = f", {money(Decimal(was))} {figures.before_words}" if was else ""
    least = "At least " if figures.whole.calls_without_price else ""
    return f"{least}{money(Decimal(now))} on average{before}."


def _many(figures: Figures) -> str:
    moved, requests = change("requests", figures), count(figures.whole.requests)
    if moved is None:
        return f"{requests} requests, none {figures.before_words}"
    if abs(moved) < NOTABLE:
        return f"{requests} requests, about as many as {figures.before_words}"
    more = signed(moved).lstrip("+−")
    if moved >= 2:
        return f"{requests} requests, {more} as many as {figures.before_words}"
    return f"{requests} requests, {more} {'more' if moved > 0 else 'fewer'} than {figures.before_words}"


def _most_failed(figures: Figures) -> str:
    start, worst = max(figures.buckets, key=lambda one: one[1].requests_failed)
    if worst.requests_failed < FEW:
        return ""
    return f", {count(worst.requests_failed)} of them from {stretch(start, figures)}"
