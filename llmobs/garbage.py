"""Python's search for garbage, for processes that serve."""

import gc


def settle() -> None:
    """Call this once all is imported: what was made until here stays and is not searched again.

    To search after each 700 new objects, as Python does, took a third of the time in which a trace of 32,000 spans is
    read.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
