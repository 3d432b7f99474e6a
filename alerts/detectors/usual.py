"""The usual: what the same time of day was like before, as a middle and a range that one bad day does not move."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from statistics import median

# Median absolute deviation to standard deviation, for a bell curve.
_MAD_TO_SIGMA = 1.4826
# Below 6 % of noise between days a service is only as steady as chance had it.
_LEAST_SPREAD = 0.06


@dataclass(frozen=True, slots=True)
class Usual:
    """`low` to `high` holds four fifths of the windows before; `spread` is the robust deviation of their logarithm."""

    low: float
    middle: float
    high: float
    spread: float

    def surprise(self, value: float) -> float:
        """How many deviations `value` lies above the middle, on a log scale; negative below it."""
        if self.middle <= 0:
            return 0.0
        return (log(max(value, self.middle / 1_000)) - log(self.middle)) / self.spread


def usual_of(values: Sequence[float]) -> Usual | None:
    """The usual of the same windows on days before; None when there are fewer than three of them."""
    if len(values) < 3:
        return None
    ordered = sorted(values)
    low, high = _at(ordered, 0.1), _at(ordered, 0.9)
    # Of a rare event most windows have none: then the mean of the ordinary windows says more than a median of 0.
    ordinary = [value for value in ordered if value <= high]
    middle = median(ordered) or sum(ordinary) / len(ordinary)
    return Usual(low, middle, high, _spread([log(value) for value in ordered if value > 0]))


def _at(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    below, part = int(place), place - int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + part * (ordered[above] - ordered[below])


def _spread(logs: Sequence[float]) -> float:
    if not logs:
        return _LEAST_SPREAD
    middle = median(logs)
    return max(_MAD_TO_SIGMA * median(abs(one - middle) for one in logs), _LEAST_SPREAD)
