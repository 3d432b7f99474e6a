"""Threads take turns at what only computes: one request at a time in each process.

Python runs one thread at a time in any case. With two at work each step that lets go of its lock (zstd, a digest of a
long text, every 5 ms) hands it to the other, which finds its data gone from the core's cache.
"""

import threading
from contextlib import AbstractContextManager, nullcontext
from typing import Final

# A request that has more goes on beside the others: nobody waits a second for the body of somebody else.
MOST_BYTES: Final = 1_000_000
MOST_SPANS: Final = 1_000

_turn = threading.Lock()
_BESIDE: Final = nullcontext()


def computing(*, size_bytes: int = 0, spans: int = 0) -> AbstractContextManager[bool | None]:
    """What to hold while a request of this size is read, normalised or packed; not while anything is waited for."""
    return _BESIDE if size_bytes > MOST_BYTES or spans > MOST_SPANS else _turn
