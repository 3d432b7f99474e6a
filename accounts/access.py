"""The one guarded way to a project. A stranger gets 404, so that a name tells nothing."""

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404

from accounts.models import Project, Role, User
from accounts.seen import seen_by

_RANK = {Role.SUPPORT: 0, Role.ENGINEER: 1, Role.ADMIN: 2}


def projects_of(user: User | AnonymousUser) -> QuerySet[Project]:
    """The projects that `user` may see, by name. Administrators see all, who is not logged in sees none."""
    if user.is_superuser:
        return Project.objects.all()
    if not user.is_authenticated:  # no id would match the projects that have no member
        return Project.objects.none()
    return Project.objects.filter(memberships__user_id=user.pk)


def role_in(user: User | AnonymousUser, project: Project) -> Role | None:
    """The role of `user` in `project`; None for a stranger."""
    if user.is_superuser:
        return Role.ADMIN
    if user.pk is None:
        return None
    return next((role for one, role in seen_by(user) if one.pk == project.pk), None)


def reaches(have: Role | None, needed: Role) -> bool:
    """Whether a member with the role `have` may do what needs `needed`; None is a stranger."""
    return have is not None and _RANK[have] >= _RANK[needed]


def seen_project(user: User | AnonymousUser, slug: str) -> Project | None:
    """The project named `slug`; None for strangers."""
    if not user.is_authenticated:
        return None
    return next((project for project, _ in seen_by(user) if project.slug == slug), None)


def project_for(user: User | AnonymousUser, slug: str, *, role: Role = Role.SUPPORT) -> Project:
    """The project named `slug` if `user` has at least `role` in it.

    Raises Http404 for strangers, and PermissionDenied for members whose role does not reach.
    """
    project = seen_project(user, slug)
    if project is None:
        raise Http404("There is no such project, or you are not a member of it.")
    if role != Role.SUPPORT and not reaches(role_in(user, project), role):
        raise PermissionDenied(f"This needs the role {role.label.lower()} in {project.name}. Ask an admin for it.")
    return project
