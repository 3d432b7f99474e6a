"""How much the job that indexes may do beside those who send: how much in a burst, and how soon it knows of one."""

import time
from collections import namedtuple

import psutil
import pytest

from traces.search.pace import LEAST, PAUSE_SECONDS, Pace, allowance

Times = namedtuple("Times", "user idle")


class Machine:
    """What the system says of a machine, which is idle until told otherwise."""

    def __init__(self) -> None:
        self._working, self._since, self._spent = 0.0, time.monotonic(), Times(0.0, 0.0)

    def work(self, share: float) -> None:
        self._spent, self._since, self._working = self.times(), time.monotonic(), share

    def times(self) -> Times:
        seconds = time.monotonic() - self._since
        worked = seconds * self._working
        return Times(self._spent.user + worked, self._spent.idle + seconds - worked)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    monkeypatch.setattr(psutil, "cpu_times", machine.times)
    return machine


@pytest.mark.parametrize(
    ("coming", "most"),
    [(0, 25), (220, 528), (300, 720), (301, 25), (5_000, 25)],
    ids=["nothing", "1,000 spans a second", "the most", "a burst", "a large burst"],
)
def test_on_a_busy_machine_it_keeps_up_with_what_comes_but_for_bursts(coming: float, most: int) -> None:
    assert allowance(coming) == most


@pytest.mark.django_db
def test_it_is_held_back_within_half_a_second_of_a_burst_and_let_go_as_soon(machine: Machine) -> None:
    pace = Pace()
    assert pace.most() is None
    machine.work(1.0)
    assert seconds_until(lambda: pace.most() == LEAST) < 0.5
    machine.work(0.5)
    assert seconds_until(lambda: pace.most() is None) < 0.5


@pytest.mark.django_db
def test_what_was_taken_is_taken_from_what_it_may_take(machine: Machine) -> None:
    machine.work(1.0)
    pace = Pace()
    assert pace.most() == LEAST
    pace.took(LEAST - 5, 0.0)
    assert pace.most() == 5
    pace.took(100, 0.0)
    assert pace.most() == 0


def seconds_until(holds) -> float:
    """How long it took, asking as often as the job does."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() < began + 10
        time.sleep(PAUSE_SECONDS)
    return time.monotonic() - began
