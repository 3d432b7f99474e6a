"""The sketch keeps its promise: any quantile within 1 %, however it was put together."""

import random

import numpy as np
import pytest

from traces.sketch import Sketch, bucket_of, value_of

SHAPES = {
    "usual": lambda rng: [int(rng.lognormvariate(14, 0.8)) for _ in range(5_000)],
    "two humps": lambda rng: (
        [int(rng.gauss(2e5, 1e4)) for _ in range(500)] + [int(rng.gauss(9e6, 1e5)) for _ in range(50)]
    ),
    "few": lambda rng: [rng.randrange(1, 10**7) for _ in range(3)],
    "one": lambda rng: [1_234_567],
    "all the same": lambda rng: [250_000] * 40,
    "from a microsecond to a month": lambda rng: [int(10 ** rng.uniform(0, 12.4)) for _ in range(2_000)],
    "with zeros": lambda rng: [0] * 30 + [7, 8, 9],
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("q", [0.0, 0.05, 0.5, 0.9, 0.95, 0.99, 1.0])
def test_a_quantile_is_within_one_percent_of_the_exact_one(shape: str, q: float) -> None:
    durations = SHAPES[shape](random.Random(shape))
    assert Sketch.of(durations).quantile(q) == pytest.approx(np.percentile(durations, q * 100), rel=0.0101, abs=1e-9)


@pytest.mark.parametrize("microseconds", [1, 2, 3, 10, 999, 1_000, 123_456, 10**9, 2**62])
def test_a_bucket_stands_for_what_it_holds(microseconds: int) -> None:
    assert value_of(bucket_of(microseconds)) == pytest.approx(microseconds, rel=0.0101)


def test_the_largest_duration_that_a_row_can_hold_has_a_bucket() -> None:
    assert bucket_of(2**63 - 1) < 2**15  # int2send is signed


def test_parts_in_any_order_are_the_whole() -> None:
    rng = random.Random(5)
    durations = SHAPES["usual"](rng)
    parts = [Sketch.of(durations[start : start + 700]) for start in range(0, len(durations), 700)]
    rng.shuffle(parts)
    whole = Sketch.of(durations)
    assert Sketch.merged(parts) == whole
    assert sum(parts, Sketch()) == whole
    assert Sketch(b"".join(part.packed for part in parts)).quantile(0.95) == whole.quantile(0.95)


def test_bytes_and_counts_are_the_same_thing() -> None:
    sketch = Sketch.of([0, 0, 5, 5, 5, 9_000])
    assert Sketch.from_counts(sketch.counts()) == sketch
    assert sketch.counts().sum() == sketch.count == 6


def test_none_at_all_has_no_quantile() -> None:
    assert Sketch().quantile(0.95) is None
    assert Sketch().count == 0
    assert Sketch() + Sketch.of([4]) == Sketch.of([4])
    assert Sketch.of([]) == Sketch()
