"""Marked buckets that are near each other are rebuilt in one go."""

from datetime import UTC, datetime, timedelta

import pytest

from llmobs.lib.timerange import FIVE_MINUTES, TimeRange
from traces import rollups


def at(minutes: int) -> datetime:
    return datetime(2026, 11, 10, 12, tzinfo=UTC) + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("starts", "expected"),
    [
        ([], []),
        ([0], [(0, 5)]),
        ([0, 5, 10], [(0, 15)]),
        ([0, 30], [(0, 35)]),
        ([0, 35], [(0, 5), (35, 40)]),
        ([0, 5, 60, 90, 200], [(0, 10), (60, 95), (200, 205)]),
    ],
)
def test_near_buckets_are_one_stretch(starts: list[int], expected: list[tuple[int, int]]) -> None:
    found = list(rollups.stretches([at(start) for start in starts], FIVE_MINUTES))
    assert found == [TimeRange(at(start), at(end)) for start, end in expected]
