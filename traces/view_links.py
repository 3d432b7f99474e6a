"""The views above the list of traces, as its template needs them: links, which is the current one, what can be done."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from django.urls import reverse

from accounts.models import Project, Role
from traces.columns import Layout
from traces.models import SavedView
from traces.saved_views import BUILT_IN, BuiltIn, query_of
from traces.search.asked import Asked, asked_in, asked_of

SHOWN: Final = 7  # links in the line; the others are in a menu


@dataclass(frozen=True, slots=True)
class ViewLink:
    """One view as a link. `changed`: it is the current one, but the address asks for something else by now."""

    key: str
    name: str
    url: str
    current: bool = False
    changed: bool = False
    shared: bool = False


def current_view(asked: Asked, views: Sequence[SavedView]) -> SavedView | None:
    """The saved view that an address names; None for a built-in one, and for one that the member may not open."""
    named = dict(asked.shown).get("view", "")
    return next((view for view in views if str(view.pk) == named), None)


def address_of(project: Project, view: SavedView) -> str:
    """The address that a saved view stands for."""
    return f"{_list(project)}?{asked_in(view.query).shown_as(view=str(view.pk)).query()}"


def first_address(project: Project, key: str, views: Sequence[SavedView]) -> str | None:
    """The address of the view with this key; None where there is none by now."""
    if saved := next((view for view in views if str(view.pk) == key), None):
        return address_of(project, saved)
    built_in = next((one for one in BUILT_IN if one.key == key), None)
    return _address_of_built_in(project, built_in, asked_of({})) if built_in else None


def views_bar(
    project: Project, asked: Asked, layout: Layout, views: Sequence[SavedView], role: Role | None
) -> dict[str, Any]:
    """The line of views above the list, as _saved_views.html needs it."""
    named, current = dict(asked.shown).get("view", ""), current_view(asked, views)
    query = query_of(asked, layout)
    changed = current is not None and current.query != query
    links = [*(_built_in(project, one, asked, named, current) for one in BUILT_IN)]
    links += [
        ViewLink(str(one.pk), one.name, address_of(project, one), one == current, changed, one.shared) for one in views
    ]
    in_line = links[:SHOWN]
    if current and not any(one.current for one in in_line):  # the current one is always to be seen
        in_line = [*links[: SHOWN - 1], next(one for one in links if one.current)]
    return {
        "shown": in_line,
        "more": [one for one in links if one not in in_line],
        "current": current,
        "changed": changed,
        "may_change": current is not None and may_change(current, role),
        "may_share": may_share(role),
        "missing": bool(named) and current is None and named not in {one.key for one in BUILT_IN},
        "query": query,
    }


def may_share(role: Role | None) -> bool:
    """Whether a member with this role may change what the whole project has."""
    return role in (Role.ENGINEER, Role.ADMIN)


def may_change(view: SavedView, role: Role | None) -> bool:
    """Whether a member with this role may change a view that they may open."""
    return not view.shared or may_share(role)


def _built_in(project: Project, one: BuiltIn, asked: Asked, named: str, current: SavedView | None) -> ViewLink:
    """It is the current one while the address asks for just that, whether it says so or not."""
    here = current is None and (asked.line, asked.sort) == (one.line, one.sort) and named in ("", one.key)
    return ViewLink(one.key, one.name, _address_of_built_in(project, one, asked), here)


def _address_of_built_in(project: Project, one: BuiltIn, asked: Asked) -> str:
    said = {"q": one.line, "sort": "" if one.sort == "time" else one.sort, **asked.period.query(), "view": one.key}
    return f"{_list(project)}?{urlencode({name: value for name, value in said.items() if value})}"


def list_address(project: Project, query: str) -> str:
    """The list with these parameters, as `asked` reads them: nothing else gets into an address of ours."""
    return f"{_list(project)}?{asked_of(dict(parse_qsl(query))).query()}"


def manage_address(project: Project) -> str:
    """The page where views are renamed and deleted."""
    return reverse("traces:view-list", args=[project.slug])


def _list(project: Project) -> str:
    return reverse("traces:trace-list", args=[project.slug])
