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
    """`low` to `high` holds four fifths of the windows before; `spread` is the robust deviation of their logarithm.

    `is_rare`: most windows had none of it, so that `middle` is a mean and not what is usually seen.
    """

    low: float
    middle: float
    high: float
    spread: float
    is_rare: bool = False

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
    middle = median(ordered)
    spread = _spread([log(value) for value in ordered if value > 0])
    if middle == 0:
        # Of a rare event a mean says more than a median of 0; what is beyond the range counts as its edge.
        return Usual(low, sum(min(value, high) for value in ordered) / len(ordered), high, spread, is_rare=True)
    return Usual(low, middle, high, spread)


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
