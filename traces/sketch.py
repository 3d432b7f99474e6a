"""Durations as a packed histogram of logarithmic buckets: small, merged by joining bytes, any quantile within 1 %.

Bucket 0 holds zeros, bucket i > 0 holds (GAMMA ** (i - 2), GAMMA ** (i - 1)] microseconds. The bytes are pairs of a
bucket (2 bytes) and its count (4 bytes), in network order because Postgres writes them (`int2send`, `int4send`) and
reads none; a bucket may come twice, so joined bytes are a merged sketch. No Django.
https://arxiv.org/abs/1908.10693 (DDSketch)
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor, log

import numpy as np
import numpy.typing as npt

RELATIVE_ERROR = 0.01
GAMMA = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
LOG_GAMMA = log(GAMMA)
PAIR = np.dtype([("bucket", ">u2"), ("count", ">u4")])

Counts = npt.NDArray[np.int64]


def bucket_of(microseconds: int) -> int:
    """The bucket of one duration. `traces/rollups.py` says the same in SQL."""
    return 1 + ceil(log(microseconds) / LOG_GAMMA) if microseconds > 0 else 0


def value_of(bucket: int) -> float:
    """The microseconds that stand for a bucket: at most 1 % from any duration in it."""
    return float(2 * GAMMA ** (bucket - 1) / (GAMMA + 1)) if bucket else 0.0


@dataclass(frozen=True, slots=True)
class Sketch:
    """Many durations, as bytes. `Sketch()` is none at all."""

    packed: bytes = b""

    @classmethod
    def of(cls, microseconds: Iterable[int]) -> "Sketch":
        """The sketch of these durations."""
        return cls.from_counts(np.bincount([bucket_of(one) for one in microseconds] or [0][:0]))

    @classmethod
    def from_counts(cls, counts: npt.NDArray[np.integer]) -> "Sketch":
        """The sketch with `counts[bucket]` durations in each bucket; at most 4,294,967,295 in one."""
        filled = np.flatnonzero(counts)
        pairs = np.empty(len(filled), PAIR)
        pairs["bucket"], pairs["count"] = filled, counts[filled]
        return cls(pairs.tobytes())

    @classmethod
    def merged(cls, sketches: Iterable["Sketch"]) -> "Sketch":
        """One sketch of all; for many, far quicker than adding one by one."""
        return cls.from_counts(cls(b"".join(one.packed for one in sketches)).counts())

    def __add__(self, other: "Sketch") -> "Sketch":
        return Sketch.merged((self, other))

    def counts(self) -> Counts:
        """How many durations are in each bucket, from bucket 0 to the last filled one."""
        pairs = np.frombuffer(self.packed, PAIR)
        return np.bincount(pairs["bucket"], weights=pairs["count"]).astype(np.int64)

    @property
    def count(self) -> int:
        """How many durations there are."""
        return int(np.frombuffer(self.packed, PAIR)["count"].sum(dtype=np.int64))

    def quantile(self, q: float) -> float | None:
        """The duration in microseconds that a share of `q` (0.0 to 1.0) stays below; None without durations.

        Between two durations it is read off the line that joins them, as percentile_cont and numpy do.
        """
        below = self.counts().cumsum()
        if not len(below):
            return None
        place = q * (int(below[-1]) - 1)
        low, high = (value_of(int(below.searchsorted(at, side="right"))) for at in (floor(place), ceil(place)))
        return low + (place - floor(place)) * (high - low)
