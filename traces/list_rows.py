"""The rows of the list of traces, cell by cell: what stands in each column. Pure but for the addresses.

How a cell is drawn is in row_markup.py.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from llmobs.lib.templatetags import figures
from traces.columns import METADATA, Column, Layout
from traces.listing import TraceRow
from traces.search.excerpt import Piece
from traces.search.results import Place
from traces.usual import Against

LONGEST: Final = 300  # characters of a cell and of what it says on hover


@dataclass(frozen=True, slots=True)
class Further:
    """What only some columns show of a trace. None means unknown. `metadata` is in small letters, as in the index."""

    provider: str | None = None
    failure: str | None = None
    retries: int = 0
    first_token_us: int | None = None
    tags: tuple[str, ...] = ()
    scores: tuple[str, ...] = ()
    metadata: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ListedTrace:
    """A row, its place in the list, and the piece of text that was found."""

    row: TraceRow
    place: Place
    pieces: list[Piece]
    further: Further = field(default_factory=Further)
    against: Against | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in one cell. `kind` tells how it is drawn (row_markup.py); "" is a text that is cut to its column."""

    text: str = ""
    kind: str = ""
    css: str = ""
    title: str = ""
    unknown: bool = False


def cells(one: ListedTrace, layout: Layout) -> list[Cell]:
    """The cells of a row, one for each column of the list."""
    return [_cell(one, column) for column in layout.columns]


def _cell(one: ListedTrace, column: Column) -> Cell:
    if column.key in _DRAWN:  # drawn from the row itself
        return Cell(kind=column.key, css=column.css)
    if column.key in _AMOUNTS:
        text, title, unknown = _AMOUNTS[column.key](one)
        return Cell(text, "took" if column.key == "took" and one.against else "amount", column.css, title, unknown)
    if column.key.startswith(METADATA):
        found = ", ".join(one.further.metadata.get(column.key.removeprefix(METADATA), ()))
    else:
        found = _TEXTS[column.key](one) or ""
    if not found:
        none = column.key in _NONE
        return Cell(
            "none" if none else _unsaid(one.row, column), "none" if none else "amount", column.css, unknown=True
        )
    kind = "id" if column.key in ("request", "session", "trace") else "feature" if column.key == "feature" else ""
    return Cell(found[:LONGEST], kind, column.css, found[:LONGEST])


def _unsaid(row: TraceRow, column: Column) -> str:
    """What stands in a cell whose text nobody sent."""
    return "no calls" if column.key in ("model", "prompt", "provider") and not row.calls else "not sent"


# Where there is none, nobody left anything out.
_NONE: Final = frozenset(("failure", "tags", "scores"))
_DRAWN: Final = frozenset(("time", "outcome", "asked", "user"))
_TEXTS: Final[Mapping[str, Callable[[ListedTrace], str | None]]] = {
    "feature": lambda one: one.row.feature,
    "model": lambda one: one.row.model,
    "prompt": lambda one: one.row.prompt,
    "answered": lambda one: one.row.answered,
    "name": lambda one: one.row.sent_name,
    "failure": lambda one: one.further.failure,
    "provider": lambda one: one.further.provider,
    "session": lambda one: one.row.session_id,
    "request": lambda one: one.row.request_id,
    "trace": lambda one: one.row.trace_id,
    "environment": lambda one: one.row.environment,
    "release": lambda one: one.row.release,
    "tags": lambda one: ", ".join(one.further.tags),
    "scores": lambda one: ", ".join(one.further.scores),
}

_SMALL: Final = Decimal("0.0001")  # dollars
Amount = tuple[str, str, bool]  # the words, what they say on hover, and whether it is unknown


def _took(one: ListedTrace) -> Amount:
    return figures.duration_us(one.row.duration_us), "", one.row.duration_us is None


def _tokens(one: ListedTrace) -> Amount:
    row = one.row
    if row.tokens is None:
        return "not sent" if row.calls else "no calls", "", True
    words = f"{figures.short(row.input_tokens, '?')} / {figures.short(row.output_tokens, '?')}"
    return words, f"{figures.count(row.input_tokens)} in, {figures.count(row.output_tokens)} out", False


def _cost(one: ListedTrace) -> Amount:
    row = one.row
    if row.cost_usd is None:
        return "unknown" if row.calls else "no calls", "", True
    exact = f"${row.cost_usd}"
    if not row.calls_without_price:
        return figures.money(row.cost_usd), exact, False
    if 0 < row.cost_usd < _SMALL:  # all its digits would not fit, and an amount is never cut
        return "over $0", f"at least {exact}", False
    return figures.at_least(row.cost_usd), exact, False


def _first_token(one: ListedTrace) -> Amount:
    us = one.further.first_token_us
    return figures.duration_us(us, "not sent" if one.row.calls else "no calls"), "", us is None


_AMOUNTS: Final[Mapping[str, Callable[[ListedTrace], Amount]]] = {
    "took": _took,
    "tokens": _tokens,
    "cost": _cost,
    "first_token": _first_token,
    "retries": lambda one: (figures.count(one.further.retries), "", False),
    "steps": lambda one: (figures.count(one.row.spans), "", False),
    "calls": lambda one: (figures.count(one.row.calls), "", False),
}
