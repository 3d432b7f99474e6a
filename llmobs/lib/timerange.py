"""A stretch of time, and the buckets that charts cut it into."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

# The finest bucket that rollups keep.
FIVE_MINUTES = timedelta(minutes=5)
_BUCKETS = (
    FIVE_MINUTES,
    timedelta(minutes=10),
    timedelta(minutes=15),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=3),
    timedelta(hours=6),
    timedelta(hours=12),
    timedelta(days=1),
)
_MOST_BUCKETS = 150
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TimeRange:
    """From `start` up to but without `end`; both aware."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        return self.end - self.start

    def bucket(self) -> timedelta:
        """The finest of the usual lengths that cuts this range into at most 150 buckets; a day for the longest."""
        return next((length for length in _BUCKETS if self.length <= length * _MOST_BUCKETS), _BUCKETS[-1])

    def before(self) -> "TimeRange":
        """The stretch of the same length that ends where this one starts."""
        return TimeRange(self.start - self.length, self.start)

    def shifted(self, by: timedelta) -> "TimeRange":
        """The same stretch, `by` earlier."""
        return TimeRange(self.start - by, self.end - by)

    def buckets(self, length: timedelta) -> Iterator[datetime]:
        """The starts of the buckets that touch this range, oldest first, in UTC."""
        moment = floor(self.start, length)
        while moment < self.end:
            yield moment
            moment += length


def floor(moment: datetime, length: timedelta) -> datetime:
    """The start of the bucket of `length`, counted from 1970 in UTC, that holds `moment`."""
    return _EPOCH + (moment - _EPOCH) // length * length
