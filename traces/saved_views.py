"""Views of the list of traces: those that are built in, and those that members save for themselves or their project.

A view's address is that of the list, with all that the view asks and `view=<id>`: the address alone decides what is
shown, and the id only says whose name it goes by.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from accounts.models import Project, User
from traces.columns import NORMAL, Layout
from traces.models import ListChoice, SavedView
from traces.search.asked import Asked, asked_in

MOST: Final = 50  # of a member in a project, and of a project
LONGEST_QUERY: Final = 12_000  # characters
KEPT_DELETED: Final = timedelta(days=1)  # for so long what was deleted can be brought back


class ViewError(Exception):
    """Why a view cannot be kept so, in a sentence with its cure."""


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """A view that every project has. It keeps the period that is looked at."""

    key: str
    name: str
    line: str
    sort: str = "time"


BUILT_IN: Final = (
    BuiltIn("all", "All", ""),
    BuiltIn("no-answer", "No answer", "status:error"),
    BuiltIn("failed", "Failed steps", "has:error"),
    BuiltIn("slow", "Slow", "latency:>10s", "latency"),
    BuiltIn("no-price", "Without a price", "-has:price"),
)


def views_of(member: User, project: Project) -> list[SavedView]:
    """The views that `member` may open in `project`, their own and the project's, by name."""
    return list(_visible(member, project).filter(deleted_at=None))


def view_for(member: User, project: Project, view_id: int, *, deleted: bool = False) -> SavedView | None:
    """One of those; None for one that is another member's, deleted or not there. `deleted`: deleted ones as well."""
    found = _visible(member, project).filter(pk=view_id)
    return (found if deleted else found.filter(deleted_at=None)).first()


def choice_of(member: User, project: Project) -> ListChoice:
    """What `member` chose for the list of `project`; an unsaved one where that is nothing."""
    found = ListChoice.objects.filter(project=project, member_id=member.pk).first()
    return found or ListChoice(project=project, member_id=member.pk)


def query_of(asked: Asked, layout: Layout) -> str:
    """What a view keeps of a list that is shown so: conditions, order, period, columns with widths, density."""
    density = "" if layout.density == NORMAL else layout.density
    return asked.shown_as(view="", columns=layout.words, density=density).query()


def save(view: SavedView) -> SavedView:
    """Keep a new view or a changed one. Raises ViewError: its name is taken, it is too long, or there are too many."""
    if len(view.query) > LONGEST_QUERY:
        raise ViewError("This list asks for more than a view can keep. Take some conditions or columns away.")
    if problem := asked_in(view.query).problem:
        raise ViewError(f"The query line cannot be read, so there is nothing to save. {problem.message}")
    same_owner = SavedView.objects.filter(project=view.project, owner=view.owner, deleted_at=None)
    if same_owner.exclude(pk=view.pk).count() >= MOST:
        raise ViewError(f"There are {MOST} views already. Delete one that nobody needs.")
    try:
        with transaction.atomic():
            view.save()
    except IntegrityError as error:
        whose = "The project has" if view.shared else "You have"
        raise ViewError(f"{whose} a view called {view.name} already. Choose another name.") from error
    return view


def delete(view: SavedView, now: datetime) -> None:
    """Take a view away; it can be brought back for a day. Safe to repeat."""
    SavedView.objects.filter(project=view.project, deleted_at__lt=now - KEPT_DELETED).delete()
    SavedView.objects.filter(pk=view.pk, deleted_at=None).update(deleted_at=now)


def restore(view: SavedView) -> SavedView:
    """Bring a deleted view back. Safe to repeat. Raises ViewError: its name is taken by now, or there are too many."""
    view.deleted_at = None
    return save(view)


def _visible(member: User, project: Project) -> QuerySet[SavedView]:
    return SavedView.objects.filter(Q(owner=None) | Q(owner_id=member.pk), project=project)
