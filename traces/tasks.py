"""Celery's entrances. What is to be done is in the tables, so a task that is lost or comes twice does no harm."""

import time

from celery import shared_task
from django.utils import timezone

from llmobs.lib.busy import Busy
from traces import media_files, partitions, replays, retention, rollups
from traces.search import index
from traces.search.pace import BUSY_PERCENT

# A beat's worth of work; what is left waits for the next tick, so that no worker is kept from its alerts.
MOST_TRACES = 3_000
# Counting works for so long at once, and one transaction more; then it rests four times as long as it worked, on a
# busy machine twenty times: who sends and who reads comes first. Not longer than this, since rules look at what was
# counted.
WORK_SECONDS = 0.5
REST, BUSY_REST = 4.0, 20.0
MOST_REST_SECONDS = 20.0


class _Rest:
    """When this worker may count again, by the monotonic clock."""

    until = 0.0
    machine = Busy()


def rest_after(seconds: float, *, busy: bool) -> float:
    """How many seconds counting rests after so many of work."""
    return min((BUSY_REST if busy else REST) * seconds, MOST_REST_SECONDS)


@shared_task(name="traces.rebuild_rollups")
def rebuild_rollups() -> None:
    began = time.monotonic()
    busy = _Rest.machine.percent() > BUSY_PERCENT  # since the last tick, in which it rested perhaps
    if began >= _Rest.until:
        rollups.rebuild_marked(seconds=WORK_SECONDS)
        ended = time.monotonic()
        _Rest.until = ended + rest_after(ended - began, busy=busy)


@shared_task(name="traces.index_traces")
def index_traces() -> None:
    index.index_marked(MOST_TRACES, give_way=True)


@shared_task(name="traces.make_partitions")
def make_partitions() -> None:
    partitions.make(partitions.wanted(timezone.now().date()))


@shared_task(name="traces.drop_old_partitions")
def drop_old_partitions() -> None:
    retention.drop_old(timezone.now().date())


@shared_task(name="traces.drop_old_media")
def drop_old_media() -> None:
    media_files.drop_old(timezone.now())


@shared_task(name="traces.replay_refusals")
def replay_refusals() -> None:
    replays.carry_on(timezone.now())
