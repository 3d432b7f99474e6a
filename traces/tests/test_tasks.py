"""What the jobs do beside the work itself: counting rests."""

import time

import pytest

from tests import make
from traces import rollups, tasks


@pytest.mark.parametrize(
    ("worked", "busy", "rests"),
    [
        (0.0, False, 0.0),
        (0.5, False, 2.0),
        (0.5, True, 10.0),
        (5.0, False, 20.0),
        (5.0, True, 20.0),
        (600.0, False, 20.0),
    ],
)
def test_counting_rests_longer_the_longer_it_worked_but_never_long(worked, busy, rests):
    assert tasks.rest_after(worked, busy=busy) == rests


def test_a_worker_that_rests_leaves_the_marks_to_the_next_tick(project, monkeypatch):
    make.stored(project.pk, make.call())
    monkeypatch.setattr(tasks._Rest, "until", time.monotonic() + 60)
    tasks.rebuild_rollups()
    monkeypatch.setattr(tasks._Rest, "until", 0.0)
    assert rollups.rebuild_marked() == 1


def test_counting_is_followed_by_a_rest(project, monkeypatch):
    monkeypatch.setattr(tasks._Rest, "until", 0.0)
    make.stored(project.pk, make.call())
    tasks.rebuild_rollups()
    assert tasks._Rest.until > 0.0
    assert rollups.rebuild_marked() == 0
