"""When the traces of a list began, as bars over it. Pure but for the member's time zone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote_plus, urlencode

from django.utils import timezone

from llmobs.lib.timerange import TimeRange
from traces.facet_groups import number_words
from traces.queries.traffic import Traffic
from traces.search.asked import Asked
from traces.search.counting import Buckets, Sure

MOST: Final = 48
WIDTH, HEIGHT = 960, 56  # of the picture; it is stretched to the width of the list
_GAP: Final = 0.16  # of a bar's width
_SECONDS: Final = (1, 2, 5, 10, 30)
_MINUTES: Final = (1, 2, 5, 10, 15, 30)
_HOURS: Final = (1, 2, 4, 6, 12)
_DAYS: Final = (1, 2, 7, 14)
_LENGTHS: Final = [
    *(timedelta(seconds=n) for n in _SECONDS),
    *(timedelta(minutes=n) for n in _MINUTES),
    *(timedelta(hours=n) for n in _HOURS),
    *(timedelta(days=n) for n in _DAYS),
]


@dataclass(frozen=True, slots=True)
class Bar:
    """One piece of time, as far as it lies in the period. Places are in a picture of WIDTH × HEIGHT.

    `unfinished`: more may still come.
    """

    start: datetime
    end: datetime
    words: str
    number: str
    failed: str
    url: str
    x: float
    width: float
    y: float
    failed_y: float
    unfinished: bool

    @property
    def height(self) -> float:
        return round(HEIGHT - self.y, 1)

    @property
    def failed_height(self) -> float:
        return round(HEIGHT - self.failed_y, 1)


@dataclass(frozen=True, slots=True)
class Times:
    """The bars, what the highest of them counts, and a sentence that says what they show."""

    bars: list[Bar]
    most: str
    sentence: str
    marks: list[str]


def buckets_of(period: TimeRange) -> Buckets:
    """How a period is cut: into pieces of which MOST cover it, days at the member's midnight."""
    length = next((one for one in _LENGTHS if period.length <= one * MOST), _LENGTHS[-1])
    midnight = timezone.localtime(period.start).replace(hour=0, minute=0, second=0, microsecond=0)
    return Buckets(midnight.astimezone(UTC), length)


def times_of(  # noqa: PLR0913
    period: TimeRange, buckets: Buckets, times: Mapping[tuple[datetime, bool], int], sure: Sure, asked: Asked,
    here: str, now: datetime,
) -> Times | None:  # fmt: skip
    """The bars of a period; None where there is no trace."""
    starts = _starts(period, buckets)
    many = {start: times.get((start, False), 0) + times.get((start, True), 0) for start in starts}
    most = max(many.values(), default=0)
    if not most:
        return None
    step, rest = WIDTH / len(starts), _rest(asked)
    bars = []
    for place, start in enumerate(starts):
        first, end = max(start, period.start), min(start + buckets.length, period.end)
        failed = times.get((start, True), 0)
        bars.append(
            Bar(
                start=first,
                end=end,
                words=_stretch(first, end, buckets.length),
                number=number_words(many[start], sure),
                failed=number_words(failed, sure) if failed else "0",
                url=f"{here}?{_at(rest, first, end)}",
                x=round(place * step + step * _GAP / 2, 1),
                width=round(step * (1 - _GAP), 1),
                y=_y(many[start], most),
                failed_y=_y(failed, most),
                unfinished=end >= now - timedelta(seconds=1),
            )
        )
    return Times(bars, number_words(most, sure), _sentence(bars, many, buckets.length), _marks(bars, buckets.length))


def from_traffic(known: Traffic, buckets: Buckets) -> dict[tuple[datetime, bool], int] | None:
    """The same from the rollups, of all traces; None where they are coarser than the bars."""
    if buckets.length % known.step:
        return None
    origin, length = buckets.origin.timestamp(), buckets.length.total_seconds()
    pieces: dict[float, tuple[int, int]] = {}
    for start, requests, failed in known.steps:
        piece = (start - origin) // length
        answered_before, failed_before = pieces.get(piece, (0, 0))
        pieces[piece] = (answered_before + requests - failed, failed_before + failed)
    found: dict[tuple[datetime, bool], int] = {}
    for piece, (answered, failed) in pieces.items():
        at = buckets.origin + buckets.length * piece
        found |= {(at, False): answered, (at, True): failed}
    return found


def _starts(period: TimeRange, buckets: Buckets) -> list[datetime]:
    at = buckets.origin + (period.start - buckets.origin) // buckets.length * buckets.length
    found = []
    while at < period.end:
        found.append(at)
        at += buckets.length
    return found


def _y(many: int, most: int) -> float:
    """Where a bar ends; a single trace among thousands is still seen."""
    return round(HEIGHT - max(many / most * HEIGHT, 1.5), 1) if many else float(HEIGHT)


def _at(rest: str, start: datetime, end: datetime) -> str:
    """The query of a list of this stretch alone."""
    return f"{rest}from={quote_plus(start.isoformat())}&to={quote_plus(end.isoformat())}"


def _rest(asked: Asked) -> str:
    """What the queries of all bars have in common, encoded once."""
    period = asked.period.query()
    rest = urlencode({name: value for name, value in asked.params().items() if name not in period})
    return f"{rest}&" if rest else ""


def _stretch(start: datetime, end: datetime, length: timedelta) -> str:
    """`14:10 to 14:20`, with the day where a piece is a part of one, or a day."""
    first, last = timezone.localtime(start), timezone.localtime(end)
    if length >= timedelta(days=1):
        return f"{first:%-d %B}" if length == timedelta(days=1) else f"{first:%-d %B} to {last:%-d %B}"
    clock = "%H:%M:%S" if length < timedelta(minutes=1) else "%H:%M"
    return f"{first:%-d %B}, {first:{clock}} to {last:{clock}}"


def _sentence(bars: Sequence[Bar], many: Mapping[datetime, int], length: timedelta) -> str:
    counts = list(many.values())
    most = bars[counts.index(max(counts))]
    return f"Each bar is {length_words(length)}; the highest, {most.words}, has {most.number}."


def length_words(length: timedelta) -> str:
    """`30 minutes`, `an hour`, `a day`."""
    seconds = int(length.total_seconds())
    for unit, name in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")):
        if seconds % unit == 0:
            many = seconds // unit
            return f"{many} {name}s" if many > 1 else f"{'an' if name == 'hour' else 'a'} {name}"
    raise ValueError(f"{length} is no whole number of seconds")


def _marks(bars: Sequence[Bar], length: timedelta) -> list[str]:
    """What stands below the bars: where they begin, a third, two thirds, and their end."""
    at = [bars[0].start, bars[len(bars) // 3].start, bars[len(bars) * 2 // 3].start, bars[-1].end]
    whole = length >= timedelta(hours=4)
    one_day = timezone.localtime(at[0]).date() == timezone.localtime(at[-1]).date()
    words = "%-d %B" if whole else "%H:%M" if one_day else "%-d %b, %H:%M"
    return [f"{timezone.localtime(moment):{words}}" for moment in at]
