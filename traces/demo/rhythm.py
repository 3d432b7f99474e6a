"""When requests come: nights and week-ends are quiet, a daily offer is not; and when things are broken."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final

from traces.demo.shop import PROMPT_VERSIONS, RELEASES, at

SLOT_MINUTES: Final = 5
OUTAGE_MINUTES: Final = 35.0  # before the end; its last part is the worst
OUTAGE_WORST_MINUTES: Final = 16.0
# Three days ago, for 41 minutes, five hours away from the time of day that the outage is compared with.
BROKEN_PROMPT: Final = (timedelta(days=3, hours=5), timedelta(minutes=41))

# Requests a minute by hour of day, UTC.
_BY_HOUR: Final = (
    *(0.10, 0.08, 0.07, 0.07, 0.09, 0.14, 0.24, 0.38, 0.52, 0.62, 0.70, 0.76),
    *(0.80, 0.76, 0.70, 0.64, 0.60, 0.58, 0.60, 0.62, 0.54, 0.40, 0.26, 0.16),
)
_BY_WEEKDAY: Final = (1.08, 1.0, 1.0, 1.02, 1.05, 0.78, 0.70)
# Each day there is an offer around the time of day at which the demo ends, so that what is usual then is well known.
_OFFER_A_MINUTE: Final = 2.2
_OFFER_MINUTES: Final = 60.0
_OFFER_FADES_MINUTES: Final = 40.0
# Today's offer is the better one, and who gets no answer asks again: (minutes before the end, requests a minute). So
# many in the last minutes that there is enough to judge for some minutes after the end, when nothing comes any more.
_TODAY: Final = ((12.0, 9.0), (36.0, 6.0), (75.0, 3.4))
_BROKEN_A_MINUTE: Final = 1.2


@dataclass(frozen=True, slots=True)
class Moment:
    """A point of the week. `phase` is "", "outage", "worst" or "broken_prompt"."""

    at: datetime
    before_end: timedelta
    phase: str

    def release(self, service: str) -> str:
        """What `service` ran."""
        return at(RELEASES[service], self.before_end / timedelta(days=1))

    def prompt(self, name: str) -> tuple[str, str]:
        """The name and the version of a prompt that were live."""
        if self.phase == "broken_prompt" and name == "refund-assistant":
            return name, "8"
        return name, at(PROMPT_VERSIONS[name], self.before_end / timedelta(days=1))

    def later(self, by: timedelta) -> "Moment":
        """The same week, a little later."""
        return moment(self.at + self.before_end, self.at + by)


def moment(end: datetime, when: datetime) -> Moment:
    """`when`, in the week that ends at `end`."""
    return Moment(when, end - when, _phase(end - when))


def arrivals(rng: Random, end: datetime, days: int) -> Iterator[Moment]:
    """When requests come in, oldest first; never after `end`."""
    slot = timedelta(minutes=SLOT_MINUTES)
    for number in range(days * 24 * 60 // SLOT_MINUTES, 0, -1):
        start = end - number * slot
        # Whole numbers and one by chance, so that a slot never has less than was promised.
        count = int(per_minute(end, start) * SLOT_MINUTES + rng.random())
        for offset in sorted(rng.random() for _ in range(count)):
            yield moment(end, start + offset * slot)


def per_minute(end: datetime, start: datetime) -> float:
    """Requests a minute in the slot that begins at `start`."""
    minutes = (end - start) / timedelta(minutes=1) - SLOT_MINUTES
    usual = _BY_HOUR[start.hour] * _BY_WEEKDAY[start.weekday()]
    today = [rate for within, rate in _TODAY if minutes < within]
    if today:
        return max(usual, today[0])
    if _phase(end - start) == "broken_prompt":
        return max(usual, _BROKEN_A_MINUTE)
    return max(usual, _OFFER_A_MINUTE * _share_of_offer(minutes))


def _share_of_offer(minutes: float) -> float:
    """1.0 within an hour of the end's time of day on days before, fading to 0.0 on both sides."""
    day = 24 * 60
    if minutes < day / 2:
        return 0.0
    away = min(minutes % day, day - minutes % day)
    return min(1.0, max(0.0, 1 - (away - _OFFER_MINUTES) / _OFFER_FADES_MINUTES))


def _phase(before_end: timedelta) -> str:
    minutes = before_end / timedelta(minutes=1)
    if minutes <= OUTAGE_MINUTES:
        return "worst" if minutes <= OUTAGE_WORST_MINUTES else "outage"
    began, lasted = BROKEN_PROMPT
    return "broken_prompt" if began - lasted < before_end <= began else ""
