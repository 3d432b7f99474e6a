import threading

import pytest

from traces.computing import MOST_BYTES, MOST_SPANS, computing

SMALL = [{}, {"size_bytes": MOST_BYTES}, {"spans": MOST_SPANS}]
LARGE = [{"size_bytes": MOST_BYTES + 1}, {"spans": MOST_SPANS + 1}]


def another_thread_begins_within(seconds, **size):
    """Whether another thread may begin with a request of this size; it ends before this returns or soon after."""
    begun = threading.Event()

    def work():
        with computing(**size):
            begun.set()

    threading.Thread(target=work, daemon=True).start()
    return begun.wait(seconds)


@pytest.mark.parametrize("size", SMALL)
def test_requests_take_turns(size):
    with computing(spans=1):
        assert not another_thread_begins_within(0.05, **size)
    assert another_thread_begins_within(10, **size)


@pytest.mark.parametrize("size", LARGE)
def test_a_large_request_neither_waits_nor_keeps_anybody_waiting(size):
    with computing(spans=1):
        assert another_thread_begins_within(10, **size)
    with computing(**size):
        assert another_thread_begins_within(10, spans=1)


def test_a_request_that_fails_gives_its_turn_back():
    with pytest.raises(ValueError, match="unreadable"), computing(spans=1):
        raise ValueError("unreadable")
    assert another_thread_begins_within(10, spans=1)
