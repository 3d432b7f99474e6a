"""Reading cases: the list, one by its number, and those of a trace. Every read is of one project."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.db import connection
from django.db.models import Count, Q, QuerySet

from accounts.models import Project, User
from cases.models import Case, Event, Mail, Status

PAGE_ROWS = 50
LONGEST_WORDS = 200
# What the list shows by the word in its address: all that is not closed unless it says otherwise.
VIEWS: Mapping[str, tuple[str, Q]] = {
    "open": ("Not closed", ~Q(status=Status.CLOSED)),
    "came_back": ("Came back", Q(status=Status.CAME_BACK)),
    "waiting": ("Waiting for a fix", Q(status=Status.WAITING)),
    "fixed": ("Fixed", Q(status=Status.FIXED)),
    "closed": ("Closed", Q(status=Status.CLOSED)),
    "all": ("All", Q()),
}


@dataclass(frozen=True, slots=True)
class Sought:
    """What a list of cases is asked for: one of VIEWS, the id of a member, a feature, words, the page's place."""

    view: str = "open"
    assignee: int | None = None
    feature: str = ""
    words: str = ""
    before: int | None = None


@dataclass(frozen=True, slots=True)
class ListedCase:
    """A case in the list, and how many traces it has."""

    case: Case
    traces: int


@dataclass(frozen=True, slots=True)
class CaseOfTrace:
    """A case as the page of a trace tells it."""

    number: int
    title: str
    status: Status


OF_TRACE: Final = """
    SELECT c.number, c.title, c.status FROM cases_casetrace t JOIN cases_case c ON c.id = t.case_id
    WHERE t.trace_id = %(trace)s AND c.project_id = %(project)s
    ORDER BY c.number DESC
"""


def cases_of(project: Project, sought: Sought) -> tuple[list[ListedCase], int | None]:
    """A page of cases, the newest first, and the number that the next page starts below (None: there is none)."""
    found = _sought(project, sought).filter(VIEWS[sought.view][1])
    if sought.before is not None:
        found = found.filter(number__lt=sought.before)
    counted = found.select_related("assignee").annotate(trace_count=Count("traces")).order_by("-number")
    rows = [ListedCase(case, case.trace_count) for case in counted[: PAGE_ROWS + 1]]
    return rows[:PAGE_ROWS], rows[PAGE_ROWS - 1].case.number if len(rows) > PAGE_ROWS else None


def counts_of(project: Project, sought: Sought) -> dict[str, int]:
    """How many cases each of VIEWS has, of those that are asked for."""
    counted = {name: Count("pk", filter=condition) for name, (_, condition) in VIEWS.items() if name != "all"}
    return _sought(project, sought).aggregate(**counted, all=Count("pk"))


def has_cases(project: Project) -> bool:
    """Whether the project has any case at all."""
    return Case.objects.filter(project=project).exists()


def of_trace(project: Project, trace_id: bytes) -> list[CaseOfTrace]:
    """The cases that a trace is in, the newest first."""
    with connection.cursor() as cursor:
        cursor.execute(OF_TRACE, {"project": project.pk, "trace": trace_id})
        return [CaseOfTrace(number, title, Status(status)) for number, title, status in cursor.fetchall()]


def open_cases(project: Project, feature: str, limit: int = 6) -> list[Case]:
    """Cases to which a trace may belong, those of its feature first, then the newest."""
    found = Case.objects.filter(VIEWS["open"][1], project=project)
    alike = list(found.filter(feature=feature)[:limit]) if feature else []
    return (alike + [case for case in found[: limit * 2] if case not in alike])[:limit]


def history_of(case: Case) -> list[Event]:
    """The whole history, newest first."""
    return list(case.history.select_related("member").order_by("-id"))


def mails_of(case: Case) -> list[Mail]:
    return list(Mail.objects.filter(event__case=case))


def people_of(case: Case, events: Sequence[Event]) -> dict[str, User]:
    """Everybody whom the case was given to, by id as the history writes it."""
    given = {event.after for event in events if event.kind == Event.Kind.ASSIGNEE and event.after}
    return {str(one.pk): one for one in User.objects.filter(pk__in=given)} if given else {}


def _sought(project: Project, sought: Sought) -> QuerySet[Case]:
    found = Case.objects.filter(project=project)
    if sought.assignee is not None:
        found = found.filter(assignee_id=sought.assignee)
    if sought.feature:
        found = found.filter(feature=sought.feature)
    for word in sought.words.split():
        found = found.filter(_says(word))
    return found


def _says(word: str) -> Q:
    said = Q(title__icontains=word) | Q(note__icontains=word) | Q(reported_by__icontains=word)
    said |= Q(fix__icontains=word)
    number = word.removeprefix("#")
    return said | Q(number=int(number)) if number.isdecimal() and len(number) < 10 else said
