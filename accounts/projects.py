"""Making projects and the people in them. Everything here may run twice."""

from accounts.models import Membership, Project, Role, User


def create_project(slug: str, name: str = "") -> Project:
    """The project `slug`; made when there is none."""
    return Project.objects.get_or_create(slug=slug, defaults={"name": name or slug})[0]


def make_administrator(email: str, password: str) -> bool:
    """Make the installation's administrator. False, and nothing changes, when there is one already."""
    if User.objects.filter(is_superuser=True).exists():
        return False
    User.objects.create_superuser(email, password)
    return True


def make_member(email: str, project: Project, role: Role, password: str) -> bool:
    """Give `email` a role in `project`. True when the person is new and `password` is the first password."""
    user = User.objects.filter(email=email.strip().lower()).first()
    is_new = user is None
    if user is None:
        user = User.objects.create_user(email, password)
    Membership.objects.update_or_create(user=user, project=project, defaults={"role": role})
    return is_new
