"""Sentences about features. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from llmobs.lib.templatetags.figures import at_least, count, duration_us, money, percent
from traces.live_versions import Live
from traces.queries.features import ListedFeature
from traces.usual import DAYS, Usual

SILENT: Final = timedelta(days=7)  # from when on a feature is marked as not asked any more


def is_silent(last_at: datetime, now: datetime) -> bool:
    """Whether a feature was not asked for so long that this is worth a word."""
    return now - last_at > SILENT


def of_list(features: Sequence[ListedFeature], troubled: int, period_words: str, now: datetime) -> str:
    """What stands over the list. `troubled`: how many have an open incident."""
    asked = sum(1 for one in features if one.requests or one.calls)
    silent = sum(1 for one in features if is_silent(one.last_at, now))
    owned = sum(1 for one in features if one.owner)
    said = [f"{count(asked)} of {_things(len(features))} {'was' if asked == 1 else 'were'} asked {period_words}."]
    if troubled:
        said.append(f"{count(troubled)} {'has' if troubled == 1 else 'have'} an open incident.")
    if silent:
        said.append(f"{count(silent)} {'was' if silent == 1 else 'were'} not asked for over {SILENT.days} days.")
    if owned < len(features):
        said.append(f"{count(len(features) - owned)} {'has' if len(features) - owned == 1 else 'have'} no owner.")
    return " ".join(said)


def of_usual(usual: Usual) -> str:
    """What a request usually takes and costs."""
    if not usual.enough:
        requests = f"{count(usual.requests)} request{'' if usual.requests == 1 else 's'}"
        return f"What is usual is not known yet: {requests} in the {DAYS} days before."
    took = "its requests do not say how long they took"
    if usual.high_us > 0:
        low, high = duration_us(round(usual.low_us)), duration_us(round(usual.high_us))
        half = duration_us(round(usual.middle_us))
        took = f"nine of ten requests take {low} to {high}, half of them under {half}"
    if usual.mean_usd is None:
        return f"Usually {took}."
    return f"Usually {took}; one costs {(at_least if usual.is_least else money)(usual.mean_usd)} on average."


def share(live: Live) -> str:
    """How much of a feature runs with a version."""
    if live.share > 0.995:
        return "all"
    return percent(live.share)


def _things(features: int) -> str:
    return f"{count(features)} feature{'' if features == 1 else 's'}"
