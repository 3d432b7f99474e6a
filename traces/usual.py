"""How long a request took and what it cost, against the usual of its feature. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from llmobs.lib.templatetags.figures import at_least, duration_us, money, three_digits
from traces.amounts import Totals
from traces.sentences import Piece, Sentence, name, say

LEAST_REQUESTS: Final = 20  # fewer do not say what is usual
DAYS: Final = 7
_OFTEN: Final = 1.5  # times the usual from which the ratio is worth saying
_ROOM: Final = 1.06  # how much longer than its longest amount a scale is
_COLUMN_ENDS: Final = 4.0  # times the edge of the widest usual range at which the scale of a column ends
_FAR: Final = 2.0  # times the edge of the usual range from which the mark is red


@dataclass(frozen=True, slots=True)
class Usual:
    """The requests of one feature in the seven days before a moment, or of a sample where it is busy; microseconds.

    `low_us` to `high_us` holds nine of ten requests. `mean_usd` is a lower limit while `is_least`: some calls have no
    known price. It is None where no request had a cost.
    """

    feature: str
    requests: int
    low_us: float = 0
    middle_us: float = 0
    high_us: float = 0
    mean_usd: Decimal | None = None
    is_least: bool = False

    @property
    def enough(self) -> bool:
        return self.requests >= LEAST_REQUESTS


@dataclass(frozen=True, slots=True)
class Against:
    """An amount on the scale of its usual range, in percents of the mark's width; `words` say the range."""

    low: float
    high: float
    now: float
    tone: Literal["plain", "warn", "bad"]
    words: str


def amounts(totals: Totals, usual: Usual | None) -> list[Sentence]:
    """How long it took and what it cost, and how that stands to the usual, or why nobody can say."""
    took = _took(totals.duration_us, usual if usual and usual.enough else None)
    cost = _cost(totals, usual if usual and usual.enough else None)
    said = [say(f"It {', and '.join(part for part in (took, cost) if part)}.")]
    if usual and not usual.enough and totals.duration_us is not None:
        count = f"{usual.requests} request{'' if usual.requests == 1 else 's'}"
        of = say(f"What is usual for {{}} is not known: {count} in the {DAYS} days before it.", _feature(usual))
        said.append(of)
    return said


def against(us: int | None, usual: Usual | None, scale_us: float | None = None) -> Against | None:
    """The mark beside a duration; None where it or its usual is not known. `scale_us` is the mark's right end."""
    if us is None or us < 0 or usual is None or not usual.enough or usual.high_us <= 0:
        return None
    scale = scale_us or max(us, usual.high_us) * _ROOM
    tone: Literal["plain", "warn", "bad"] = "plain"
    if us > usual.high_us:
        tone = "bad" if us > _FAR * usual.high_us else "warn"
    low, high = duration_us(round(usual.low_us)), duration_us(round(usual.high_us))
    words = f"usual {low}" if low == high else f"usual {low} to {high}"
    percents = {"low": usual.low_us, "high": usual.high_us, "now": us}
    at = {side: round(min(100 * one / scale, 100), 1) for side, one in percents.items()}
    return Against(**at, tone=tone, words=words)


def against_in_column(took: Sequence[tuple[int | None, Usual | None]]) -> list[Against | None]:
    """The marks of a column of durations, all on one scale. What is far beyond the usual stands at its end."""
    known = [(us, usual.high_us) for us, usual in took if us is not None and usual and usual.enough]
    if not known:
        return [None] * len(took)
    highest = max(high for _, high in known)
    scale = min(max(highest, *(us for us, _ in known)), _COLUMN_ENDS * highest) * _ROOM
    return [against(us, usual, scale) for us, usual in took]


def against_high(us: float | None, usual: Usual | None) -> Against | None:
    """The mark beside a duration that one request in twenty took; None where it or its usual is not known.

    It stands at the upper edge of the usual range while it is as usual.
    """
    if us is None or usual is None or not usual.enough or usual.high_us <= 0:
        return None
    ratio, scale = us / usual.high_us, max(us, usual.high_us) * 1.06
    tone: Literal["plain", "warn", "bad"] = "bad" if ratio >= _FAR else "warn" if ratio >= _OFTEN else "plain"
    low, high, now = (round(100 * one / scale, 1) for one in (usual.low_us, usual.high_us, us))
    return Against(low, high, now, tone, f"usual {duration_us(round(usual.high_us))}")


def cost_words(usual: Usual | None) -> str | None:
    """What a request of the feature costs on average, for beside a cost."""
    if usual is None or not usual.enough or usual.mean_usd is None:
        return None
    return f"average {at_least(usual.mean_usd) if usual.is_least else money(usual.mean_usd)}"


def _feature(usual: Usual) -> Piece:
    return name(usual.feature) if usual.feature else name("requests without a feature")


def _took(us: int | None, usual: Usual | None) -> str:
    if us is None:
        return "has not ended, as far as its sender told"
    took = f"took {duration_us(us)}"
    if usual is None or us < 0 or usual.middle_us <= 0:
        return took
    middle = duration_us(round(usual.middle_us))
    if us > usual.high_us:
        return f"{took}, {_ratio(us / usual.middle_us)} its usual {middle}"
    if us >= _OFTEN * usual.middle_us:
        longest = duration_us(round(usual.high_us))
        ratio = _ratio(us / usual.middle_us)
        return f"{took}, {ratio} its usual {middle}, which is not rare (1 in 20 takes over {longest})"
    if us < usual.low_us:
        return f"{took}, less than its usual {middle}"
    return f"{took}, as usual (half take under {middle})"


def _cost(totals: Totals, usual: Usual | None) -> str:
    if not totals.calls:
        return ""
    if totals.cost_usd is None:
        return "what it cost is not known"
    cost = f"cost {at_least(totals.cost_usd) if totals.calls_without_price else money(totals.cost_usd)}"
    mean = usual.mean_usd if usual else None
    if usual is None or not mean or usual.is_least or totals.calls_without_price:
        return cost
    ratio = float(totals.cost_usd / mean)
    if ratio >= _OFTEN:
        return f"{cost}, {_ratio(ratio)} the average {money(mean)}"
    return f"{cost} (average {money(mean)})"


def _ratio(ratio: float) -> str:
    return f"{three_digits(round(ratio, 1) if ratio < 10 else round(ratio))} ×"
