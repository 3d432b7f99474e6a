"""Cases: complaints with their traces, the fix that they wait for, their history, and the mails that tell of them."""

from django.db import models
from django.db.models import F, Q

from accounts.models import Project, User
from alerts.models import Outgoing
from cases.fix import Fix

LONGEST_TITLE = 200  # characters
LONGEST_NOTE = 10_000
LONGEST_COMMENT = 4_000
LONGEST_FEATURE = 1_500  # what a query line has room for
MOST_TRACES = 200  # of a case


class Status(models.TextChoices):
    """How far a case is. Members close and reopen; the others follow from the fix and what is seen of it."""

    OPEN = "open", "Open"
    WAITING = "waiting", "Waiting for a fix"
    FIXED = "fixed", "Fixed"
    CAME_BACK = "came_back", "Came back"
    CLOSED = "closed", "Closed"


class Numbers(models.Model):
    """The last number that a project gave to a case: that of a deleted one is never given again."""

    project = models.OneToOneField(Project, models.CASCADE, primary_key=True, related_name="+")
    last = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.project}: {self.last}"


class Case(models.Model):
    """A complaint, and whether it is mended. Written by `changes` (members) and `watch` (what is seen) alone.

    `similar` is a line of the query language: what fails as this did; "" while nobody said so. `fix` is as `Fix` writes
    it, "" for none. `edits` counts the changes, so that who edits an older state is told.

    Of the fix: `fix_after` is the moment from which it is looked for, `fix_seen_at` when the first request with it
    happened, and similar failures count from `watch_from` on. `requests_since`, `similar_since` and `without_since`
    are the requests with the fix, the similar failures with it and those that ran without it; None means not known
    yet, and over `watch.MOST_COUNTED` means more than that.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="cases")
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=LONGEST_TITLE)
    note = models.TextField(blank=True)
    reported_by = models.CharField(max_length=300, blank=True)  # a customer's id, a ticket, a link
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    assignee = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    feature = models.TextField(blank=True)
    similar = models.TextField(blank=True)
    fix = models.TextField(blank=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    changed_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    edits = models.PositiveIntegerField(default=0)
    made_from = models.BinaryField(max_length=16, null=True, blank=True)  # the digest of the form, `once.digest_of`

    fix_after = models.DateTimeField(null=True, blank=True)
    fix_seen_at = models.DateTimeField(null=True, blank=True)
    watch_from = models.DateTimeField(null=True, blank=True)
    requests_since = models.PositiveIntegerField(null=True, blank=True)
    similar_since = models.PositiveIntegerField(null=True, blank=True)
    without_since = models.PositiveIntegerField(null=True, blank=True)
    looked_at = models.DateTimeField(null=True, blank=True)
    searched_up_to = models.DateTimeField(null=True, blank=True)  # by the last look; what came later was not in it
    next_due_at = models.DateTimeField(null=True, blank=True)  # None: nothing to look for

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(name="one_case_per_number_and_project", fields=["project", "number"]),
            models.UniqueConstraint(name="one_case_per_press_of_a_form", fields=["project", "made_from"]),
            models.CheckConstraint(
                name="case_is_closed_at_a_moment",
                condition=Q(status=Status.CLOSED, closed_at__isnull=False)
                | (~Q(status=Status.CLOSED) & Q(closed_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="case_counts_from_the_fix_on",
                condition=Q(watch_from__isnull=True) | Q(watch_from__gte=F("fix_seen_at")),
            ),
        ]
        indexes = [models.Index(name="cases_by_due", fields=["next_due_at"], condition=Q(next_due_at__isnull=False))]

    def __str__(self) -> str:
        return f"Case {self.number}: {self.title}"

    @property
    def the_fix(self) -> Fix | None:
        """The fix that it waits for; None when none is named."""
        return Fix.read(self.fix)

    @property
    def natural_status(self) -> Status:
        """How far it is by its fix alone, when nobody has closed it and nothing came back."""
        if not self.fix:
            return Status.OPEN
        return Status.FIXED if self.fix_seen_at else Status.WAITING


class CaseTrace(models.Model):
    """A trace of a case, with what is to be said of it when the trace itself is deleted."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="traces")
    trace_id = models.BinaryField(max_length=16)
    address = models.TextField()  # its id as it stands in addresses
    happened_at = models.DateTimeField()
    line = models.CharField(max_length=300)  # what was asked, else the name of the first step
    outcome = models.CharField(max_length=20)
    added_at = models.DateTimeField()
    added_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["happened_at", "id"]
        constraints = [models.UniqueConstraint(name="a_trace_once_in_a_case", fields=["case", "trace_id"])]
        indexes = [models.Index(name="cases_of_trace", fields=["trace_id"])]

    def __str__(self) -> str:
        return f"{self.address} in {self.case}"


class Event(models.Model):
    """One line of a case's history. Never changed; what can be undone is undone by a further one.

    `before` and `after` are the values of a field that was changed, or the address of a trace; `text` is a comment, or
    the line of a trace. `edits` is the case's after it. `member` is None for what llmobs saw.
    """

    class Kind(models.TextChoices):
        CREATED = "created"
        TITLE = "title"
        NOTE = "note"
        REPORTED_BY = "reported_by"
        ASSIGNEE = "assignee"  # the member's id
        FEATURE = "feature"
        SIMILAR = "similar"
        FIX = "fix"
        STATUS = "status"
        TRACE_ADDED = "trace_added"
        TRACE_REMOVED = "trace_removed"
        COMMENT = "comment"
        FIX_SEEN = "fix_seen"
        CAME_BACK = "came_back"

    case = models.ForeignKey(Case, models.CASCADE, related_name="history")
    at = models.DateTimeField()
    member = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    kind = models.CharField(max_length=20, choices=Kind)
    before = models.TextField(blank=True)
    after = models.TextField(blank=True)
    text = models.TextField(blank=True)
    # Traces that came back, or the first with the fix: the address of each, and a line of it.
    examples: models.JSONField[list[dict[str, str]]] = models.JSONField(default=list)
    edits = models.PositiveIntegerField()

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(name="history_of_case", fields=["case", "-id"])]

    def __str__(self) -> str:
        return f"{self.kind} in {self.case}"


class Mail(Outgoing):
    """What is sent to one member when the fix of a case went live, or it came back."""

    transport = "email"
    event = models.ForeignKey(Event, models.CASCADE, related_name="mails")

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [models.UniqueConstraint(name="one_mail_per_event_and_address", fields=["event", "address"])]
        indexes = [
            models.Index(
                name="case_mails_to_send", fields=["next_attempt_at"], condition=Q(state__in=["pending", "sending"])
            )
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.address}: {self.state}"
