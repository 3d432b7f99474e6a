"""Which prompts, models and releases a feature runs with now, their share, and since when. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from traces.queries.features import ModelUse, Used
from traces.search.grammar import Term, exactly

LIVE: Final = timedelta(days=1)  # what was used in the last day of use is live
BACK: Final = timedelta(days=14)  # how far back the first use is looked for
MOST: Final = 8  # of each kind


@dataclass(frozen=True, slots=True)
class Live:
    """A version in use. `share` is 0.0 to 1.0 of the feature's calls (a model) or of its newest traces (else).

    `since` is None where it was in use for as long as was looked. `term` is the condition that finds it.
    """

    kind: Literal["prompt", "model", "release"]
    name: str
    share: float
    since: datetime | None
    term: Term


def of_models(uses: Iterable[ModelUse], begun: datetime) -> list[Live]:
    """The models with calls in the last day of use; `begun` is how far back they were looked for."""
    live = [use for use in uses if use.calls]
    calls = sum(use.calls for use in live)
    return [
        Live("model", use.model, use.calls / calls, _since(use.first_at, begun), exactly("model", use.model))
        for use in live[:MOST]
    ]


def of_prompts(sample: Sequence[Used], begun: datetime, live: datetime) -> list[Live]:
    """The versions of prompts in the newest traces."""
    told = [(one.happened_at, {_prompt(*pair) for pair in one.prompts}) for one in sample]
    return [
        Live("prompt", name, share, since, exactly("prompt", name)) for name, share, since in _told(told, begun, live)
    ]


def of_releases(sample: Sequence[Used], begun: datetime, live: datetime) -> list[Live]:
    """The releases of the newest traces."""
    told = [(one.happened_at, {one.release} if one.release else set()) for one in sample]
    return [
        Live("release", name, share, since, exactly("release", name)) for name, share, since in _told(told, begun, live)
    ]


def _told(
    told: Sequence[tuple[datetime, set[str]]], begun: datetime, live: datetime
) -> list[tuple[str, float, datetime | None]]:
    """Each name in the newest traces, most used first, with its share of those that carry any."""
    newest = [names for at, names in told if at >= live and names]
    counts: dict[str, int] = {}
    for names in newest:
        for name in names:
            counts[name] = counts.get(name, 0) + 1
    ordered = sorted(counts, key=lambda name: (-counts[name], name))[:MOST]
    first = {name: min(at for at, names in told if name in names) for name in ordered}
    return [(name, counts[name] / len(newest), _since(first[name], begun)) for name in ordered]


def _since(first_at: datetime, begun: datetime) -> datetime | None:
    return first_at if first_at >= begun + LIVE else None


def _prompt(name: str, version: str) -> str:
    return f"{name}@{version}" if name and version else name or version
