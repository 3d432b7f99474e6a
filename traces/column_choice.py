"""The form of columns above the list of traces: what it shows, and what is read out of it."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from django.http import QueryDict

from traces.columns import COLUMNS, DENSITIES, METADATA, Column, Layout, layout_of, metadata_column, moved, usual
from traces.models import ListChoice, SavedView
from traces.search.asked import Asked

PLACE: Final = "columns"


@dataclass(frozen=True, slots=True)
class Offered:
    """One line of the form. `words` are the column as an address says it, with its width where that was changed."""

    column: Column
    words: str
    shown: bool
    place: str


def offered(layout: Layout) -> list[Offered]:
    """The columns of a list in their order, then all others."""
    shown = [Offered(one, _words(one), True, _place(one.words)) for one in layout.columns]
    return [*shown, *(Offered(one, one.words, False, _place(one.words)) for one in _others(layout))]


def chosen(said: QueryDict) -> Layout:
    """The layout that the form asks for: its ticked columns in their order, one of them moved, a key of metadata."""
    density = said.get("density", "")
    if "usual" in said:
        return usual(density)
    words = [one for one in said.getlist("columns") if one]
    if added := metadata_column(said.get("key", "").strip().removeprefix(METADATA)):
        words.append(added.words)
    layout = layout_of(",".join(words), density)
    name, _, by = said.get("move", "").rpartition(":")
    return moved(layout, unquote(name), {"up": -1, "down": 1}.get(by, 0)) if name else layout


def layout_for(asked: Asked, choice: ListChoice, view: SavedView | None) -> Layout:
    """How a list is shown: as its address says; else, where that is no saved view's, as the member chose."""
    said = dict(asked.shown)
    kept = {} if view else {"columns": choice.columns, "density": choice.density}
    return layout_of(said.get("columns") or kept.get("columns", ""), said.get("density") or kept.get("density", ""))


def densities(layout: Layout) -> list[tuple[str, str, bool]]:
    """Each density with its word, and whether it is the list's."""
    return [(key, word, key == layout.density) for key, word in DENSITIES.items()]


def place_of(said: QueryDict) -> str:
    """Where the page goes on after the form: at the column that was moved or added, else at the rows."""
    name, _, _ = said.get("move", "").rpartition(":")
    if name:
        return _place(name)
    return PLACE if said.get("key") else "trace-rows"


def _others(layout: Layout) -> list[Column]:
    return [one for one in COLUMNS.values() if one.key not in layout.keys]


def _words(column: Column) -> str:
    return Layout((column,), chosen=True).words


def _place(words: str) -> str:
    return f"{PLACE}-{words}"
