"""The columns of the list of traces: which there are, and the choice, order and widths that an address asks for. Pure.

    columns=time,outcome:140,asked,user,metadata.order_id:120&density=compact

A colon and a width in pixels may stand behind a column. Keys of metadata are percent-encoded once more, as they may
hold commas and colons.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote, unquote

METADATA: Final = "metadata."
MOST: Final = 24  # columns of one list
MOST_METADATA: Final = 6
LONGEST_KEY: Final = 100  # characters of a key of metadata
LONGEST: Final = 3_000  # characters of a choice as it stands in an address
NARROWEST, WIDEST = 48, 1_200  # pixels
LEAST_LEFT: Final = 240  # pixels of a column that takes what is left
_METADATA_WIDTH: Final = 120
PREVIEW_WIDTH: Final = 36  # pixels of the last column, which opens a preview
NORMAL: Final = "normal"
DENSITIES: Final = {"compact": "Compact", NORMAL: "Normal", "roomy": "Roomy"}


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `width` is in pixels; None takes what is left. `sort` is a word of `asked.SORTS`, "" for none.

    `further` ones are read from the spans or the index once more, and only where they are shown.
    """

    key: str
    label: str
    width: int | None
    meaning: str = ""
    sort: str = ""
    css: str = ""
    further: bool = False

    @property
    def words(self) -> str:
        """The column as an address says it."""
        if self.key.startswith(METADATA):
            return METADATA + quote(self.key.removeprefix(METADATA), safe="")
        return self.key


@dataclass(frozen=True, slots=True)
class Layout:
    """How a list is shown. `chosen`: by somebody; else what a narrow window has no room for is left out of it."""

    columns: tuple[Column, ...]
    density: str = NORMAL
    chosen: bool = False

    @property
    def words(self) -> str:
        """The columns with the widths that differ from the usual, as an address says them; "" for the usual ones."""
        if not self.chosen:
            return ""
        said = [one.words + (f":{one.width}" if one.width != _usual_width(one.key) else "") for one in self.columns]
        return "" if said == [one.words for one in USUAL] else ",".join(said)

    @property
    def width(self) -> int | None:
        """The pixels that it needs at least; None where it adapts to the window."""
        return sum(one.width or LEAST_LEFT for one in self.columns) + PREVIEW_WIDTH if self.chosen else None

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(one.key for one in self.columns)

    @property
    def metadata_keys(self) -> list[str]:
        """The keys of metadata that it shows."""
        return [one.key.removeprefix(METADATA) for one in self.columns if one.key.startswith(METADATA)]


_WIDE, _WIDER, _WIDEST = "trace-table__wide", "trace-table__wider", "trace-table__widest"
_ALL: Final = (
    Column("time", "Time", 100, "when it began", "time", "trace-table__time"),
    Column("outcome", "Outcome", 120, "how it went", css="trace-table__state"),
    Column("asked", "Asked", None, "what was asked; it opens the trace", css="trace-table__asked"),
    Column("feature", "Feature", 112, "what of your product asked", css=_WIDER),
    Column("user", "User", 120, "your customer's id, and the session", css=_WIDE),
    Column("model", "Model", 120, "model asked for, or that answered", css=_WIDEST),
    Column("prompt", "Prompt", 104, "prompt and its version", css=_WIDEST),
    Column("took", "Took", 132, "how long, against what is usual", "latency", "num trace-table__took"),
    Column("tokens", "Tokens", 106, "in and out", "tokens", "num trace-table__tokens"),
    # "at least $0.000275" is 123 px in the widest of the usual fonts, DejaVu Sans, and 20 are beside it.
    Column("cost", "Cost", 148, "of all calls", "cost", "num trace-table__cost"),
    Column("answered", "Answered", 260, "the beginning of what was answered"),
    Column("name", "Name", 140, "name of the first step"),
    Column("failure", "Failure", 128, "what went wrong in a step", further=True),
    Column("retries", "Retries", 72, "tries beyond the first", css="num", further=True),
    Column("provider", "Provider", 104, "who runs the model", further=True),
    Column("first_token", "First token", 96, "how long until the first token", css="num", further=True),
    Column("steps", "Steps", 72, "how many steps it has", css="num"),
    Column("calls", "Calls", 72, "calls of a model", css="num"),
    Column("session", "Session", 136, "session or conversation"),
    Column("request", "Request", 144, "request id"),
    Column("trace", "Trace", 144, "trace id"),
    Column("environment", "Environment", 104, "where it ran"),
    Column("release", "Release", 120, "release of your service"),
    Column("tags", "Tags", 136, "tags of its steps", further=True),
    Column("scores", "Scores", 152, "how it was judged", further=True),
)
COLUMNS: Final[Mapping[str, Column]] = {one.key: one for one in _ALL}
USUAL: Final = _ALL[:10]
_LINK: Final = COLUMNS["asked"]  # it opens the trace, and so is always there


def usual(density: str = "") -> Layout:
    """The layout of a list that nobody chose anything for."""
    return Layout(USUAL, density if density in DENSITIES else NORMAL)


def layout_of(words: str, density: str) -> Layout:
    """The layout that an address asks for. Nothing in it can break it: what is no column is left out."""
    found: dict[str, Column] = {}
    for part in words[:LONGEST].split(",") if words else ():
        column = _read(part)
        if column and column.key not in found and _has_room(found, column):
            found[column.key] = column
    if not found:
        return usual(density)
    return Layout(tuple(_with_link(found.values())), usual(density).density, chosen=True)


def metadata_column(key: str) -> Column | None:
    """The column of a key of metadata; None for what is no key."""
    key = key.strip()
    if not key or len(key) > LONGEST_KEY or not key.isprintable():
        return None
    return Column(METADATA + key, key, _METADATA_WIDTH, "sent along as metadata", further=True)


def moved(layout: Layout, key: str, by: int) -> Layout:
    """The same with one column so many places further right; at the ends it stays."""
    columns = list(layout.columns)
    here = next((place for place, one in enumerate(columns) if one.key == key), None)
    if here is None:
        return layout
    there = min(max(here + by, 0), len(columns) - 1)
    columns.insert(there, columns.pop(here))
    return replace(layout, columns=tuple(columns), chosen=True)


def _read(part: str) -> Column | None:
    name, _, width = part.partition(":")
    own = name.startswith(METADATA)
    column = metadata_column(unquote(name.removeprefix(METADATA))) if own else COLUMNS.get(name)
    if column and width.isascii() and width.isdecimal() and len(width) <= 5:
        return replace(column, width=min(max(int(width), NARROWEST), WIDEST))
    return column


def _has_room(found: Mapping[str, Column], column: Column) -> bool:
    own = sum(key.startswith(METADATA) for key in found)
    return len(found) < MOST and (own < MOST_METADATA or not column.key.startswith(METADATA))


def _with_link(columns: Iterable[Column]) -> Iterator[Column]:
    """The columns with the one that opens a trace: behind time and outcome where it was not named."""
    have = list(columns)
    if all(one.key != _LINK.key for one in have):
        have.insert(sum(one.key in ("time", "outcome") for one in have[:2]), _LINK)
    yield from have


def _usual_width(key: str) -> int | None:
    return COLUMNS[key].width if key in COLUMNS else _METADATA_WIDTH
