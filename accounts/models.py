"""Who may do what: members, the projects they belong to, and the keys that services use."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.validators import RegexValidator
from django.db import models


class UserManager(BaseUserManager["User"]):
    """Makes members; an address is kept in lower case, so that it is one member however it is typed."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A member of staff. The customers' end users are only ids in traces."""

    class Theme(models.TextChoices):
        SYSTEM = "", "As the system"
        LIGHT = "light", "Light"
        DARK = "dark", "Dark"

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=100, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    theme = models.CharField(max_length=5, choices=Theme, default=Theme.SYSTEM, blank=True)
    time_zone = models.CharField(max_length=60, blank=True)  # "": taken from the browser at the next log-in
    single_keys = models.BooleanField(default=True)  # whether keys of one letter do something (WCAG 2.1.4)

    seen: "list[tuple[Project, Role]] | None" = None  # what `seen.seen_by` found, for this object

    objects: ClassVar[UserManager] = UserManager()
    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    def __str__(self) -> str:
        return self.email

    @property
    def initials(self) -> str:
        """Two letters for the corner of the page."""
        words = (self.name or self.email.partition("@")[0]).replace(".", " ").replace("_", " ").split()
        return "".join(word[0] for word in words[:2]).upper() or "?"


class Project(models.Model):
    """What keys write to and members see. Everything stored belongs to one."""

    slug = models.CharField(
        max_length=50,
        unique=True,
        validators=[RegexValidator(r"^[a-z0-9][a-z0-9-]*\Z", "Write lower-case letters, digits and dashes.")],
    )
    name = models.CharField(max_length=100)
    created_at = models.DateTimeField(auto_now_add=True)
    # Keys of metadata whose values are ids, such as order_id: the box finds traces by them.
    id_keys = models.JSONField(default=list, blank=True)
    # Keys of metadata that lists of traces are narrowed down by, such as plan or tenant.
    facet_keys = models.JSONField(default=list, blank=True)
    members = models.ManyToManyField(User, through="Membership", related_name="projects")

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    """Each may do what the one before may: support reads, engineers change rules, admins manage keys and members."""

    SUPPORT = "support", "Support"
    ENGINEER = "engineer", "Engineer"
    ADMIN = "admin", "Admin"


class Membership(models.Model):
    """A member's role in one project."""

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    project = models.ForeignKey(Project, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.SUPPORT)

    class Meta:
        constraints = [models.UniqueConstraint(name="one_role_per_member_and_project", fields=["user", "project"])]

    def __str__(self) -> str:
        return f"{self.user} in {self.project}: {self.role}"


class LookUp(models.Model):
    """What a member looked up in a project, to be looked up again. Written by `lookups.remember` alone.

    `found` says in a word or two what came of it: the kind of the id, "3 things", "nothing found".
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="+", db_index=False)
    text = models.TextField()
    found = models.TextField()
    looked_up_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(name="look_ups_of_a_member", fields=["user", "project", "-looked_up_at"])]

    def __str__(self) -> str:
        return self.text


class Key(models.Model):
    """What a service sends with its requests. Only the digest is kept; the key itself is shown once."""

    class Scope(models.TextChoices):
        INGEST = "ingest", "Send traces"
        READ = "read", "Read traces"

    project = models.ForeignKey(Project, models.CASCADE, related_name="keys")
    name = models.CharField(max_length=100)
    scope = models.CharField(max_length=10, choices=Scope, default=Scope.INGEST)
    prefix = models.CharField(max_length=20)  # the visible beginning, to tell keys apart
    digest = models.BinaryField(max_length=32, unique=True)  # SHA-256; a key is 32 random bytes, so no salt is needed
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    # What it may send, see traces/limits.py. None is no limit.
    requests_per_minute = models.PositiveIntegerField(null=True, blank=True)
    spans_per_minute = models.PositiveIntegerField(null=True, blank=True)
    bytes_in_flight = models.PositiveBigIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def limits_in_words(self) -> str:
        """What it may send at most: "600 requests a minute, 8 MiB in flight"; empty without limits."""
        mebibytes = None if self.bytes_in_flight is None else self.bytes_in_flight / (1 << 20)
        parts = [
            (self.requests_per_minute, "request{} a minute"),
            (self.spans_per_minute, "span{} a minute"),
            (mebibytes, "MiB in flight"),
        ]
        return ", ".join(f"{n:,.15g} {thing.format('' if n == 1 else 's')}" for n, thing in parts if n is not None)
