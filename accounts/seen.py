"""What a member may see: all their projects, with their role in each, by one statement. Every page shows them."""

from functools import lru_cache
from typing import Any, Final

from django.db import connection
from django.db.models import Field

from accounts.models import Project, Role, User

Seen = list[tuple[Project, Role]]

# As `access.projects_of`: administrators see all.
SEEN: Final = """
    SELECT m.role, {columns}
    FROM accounts_project p
    LEFT JOIN accounts_membership m ON m.project_id = p.id AND m.user_id = %(user)s
    WHERE m.id IS NOT NULL OR %(sees_all)s
    ORDER BY p.name, p.id
"""


def seen_by(user: User) -> Seen:
    """The projects that `user` may see, by name. Asked once for one object, of which each request has its own."""
    if user.seen is None:
        with connection.cursor() as cursor:
            cursor.execute(_statement(), {"user": user.pk, "sees_all": user.is_superuser})
            lines = cursor.fetchall()
        user.seen = [(_project(line), Role.ADMIN if user.is_superuser else Role(role)) for role, *line in lines]
    return user.seen


@lru_cache(maxsize=1)
def _statement() -> str:
    return SEEN.format(columns=", ".join(f"p.{field.column}" for field in _fields()))


@lru_cache(maxsize=1)
def _fields() -> "tuple[Field[Any, Any], ...]":
    return tuple(Project._meta.concrete_fields)


def _project(line: list[Any]) -> Project:
    """A row as Django would have read it."""
    values = [
        field.from_db_value(value, None, connection) if hasattr(field, "from_db_value") else value
        for field, value in zip(_fields(), line, strict=True)
    ]
    return Project.from_db(connection.alias, [field.attname for field in _fields()], values)
