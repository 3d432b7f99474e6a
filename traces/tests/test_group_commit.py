"""Group commit without a database: who writes for whom."""

import gc
import os
import signal
import threading
import time
import weakref
from collections.abc import Callable

import pytest

from traces import group_commit
from traces.group_commit import KEYS_FOR_ANOTHER, MOST_KEYS, MOST_WRITERS, Group, Job, Queue, Unwritten


def job(*keys: int) -> Job[None]:
    return Job(None, frozenset(keys))


def large(number: int) -> Job[None]:
    """One that is worth a transaction of its own."""
    return Job(None, frozenset(range(number * MOST_KEYS + 10_000, number * MOST_KEYS + 10_000 + KEYS_FOR_ANOTHER)))


class Store:
    """Writes when it is let, and remembers the groups."""

    def __init__(self) -> None:
        self.groups: list[Group[None]] = []
        self.open = threading.Event()
        self.entered = threading.Semaphore(0)

    def write(self, group: Group[None]) -> None:
        self.groups.append(group)
        self.entered.release()
        assert self.open.wait(10)
        for one in group:
            one.error = None


def in_threads(run: Callable[[Job[None]], None], jobs: list[Job[None]]) -> list[threading.Thread]:
    threads = [threading.Thread(target=run, args=[one]) for one in jobs]
    for thread in threads:
        thread.start()
    return threads


def waiting(queue: Queue[None], number: int) -> bool:
    for _ in range(1_000):
        if len(queue._waiting) == number:
            return True
        threading.Event().wait(0.005)
    return False


def test_what_comes_while_others_write_is_one_group() -> None:
    store = Store()
    queue = Queue(store.write)
    first = in_threads(queue.run, [large(number) for number in range(MOST_WRITERS)])
    assert all(store.entered.acquire(timeout=10) for _ in first)
    late = [job(100 + number) for number in range(20)]
    threads = in_threads(queue.run, late)
    assert waiting(queue, 20)
    store.open.set()
    for thread in first + threads:
        thread.join(10)
    assert [len(group) for group in store.groups] == [1] * MOST_WRITERS + [20]
    assert all(one.is_done and one.error is None for one in late)


def test_a_second_writer_begins_when_what_waits_is_worth_it() -> None:
    store = Store()
    queue = Queue(store.write)
    threads = in_threads(queue.run, [job(1)])
    assert store.entered.acquire(timeout=10)
    few = [job(*range(start, start + 10)) for start in range(100, 100 + KEYS_FOR_ANOTHER - 10, 10)]
    threads += in_threads(queue.run, few)
    assert waiting(queue, len(few))
    assert len(store.groups) == 1
    threads += in_threads(queue.run, [job(*range(500, 510))])
    assert store.entered.acquire(timeout=10)
    store.open.set()
    for thread in threads:
        thread.join(10)
    assert [len(group) for group in store.groups] == [1, len(few) + 1]


def after_a_group_of_several(queue: Queue[None], store: Store) -> None:
    """Two jobs were written together just now."""
    threads = in_threads(queue.run, [job(1)])
    assert store.entered.acquire(timeout=10)
    threads += in_threads(queue.run, [job(2), job(3)])
    assert waiting(queue, 2)
    store.open.set()
    for thread in threads:
        thread.join(10)
    assert [len(group) for group in store.groups] == [1, 2]


@pytest.mark.parametrize(
    ("pause_seconds", "late"),
    [pytest.param(1.5, job(5), id="until it is over"), pytest.param(600, large(1), id="or enough has come")],
)
def test_behind_a_group_of_several_the_next_waits_for_company(
    pause_seconds: float, late: Job[None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "PAUSE_SECONDS", pause_seconds)
    store = Store()
    queue = Queue(store.write)
    after_a_group_of_several(queue, store)
    threads = in_threads(queue.run, [job(4)])
    assert waiting(queue, 1)
    threads += in_threads(queue.run, [late])
    for thread in threads:
        thread.join(10)
    assert [len(group) for group in store.groups] == [1, 2, 2]


def test_one_that_is_interrupted_while_it_waits_for_company_frees_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "PAUSE_SECONDS", 60)
    store = Store()
    queue = Queue(store.write)
    after_a_group_of_several(queue, store)

    def interrupt() -> None:
        if waiting(queue, 1):
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        threading.Thread(target=interrupt).start()
        with pytest.raises(KeyboardInterrupt):
            queue.run(job(4))
    finally:
        signal.signal(signal.SIGINT, before)
    monkeypatch.setattr(group_commit, "PAUSE_SECONDS", 0)
    in_threads(queue.run, [job(5)])[0].join(10)
    assert [len(group) for group in store.groups] == [1, 2, 1]


def test_who_comes_after_somebody_alone_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "PAUSE_SECONDS", 600)
    store = Store()
    store.open.set()
    queue = Queue(store.write)
    begun = time.monotonic()
    for number in range(3):
        queue.run(job(number))
    assert [len(group) for group in store.groups] == [1, 1, 1]
    assert time.monotonic() - begun < 300


def test_jobs_that_share_a_key_are_never_written_together() -> None:
    store = Store()
    queue = Queue(store.write)
    first = in_threads(queue.run, [large(number) for number in range(MOST_WRITERS)])
    assert all(store.entered.acquire(timeout=10) for _ in first)
    sharing = [job(7, 100 + number) for number in range(5)]
    threads = []
    for number, one in enumerate(sharing):
        threads += in_threads(queue.run, [one])
        assert waiting(queue, number + 1)
    store.open.set()
    for thread in first + threads:
        thread.join(10)
    assert [len(group) for group in store.groups] == [1] * (MOST_WRITERS + 5)
    assert all(one.is_done and one.error is None for one in sharing)


def test_a_group_ends_at_its_most_keys_but_a_larger_job_is_written_alone() -> None:
    store = Store()
    queue = Queue(store.write)
    first = in_threads(queue.run, [large(number) for number in range(MOST_WRITERS)])
    assert all(store.entered.acquire(timeout=10) for _ in first)
    larger = Job(None, frozenset(range(1_000, 1_001 + MOST_KEYS)))
    threads = []
    for number, one in enumerate([larger, job(10), job(11)]):
        threads += in_threads(queue.run, [one])
        assert waiting(queue, number + 1)
    store.open.set()
    for thread in first + threads:
        thread.join(10)
    assert [len(group) for group in store.groups[MOST_WRITERS:]] in ([1, 2], [2, 1])


def test_what_was_written_is_let_go_without_a_search_for_garbage() -> None:
    store = Store()
    queue = Queue(store.write)
    threads = in_threads(queue.run, [large(number) for number in range(MOST_WRITERS)])
    assert all(store.entered.acquire(timeout=10) for _ in threads)
    late = [Job({number}, frozenset([number])) for number in (1, 2)]  # a set, as None has no weak references
    kept = [weakref.ref(one.what) for one in late]
    threads += in_threads(queue.run, late)
    assert waiting(queue, 2)
    gc.disable()
    try:
        store.open.set()
        for thread in threads:
            thread.join(10)
        assert [len(group) for group in store.groups] == [1] * MOST_WRITERS + [2]
        del late, threads, thread
        store.groups.clear()
        assert [one() for one in kept] == [None, None]
    finally:
        gc.enable()


def test_a_job_that_nobody_says_is_written_is_an_error() -> None:
    with pytest.raises(Unwritten):
        Queue(lambda group: None).run(job(1))


def test_a_writer_that_is_interrupted_fails_its_group_and_frees_its_place() -> None:
    def interrupted(group: Group[None]) -> None:
        if 1 in group[0].keys:
            raise KeyboardInterrupt
        group[0].error = None

    queue = Queue(interrupted)
    for _ in range(MOST_WRITERS + 1):
        with pytest.raises(KeyboardInterrupt):
            queue.run(job(1))
    queue.run(job(2))


@pytest.mark.parametrize(("shared", "enough"), [(1, 50), (4, 3), (40, 50), (40, 3)])
def test_many_threads_are_all_written_exactly_once(shared: int, enough: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "KEYS_FOR_ANOTHER", enough)
    written: list[int] = []

    def write(group: Group[None]) -> None:
        threading.Event().wait(0.0005)
        keys = [key for one in group for key in one.keys]
        assert len({*keys}) == len(keys)
        for one in group:
            written.extend(key for key in one.keys if isinstance(key, int))
            one.error = None

    queue = Queue(write)

    def send(sender: int) -> None:
        for number in range(50):
            queue.run(job(sender * 1_000 + number, -1 - (sender + number) % shared))

    threads = [threading.Thread(target=send, args=[sender]) for sender in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    own = [key for key in written if key >= 0]
    assert sorted(own) == sorted(sender * 1_000 + number for sender in range(16) for number in range(50))
