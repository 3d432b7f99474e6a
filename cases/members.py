"""The members of a project, as those who may have a case and hear of it."""

from accounts.models import Membership, Project, User


def members_of(project: Project) -> list[User]:
    """Who may be given a case: the project's members that can log in, by name."""
    found = User.objects.filter(memberships__project=project, is_active=True)
    return sorted(found, key=lambda user: name_of(user).casefold())


def is_member(project: Project, user_id: str) -> bool:
    """Whether this id is that of a member of the project."""
    return user_id.isdecimal() and Membership.objects.filter(project=project, user_id=int(user_id)).exists()


def told_of(project: Project, *users: User | None) -> list[str]:
    """The addresses of those of `users` who may still see the project, each once."""
    ids = [user.pk for user in users if user is not None and user.is_active]
    inside = set(Membership.objects.filter(project=project, user_id__in=ids).values_list("user_id", flat=True))
    able = [user for user in users if user is not None and user.is_active]
    return list(dict.fromkeys(user.email for user in able if user.pk in inside or user.is_superuser))


def name_of(user: User | None) -> str:
    """A member as the others know them; what llmobs did itself has none."""
    return (user.name or user.email) if user else "Somebody who is gone"
