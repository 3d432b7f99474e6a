"""What the templates of the list of traces are given. Pure but for the addresses."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django.utils.safestring import SafeString

from accounts.models import Project
from llmobs.lib.addresses import page, page_of
from traces.column_choice import densities, offered
from traces.columns import Column, Layout
from traces.list_rows import ListedTrace
from traces.row_markup import Links, row_markup
from traces.search.asked import After, Asked, after_words, asked_in
from traces.search.grammar import Term, line_of
from traces.search.neighbours import Neighbours
from traces.search.results import Place

# What a list is called by its order: of all, and behind "50 traces in the last hour, …".
_SORT_WORDS: Final = {
    "time": ("newest", "newest first"),
    "latency": ("slowest", "slowest first"),
    "cost": ("dearest", "dearest first"),
    "tokens": ("largest", "most tokens first"),
    "-time": ("oldest", "oldest first"),
    "-latency": ("quickest", "quickest first"),
    "-cost": ("cheapest", "cheapest first"),
    "-tokens": ("smallest", "fewest tokens first"),
}

BEHIND: Final = timedelta(seconds=10)  # how far the index may be behind before the page says so


def list_page(  # noqa: PLR0913
    project: Project,
    asked: Asked,
    rows: Sequence[ListedTrace],
    *,
    layout: Layout,
    last: After | None,
    stopped: After | None,
    indexed_up_to: datetime,
    now: datetime,
) -> dict[str, Any]:
    """The context of the list. Behind `last` more may follow; at `stopped` the search ran out of time."""
    here = page("traces:trace-list", project.slug)
    asked_query = asked.query()
    return {
        "project": project,
        "section": "traces",
        "q": "",  # of the look-up box, which is not this line
        "rows": [row_of(project, asked_query, one, layout) for one in rows],
        "layout": layout,
        "columns": {"offered": offered(layout), "densities": densities(layout), "list": asked_query},
        "periods": asked.period.choices(urlencode(_without_period(asked))),
        "period_words": asked.period.words(),
        "search": search_line(asked, here),
        "heads": [_head(asked, column, here) for column in layout.columns],
        "order_words": _SORT_WORDS[asked.sort][1],
        "total_words": _total_words(asked, len(rows), full=last is not None and not stopped),
        "older_url": f"{here}?{urlencode({**asked.params(), 'after': after_words(last)})}" if last else None,
        "older_words": "Search on" if stopped else "Older" if asked.sort == "time" else "More",
        "stopped": stopped is not None,
        "reached": stopped[0] if stopped and isinstance(stopped[0], datetime) else None,
        "first_url": f"{here}?{asked_query}" if asked.after else None,
        "exports": exports(project, asked),
        "behind": indexed_up_to if not asked.newest_of_all and now - indexed_up_to > BEHIND else None,
        "searched_up_to": min(indexed_up_to, now),
        "ways_out": ways_out(asked, here),
    }


def search_line(asked: Asked, here: str) -> dict[str, Any]:
    """The query line: a chip for each condition, or the whole line with its mistake marked."""
    problem = asked.problem
    hidden = {name: value for name, value in asked.params().items() if name != "q"}
    if problem:
        start, end = problem.position, problem.position + problem.length
        wrong = {"before": asked.line[:start], "wrong": asked.line[start:end], "after": asked.line[end:]}
        return {"line": asked.line, "message": problem.message, **wrong, "chips": [], "hidden": hidden}
    chips = [
        {
            "name": term.field or "",
            "value": _value_of(term),
            "negated": term.negated,
            "text": line_of([term]),
            "remove_url": _url(here, asked, _without(asked.terms, place)),
        }
        for place, term in enumerate(asked.terms)
    ]
    return {"line": asked.line, "message": "", "chips": chips, "hidden": hidden}


def exports(project: Project, asked: Asked) -> list[dict[str, str]]:
    """The links that download the whole list."""
    here = page("traces:trace-export", project.slug)
    kinds = (
        ("CSV, one line a trace", {"format": "csv"}),
        ("NDJSON, one line a trace", {"format": "ndjson"}),
        ("NDJSON with all steps", {"format": "ndjson", "spans": "1"}),
    )
    return [{"label": label, "url": f"{here}?{urlencode({**asked.params(), **kind})}"} for label, kind in kinds]


def ways_out(asked: Asked, here: str) -> list[dict[str, str]]:
    """What to try when nothing was found: the list without each of the conditions, and without any."""
    if not asked.terms:
        return []
    without = [
        {"label": f"without {line_of([term])}", "url": _url(here, asked, _without(asked.terms, place))}
        for place, term in enumerate(asked.terms)
    ]
    return without if len(without) == 1 else [*without, {"label": "all traces", "url": _url(here, asked, ())}]


def trace_url(project: Project, asked_query: str, address: str, place: Place) -> str:
    """The page of a trace, opened from a list: it knows the list, and the step that the text was found in."""
    said = {"span": place.span_id.hex() if place.span_id else "", "list": asked_query}
    query = urlencode({name: value for name, value in said.items() if value})
    return f"{page_of('traces:trace-detail', project.slug, address)}?{query}"


def neighbour_links(project: Project, query: str, beside: Neighbours) -> dict[str, str | None]:
    """The way back to the list that a trace was opened from, by its `query`, and to the trace's neighbours in it."""
    asked_query = asked_in(query).query()
    here = page("traces:trace-list", project.slug)
    return {
        "list_url": f"{here}?{asked_query}" if query else here,
        "previous_url": _place_url(project, asked_query, beside.previous),
        "next_url": _place_url(project, asked_query, beside.next),
    }


def _place_url(project: Project, asked_query: str, place: Place | None) -> str | None:
    return trace_url(project, asked_query, place.trace_id.hex(), place) if place else None


def row_of(project: Project, asked_query: str, one: ListedTrace, layout: Layout) -> SafeString:
    """A row of the list that was asked for by `asked_query`, drawn."""
    here = page("traces:trace-list", project.slug)
    links = Links(
        page=trace_url(project, asked_query, one.row.address, one.place),
        opened=f"{here}?{asked_query}&{urlencode({'preview': one.row.address})}#preview",
        fragment=page_of("traces:preview-fragment", project.slug, one.row.address),
    )
    return row_markup(one, layout, project.slug, links)


def _head(asked: Asked, column: Column, here: str) -> dict[str, Any]:
    """A column's head: where it leads, and how the list is sorted by it now. `url` is "" for what cannot be sorted."""
    sort = column.sort
    now = {sort: "descending", f"-{sort}": "ascending"}.get(asked.sort, "") if sort else ""
    query = asked.sorted_by(f"-{sort}" if now == "descending" else sort).query() if sort else ""
    return {
        "column": column,
        "url": f"{here}?{query}" if sort else "",
        "sorted": now,
        "arrow": {"descending": "↓", "ascending": "↑"}.get(now, ""),
    }


def _total_words(asked: Asked, count: int, *, full: bool) -> str:
    if asked.after:
        return f"{count} more trace{'' if count == 1 else 's'}"
    if full:
        return f"The {_SORT_WORDS[asked.sort][0]} {count} traces"
    return f"{count} trace{'' if count == 1 else 's'}"


def _without_period(asked: Asked) -> dict[str, str]:
    of_period = asked.period.query()
    return {name: value for name, value in asked.params().items() if name not in of_period}


def _without(terms: tuple[Term, ...], place: int) -> tuple[Term, ...]:
    return terms[:place] + terms[place + 1 :]


def _url(here: str, asked: Asked, terms: tuple[Term, ...]) -> str:
    return f"{here}?{asked.with_terms(terms).query()}"


def _value_of(term: Term) -> str:
    """What a chip says behind the field's name, as it was written."""
    plain = line_of([replace(term, negated=False)])
    if term.field is None:
        return plain
    return ("" if term.compare == ":" else term.compare) + term.value
