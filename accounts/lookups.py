"""What a member looked up before, for the palette: the newest of it, per project."""

from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import DatabaseError, connection

from accounts.access import projects_of
from accounts.models import LookUp, Project, User

KEPT: Final = 50  # of a member in a project
LONGEST: Final = 500  # characters; a longer text is no line of a list
_FOUND: Final = 40  # characters of what came of it

# What is asked again moves to the top; what is past KEPT, or older than anything that can be found, goes. The answer
# does not wait for the disk: what a power cut takes is a line of a list.
REMEMBER = """
    WITH gone AS (
        DELETE FROM accounts_lookup
        WHERE user_id = %(user)s AND project_id = %(project)s AND (text = %(text)s OR id NOT IN (
            SELECT id FROM accounts_lookup
            WHERE user_id = %(user)s AND project_id = %(project)s AND looked_up_at > %(oldest)s
            ORDER BY looked_up_at DESC LIMIT %(kept)s
        ))
    )
    INSERT INTO accounts_lookup (user_id, project_id, text, found, looked_up_at)
    SELECT %(user)s, %(project)s, %(text)s, %(found)s, %(now)s
    FROM (SELECT set_config('synchronous_commit', 'off', true)) AS quickly
"""


def remember(user: User, project: Project, text: str, found: str, now: datetime) -> None:
    """Keep one look-up. A text of more than LONGEST characters is not kept, nor any while the database is read-only.

    A look-up is answered all the same: that it is kept is not what it was made for.
    """
    if not text or len(text) > LONGEST:
        return
    oldest = now - timedelta(days=settings.SPAN_RETENTION_DAYS)
    whose: dict[str, Any] = {"user": user.pk, "project": project.pk, "kept": KEPT - 1, "oldest": oldest}
    try:
        with connection.cursor() as cursor:
            cursor.execute(REMEMBER, {**whose, "text": text, "found": found[:_FOUND], "now": now})
    except DatabaseError:
        return


def last_project(user: User) -> Project | None:
    """The project in which `user` looked something up last, of those that they may still see; None where in none."""
    mine = LookUp.objects.filter(user=user, project__in=projects_of(user))
    last = mine.select_related("project").order_by("-looked_up_at", "-id").first()
    return last.project if last else None


def lookups_of(user: User, project: Project) -> list[LookUp]:
    """What `user` looked up in `project`, the newest first, at most KEPT."""
    return list(LookUp.objects.filter(user=user, project=project).order_by("-looked_up_at", "-id")[:KEPT])
