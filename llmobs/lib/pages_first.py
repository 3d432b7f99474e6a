"""In a process that does both, what takes spans in gives way to pages, for which somebody waits.

Python runs one thread at a time and lets the running one go on for 5 ms before it hands over. A page waits for the
database a dozen times, and each time it came back to a thread that was reading spans, it waited for that one too.
"""

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

EACH: Final = 20  # spans between two looks: a third of a millisecond
PAUSE_SECONDS: Final = 0.00005  # long enough for the other thread to go on, which then may for 5 ms

Item = TypeVar("Item")

_lock = threading.Lock()
_pages = 0


@contextmanager
def page() -> Iterator[None]:
    """While a page is being made."""
    global _pages
    with _lock:
        _pages += 1
    try:
        yield
    finally:
        with _lock:
            _pages -= 1


def giving_way(items: Iterable[Item]) -> Iterator[Item]:
    """The items, with a pause after each EACH of them while a page is being made."""
    for number, item in enumerate(items):
        if _pages and not number % EACH:
            time.sleep(PAUSE_SECONDS)
        yield item
