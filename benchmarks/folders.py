"""Where what is installed for a benchmark is kept."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def folder(given: Path | None) -> Iterator[Path]:
    """The one that was named, else one that is forgotten afterwards."""
    if given:
        yield given.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="llmobs-peers-", dir="/tmp") as name:
        yield Path(name)
