"""What a key may send: requests and spans a minute, bytes at once. Nothing is done for keys without limits.

What counts them is only loaded for the first key that has any: the client of Valkey is 8 MB in each process.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from django.utils.module_loading import import_string

from accounts.keys import KeyHolder, Limits, remembered
from traces.errors import TooBusy

Release = Callable[[], None]
_COUNTED_BY: Final = "traces.limit_counts"


class LimitReached(TooBusy):
    """The key has sent what it may for now; says which limit, and when to come back."""

    def __init__(self, sentence: str, seconds: int) -> None:
        super().__init__(f"{sentence}; send it again in {seconds} s.")
        self.retry_after_seconds = seconds


def admit(holder: KeyHolder, size_bytes: int) -> Release:
    """Count a request of this size; what is returned is called when it is answered. Raises LimitReached."""
    if holder.limits is None:
        return nothing
    counted: Callable[[bytes, Limits, int], Release] = import_string(f"{_COUNTED_BY}.admit")
    return counted(holder.digest, holder.limits, size_bytes)


@contextmanager
def admitted(holder: KeyHolder, size_bytes: int) -> Iterator[None]:
    """`admit` for as long as the `with` lasts."""
    release = admit(holder, size_bytes)
    try:
        yield
    finally:
        release()


def note_spans(key: bytes | None, number: int) -> None:
    """Count spans that were stored for the key with this digest, if they are limited."""
    holder = remembered(key)
    if holder is not None and holder.limits is not None and holder.limits.spans_per_minute is not None:
        counted: Callable[[bytes, int], None] = import_string(f"{_COUNTED_BY}.note_spans")
        counted(holder.digest, number)


def nothing() -> None:
    """Nothing was counted, so nothing is released."""
