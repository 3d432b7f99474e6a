"""The period that a page is about, as its address says it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms

from llmobs.lib.timerange import TimeRange

# The word in the address, what follows "in the last …", and the length.
PERIODS: dict[str, tuple[str, timedelta]] = {
    "1h": ("hour", timedelta(hours=1)),
    "6h": ("6 hours", timedelta(hours=6)),
    "24h": ("24 hours", timedelta(hours=24)),
    "7d": ("7 days", timedelta(days=7)),
    "30d": ("30 days", timedelta(days=30)),
}
DEFAULT_PERIOD = "24h"
LONGEST = timedelta(days=400)
YEARS = range(1972, 3000)  # far enough from the ends of the calendar to step back and forth


@dataclass(frozen=True, slots=True)
class PeriodChoice:
    """One button of the period picker."""

    label: str
    query: str
    current: bool


class PeriodForm(forms.Form):
    """`period=24h`, or `from=` and `to=` as RFC 3339. Whatever cannot be read becomes the default period."""

    period = forms.CharField(required=False)

    def __init__(self, data: Any, *, default: str = DEFAULT_PERIOD) -> None:
        super().__init__(data)
        self.default = default
        self.chosen = data.get("period") or default
        if self.chosen not in PERIODS:
            self.chosen = default
        self.start, self.end = _moment(data.get("from")), _moment(data.get("to"))

    @property
    def is_stretch(self) -> bool:
        """Whether the address names a stretch of its own instead of the last so many hours."""
        return self.start is not None and self.end is not None and timedelta() < self.end - self.start <= LONGEST

    def time_range(self, now: datetime) -> TimeRange:
        """The chosen stretch; a named period ends now."""
        if self.is_stretch and self.start and self.end:
            return TimeRange(self.start, self.end)
        return TimeRange(now - PERIODS[self.chosen][1], now)

    def words(self) -> str:
        """What stands behind a number: `in the last 24 hours`, or `in the chosen stretch`."""
        return "in the chosen stretch" if self.is_stretch else f"in the last {PERIODS[self.chosen][0]}"

    def query(self) -> dict[str, str]:
        """The parameters that say this period in another address."""
        if self.is_stretch and self.start and self.end:
            return {"from": self.start.isoformat(), "to": self.end.isoformat()}
        return {"period": self.chosen}

    def choices(self, others: str = "") -> list[PeriodChoice]:
        """The buttons of the picker; `others` is the rest of the query, already encoded."""
        rest = f"&{others}" if others else ""
        return [
            PeriodChoice(word.replace("h", " h").replace("d", " d"), f"?period={word}{rest}", self._is(word))
            for word in PERIODS
        ]

    def _is(self, word: str) -> bool:
        return not self.is_stretch and word == self.chosen


def _moment(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat((text or "").replace(" ", "+"))  # a + that was not encoded arrives as a space
    except ValueError:
        return None
    if moment.year not in YEARS:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
