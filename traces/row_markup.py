"""One row of the list of traces as HTML: in Python, as a page has 50 of them, for which a template took 33 of 45 ms."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import Truncator

from llmobs.lib.templatetags.figures import clock
from traces.addresses import feature_url, session_url, user_url
from traces.columns import Layout
from traces.list_rows import Cell, ListedTrace, cells
from traces.search.asked import after_words


@dataclass(frozen=True, slots=True)
class Links:
    """Where a row leads: the trace's page, its preview without scripts, and what a script fetches for that."""

    page: str
    opened: str
    fragment: str


def row_markup(one: ListedTrace, layout: Layout, project_slug: str, links: Links) -> SafeString:
    """The row as a `tr`, with its trace's key, moment and place for scripts. Whatever was sent is escaped."""
    drawn = [
        f"<td{_css(cell)}>{_pick(one) if place == 0 else ''}{_DRAWN[cell.kind](cell, one, project_slug, links)}\n</td>"
        for place, cell in enumerate(cells(one, layout))
    ]
    at = int(one.row.happened_at.timestamp() * 1_000_000)
    return mark_safe(  # noqa: S308
        f'<tr data-trace="{one.row.key.hex()}" data-at="{at}" data-after="{escape(after_words(one.place.after))}">'
        f'{"".join(drawn)}<td class="trace-table__more"><a href="{escape(links.opened)}"'
        f' data-preview="{escape(links.fragment)}" aria-label="Preview" title="Preview (space)">'
        '<span aria-hidden="true">▾</span></a></td></tr>\n'
    )


def _css(cell: Cell) -> str:
    return f' class="{cell.css}"' if cell.css else ""


def _pick(one: ListedTrace) -> str:
    """The box in a row's first cell by which it is selected."""
    return (
        f'<label class="pick"><input type="checkbox" name="t" value="{escape(one.row.address)}" form="pick" data-pick'
        f' aria-label="Select {escape(_short(_title(one), 60))}" title="Select to compare (x)"></label>'
    )


def _text(cell: Cell, one: ListedTrace, project_slug: str, links: Links) -> str:
    title = f' title="{escape(cell.title)}"' if cell.title else ""
    return f'<span class="cut"{title}>{escape(cell.text)}</span>'


def _amount(cell: Cell, one: ListedTrace, project_slug: str, links: Links) -> str:
    said = ' class="unknown"' if cell.unknown else f' title="{escape(cell.title)}"' if cell.title else ""
    return f"<span{said}>{escape(cell.text)}</span>"


def _time(cell: Cell, one: ListedTrace, project_slug: str, links: Links) -> str:
    return clock(one.row.happened_at)


def _outcome(cell: Cell, one: ListedTrace, project_slug: str, links: Links) -> str:
    tone = one.row.state_tone
    sign = f'<svg class="sign" aria-hidden="true"><use href="#sign-{tone}"/></svg>'
    return f'<span class="state state--{tone}">{sign}{escape(one.row.state_word)}</span>'


def _asked(cell: Cell, one: ListedTrace, project_slug: str, links: Links) -> str:
    link = f'<a class="table__main" href="{escape(links.page)}" data-row><bdi>{escape(_title(one))}</bdi></a>'
    if not one.pieces:
        return link
    hit = [f"<mark>{escape(piece.text)}</mark>" if piece.found else escape(piece.text) for piece in one.pieces]
    return f'{link}<small class="trace-table__hit">{"".join(hit)}</small>'


def _user(cell: Cell, one: ListedTrace, project_slug: str, links: Links) -> str:
    row, who = one.row, '<span class="unknown">not sent</span>'
    if row.user_id:
        who = f'<a class="id cut" href="{escape(user_url(project_slug, row.user_id))}">{escape(row.user_id)}</a>'
    if row.session_id:
        words = escape(f"Session {_short(row.session_id, 80)}")
        who += (
            f'<a href="{escape(session_url(project_slug, row.session_id, row.address))}" title="{words}">'
            '<svg class="sign sign--small" aria-hidden="true"><use href="#sign-session"/></svg>'
            f'<span class="hidden-words">{words}</span></a>'
        )
    return f'<span class="trace-table__who">{who}</span>'


def _feature(cell: Cell, one: ListedTrace, project_slug: str, links: Links) -> str:
    there = escape(feature_url(project_slug, one.row.feature or ""))
    return f'<a class="cut" href="{there}" title="{escape(cell.title)}">{escape(cell.text)}</a>'


def _took(cell: Cell, one: ListedTrace, project_slug: str, links: Links) -> str:
    """As components/usual.html, beside the words."""
    mark = one.against
    if mark is None:  # then the cell is an amount
        return _amount(cell, one, project_slug, links)
    return (
        f'<span class="trace-table__against"><svg class="usual usual--{mark.tone}" viewBox="0 0 100 12"'
        f' preserveAspectRatio="none" role="img" aria-label="{escape(mark.words)}">'
        '<line class="usual__scale" x1="0" x2="100" y1="6" y2="6"/>'
        f'<line class="usual__band" x1="{mark.low}" x2="{mark.high}" y1="6" y2="6"/>'
        f'<line class="usual__now" x1="{mark.now}" x2="{mark.now}" y1="1.5" y2="10.5"/></svg>'
        f"<span>{escape(cell.text)}</span></span>"
    )


def _none(cell: Cell, one: ListedTrace, project_slug: str, links: Links) -> str:
    return f'<span class="muted">{escape(cell.text)}</span>'


def _id(cell: Cell, one: ListedTrace, project_slug: str, links: Links) -> str:
    return f'<span class="id cut" title="{escape(cell.title)}">{escape(cell.text)}</span>'


# By the kind of the cell, see `Cell`.
_DRAWN: Final[dict[str, Callable[[Cell, ListedTrace, str, Links], str]]] = {
    "": _text,
    "amount": _amount,
    "time": _time,
    "outcome": _outcome,
    "asked": _asked,
    "user": _user,
    "feature": _feature,
    "took": _took,
    "none": _none,
    "id": _id,
}


def _title(one: ListedTrace) -> str:
    return one.row.asked or one.row.name


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else str(Truncator(text).chars(most))
