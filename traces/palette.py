"""What the palette leads to: earlier look-ups, the pages of a project, other projects. Pure but for the addresses."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from django.urls import reverse

from accounts.access import reaches
from accounts.models import LookUp, Project, Role
from llmobs.lib.templatetags import figures
from traces.models import SavedView
from traces.saved_views import BUILT_IN
from traces.view_links import address_of, first_address

_SHOWN_LOOK_UPS: Final = 6  # before anything is typed
_SHOWN_VIEWS: Final = 4
_SHOWN_PROJECTS: Final = 3

# Label, name of the address, sign, the role it needs, and other words that it is found by. What has a colon in its
# label is shown only once something is typed.
_PAGES: Final = (
    ("Look up", "traces:lookup", "lookup", Role.SUPPORT, "find request id home start"),
    ("Traces", "traces:trace-list", "traces", Role.SUPPORT, "list search requests calls"),
    ("Traces: views", "traces:view-list", "save", Role.SUPPORT, "saved rename delete first"),
    ("Dashboards", "dashboards:overview", "dashboards", Role.SUPPORT, "overview charts cost latency errors tokens"),
    ("Features", "dashboards:feature-list", "dashboards", Role.SUPPORT, "owner contact runbook usual versions live"),
    ("Incidents", "alerts:incident-list", "incidents", Role.SUPPORT, "alerts alarms"),
    ("Cases", "cases:case-list", "session", Role.SUPPORT, "complaints tickets fixes"),
    ("Rules", "alerts:rule-list", "incidents", Role.SUPPORT, "alerts limits thresholds"),
    ("Settings: keys", "accounts:keys", "more", Role.ADMIN, "api tokens secrets limits"),
    ("Settings: ids", "accounts:id-keys", "more", Role.ENGINEER, "metadata order"),
    ("Settings: facets", "accounts:facet-keys", "more", Role.ENGINEER, "dimensions metadata"),
    ("Settings: mails", "alerts:mail-list", "mail", Role.SUPPORT, "notifications sent"),
    ("Settings: inbox of refusals", "traces:inbox", "more", Role.ENGINEER, "rejected errors replay ingest"),
    ("How to send traces", "traces:send", "more", Role.SUPPORT, "sdk install setup connect clients opentelemetry"),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: its words, what stands at its end, where it leads.

    `also` holds other words that it is found by; with `later` it is shown only once something is typed.
    """

    label: str
    hint: str
    url: str
    sign: str
    also: str = ""
    later: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    entries: list[Entry]


def groups(before: list[Entry], views: list[Entry], pages: list[Entry]) -> list[Group]:
    """All that the palette offers, by its headings; headings without a line are left out."""
    found = [Group("Looked up before", before), Group("Views", views), Group("Go to", pages)]
    return [group for group in found if group.entries]


def look_ups(project: Project, before: Iterable[LookUp], now: datetime) -> list[Entry]:
    """Each text once: two tabs may have kept it at the same moment."""
    newest = {one.text: one for one in reversed(list(before))}
    box = reverse("traces:lookup", args=[project.slug])
    return [
        Entry(
            one.text,
            f"{one.found}, {figures.ago(one.looked_up_at, now)}",
            f"{box}?{urlencode({'q': one.text})}",
            "clock",
            later=place >= _SHOWN_LOOK_UPS,
        )
        for place, one in enumerate(sorted(newest.values(), key=lambda one: one.looked_up_at, reverse=True))
    ]


def saved(project: Project, views: Sequence[SavedView]) -> list[Entry]:
    """Those that somebody saved; the built-in ones are found once something is typed."""
    own = [
        Entry(
            one.name, "view of the project" if one.shared else "your view", address_of(project, one), "save",
            "saved view traces", later=place >= _SHOWN_VIEWS,
        )
        for place, one in enumerate(views)
    ]  # fmt: skip
    built_in = [
        Entry(one.name, "view", str(first_address(project, one.key, ())), "traces", "view traces", later=True)
        for one in BUILT_IN
    ]
    return [*own, *built_in]


def pages(project: Project, role: Role | None) -> list[Entry]:
    """The pages of a project that a member with `role` may open."""
    return [
        Entry(label, "page", reverse(name, args=[project.slug]), sign, also, later=":" in label)
        for label, name, sign, needed, also in _PAGES
        if reaches(role, needed)
    ]


def other_projects(project: Project, projects: Iterable[Project]) -> list[Entry]:
    """The look-ups of the member's other projects."""
    others = [other for other in projects if other.pk != project.pk]
    return [
        Entry(
            other.name,
            "project",
            reverse("traces:lookup", args=[other.slug]),
            "swap",
            f"switch {other.slug}",
            later=place >= _SHOWN_PROJECTS,
        )
        for place, other in enumerate(others)
    ]
