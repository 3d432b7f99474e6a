"""Files that other programs, and llmobs itself, export: one value of a file to what it holds. No Django.

A format is a module with two functions. `recognises` looks at one value; `read` raises Refused for a value that is
none of the format's, and tells of parts that cannot be taken.
"""

from collections.abc import Mapping
from typing import Final, Protocol

from traces.records import Json
from traces.wire.exported import langfuse, otlp, own, phoenix
from traces.wire.exported.found import Found

__all__ = ["FORMATS", "Found", "recognised"]


class Exported(Protocol):
    """One format of exported files."""

    def recognises(self, value: dict[str, Json]) -> bool:
        """Whether a value looks like one of this format."""

    def read(self, value: dict[str, Json]) -> Found:
        """What a value holds. Raises Refused and Unreadable."""


# In the order in which they are tried: what Langfuse calls its columns is the least peculiar.
FORMATS: Final[Mapping[str, Exported]] = {"otlp": otlp, "phoenix": phoenix, "llmobs": own, "langfuse": langfuse}


def recognised(value: Json) -> str | None:
    """The name of the format that a value is of; None for one that nobody knows."""
    if not isinstance(value, dict):
        return None
    return next((name for name, one in FORMATS.items() if one.recognises(value)), None)
