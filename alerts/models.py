"""Rules, the incidents they open, and the notifications that tell people. What is due is a row, never a message."""

from datetime import timedelta

from django.db import models
from django.db.models import F, Q

from accounts.models import Project, User
from alerts import words


class Severity(models.TextChoices):
    """How loudly an incident speaks: a page wakes somebody, a ticket waits for the morning."""

    PAGE = "page", "Page"
    TICKET = "ticket", "Ticket"


class Rule(models.Model):
    """One thing that is watched in a project, and how the last look at it went.

    `limit` is in the metric's own unit for a fixed limit (0.05 is 5 %), and in times the usual for a ratio; below 1 it
    is broken by falling. `minimum` is the requests or calls that a window needs before it is judged.
    """

    class Standing(models.TextChoices):
        UNKNOWN = "unknown", "Too little to say"
        CLEAN = "clean", "As usual"
        BROKEN = "broken", "Broken"

    project = models.ForeignKey(Project, models.CASCADE, related_name="rules")
    kind = models.CharField(max_length=30)  # the name of a ready-made rule, see rules.READY_MADE
    metric = models.CharField(max_length=30)  # a key of traces.queries.metrics.METRICS
    detector = models.CharField(max_length=30)  # a key of alerts.detectors.DETECTORS
    limit = models.FloatField()
    minimum = models.PositiveIntegerField()
    enabled = models.BooleanField(default=True)
    severity = models.CharField(max_length=10, choices=Severity, default=Severity.PAGE)
    recipients = models.TextField(blank=True)  # addresses, one a line; none: the project's admins
    looks_to_open = models.PositiveSmallIntegerField(default=2)  # broken looks in a row
    clean_minutes = models.PositiveSmallIntegerField(default=10)  # as usual for so long before an incident is over

    # The looks: due when, last done when, and for how long they have come out the same.
    next_due_at = models.DateTimeField()
    last_looked_at = models.DateTimeField(null=True, blank=True)
    last_sentence = models.CharField(max_length=300, blank=True)
    standing = models.CharField(max_length=10, choices=Standing, default=Standing.UNKNOWN)
    standing_since = models.DateTimeField(null=True, blank=True)
    standing_looks = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["project_id", "id"]
        constraints = [models.UniqueConstraint(name="one_rule_per_kind_and_project", fields=["project", "kind"])]
        indexes = [models.Index(name="rules_by_due", fields=["next_due_at"], condition=Q(enabled=True))]

    def __str__(self) -> str:
        return f"{self.kind} of {self.project}"

    @property
    def name(self) -> str:
        return words.RULES.get(self.kind, self.kind)

    @property
    def condition(self) -> str:
        """When it is broken, in a sentence without its full stop."""
        return words.condition(self.metric, self.limit)

    @property
    def minimum_words(self) -> str:
        """What a window needs before it is judged."""
        usual = "usual " if self.metric == "requests" else ""
        return f"{self.minimum} {usual}{words.sample(self.metric)}s in {words.WINDOW}"

    def addresses(self) -> list[str]:
        """The recipients that members wrote; [] when nobody is named."""
        return [line.strip() for line in self.recipients.splitlines() if line.strip()]


class Incident(models.Model):
    """One stretch of time during which a rule was broken. Values are in the metric's unit; None means not known."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="incidents")
    rule = models.ForeignKey(Rule, models.CASCADE, related_name="incidents")
    severity = models.CharField(max_length=10, choices=Severity)
    title = models.CharField(max_length=300)  # what happened, at its worst
    sentence = models.CharField(max_length=300)  # the proof, at its worst; written by the detector
    last_sentence = models.CharField(max_length=300)  # as of the last look
    began_at = models.DateTimeField()  # the start of the first five minutes that broke the rule
    opened_at = models.DateTimeField()
    last_broken_at = models.DateTimeField()
    over_at = models.DateTimeField(null=True, blank=True)  # from when on it was as usual again
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolution = models.CharField(max_length=200, blank=True)  # why it is over, one sentence
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    peak = models.FloatField()
    last_value = models.FloatField(null=True, blank=True)
    usual = models.FloatField(null=True, blank=True)
    usual_low = models.FloatField(null=True, blank=True)
    usual_high = models.FloatField(null=True, blank=True)
    limit = models.FloatField()
    n = models.PositiveBigIntegerField()  # requests or calls in the window of the peak
    examples: models.JSONField[list[str]] = models.JSONField(default=list)  # keys of traces, hex
    carriers: models.JSONField[list[dict[str, str | float]]] = models.JSONField(default=list)  # attribute.Carrier

    class Meta:
        ordering = ["-opened_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                name="one_open_incident_per_rule", fields=["rule"], condition=Q(resolved_at__isnull=True)
            ),
            models.CheckConstraint(
                name="incident_is_resolved_after_it_opens",
                condition=Q(resolved_at__isnull=True) | Q(resolved_at__gte=F("opened_at")),
            ),
        ]
        indexes = [models.Index(name="incidents_by_time", fields=["project", "-opened_at"])]

    def __str__(self) -> str:
        return self.title

    @property
    def is_open(self) -> bool:
        return self.resolved_at is None

    @property
    def peak_words(self) -> str:
        return words.figure(self.rule.metric, self.peak)

    @property
    def last_words(self) -> str:
        """The value of the last look; "unknown" when there was nothing to measure."""
        return words.figure(self.rule.metric, self.last_value)

    @property
    def limit_words(self) -> str:
        return words.limit_of(self.rule.metric, self.limit)

    @property
    def n_words(self) -> str:
        """How many requests or calls the peak rests on."""
        return words.things(self.n, words.sample(self.rule.metric))

    @property
    def usual_words(self) -> str:
        """The usual with its unit; "" where it is not known."""
        return "" if self.usual is None else words.figure(self.rule.metric, self.usual)

    @property
    def usual_span(self) -> str:
        """The usual as a range, `0 to 1.2 %`; "" where it is not known."""
        if self.usual_low is None or self.usual_high is None:
            return ""
        return words.span(self.rule.metric, self.usual_low, self.usual_high)

    @property
    def headline(self) -> str:
        """What happened, against its usual."""
        return f"{self.title}, usual {self.usual_words}" if self.usual_words else self.title

    @property
    def lasted_us(self) -> int | None:
        """How long it lasted, in microseconds; None while it is open."""
        return (self.over_at - self.began_at) // timedelta(microseconds=1) if self.over_at else None


class Outgoing(models.Model):
    """One message to one address: a row of an outbox. Written with the change that it tells of, sent after it, once."""

    class State(models.TextChoices):
        PENDING = "pending", "Waiting"
        SENDING = "sending", "Being sent"
        SENT = "sent", "Sent"
        FAILED = "failed", "Not sent"

    transport: str  # a key of alerts.transports.TRANSPORTS
    address = models.CharField(max_length=320)
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    next_attempt_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    failure = models.CharField(max_length=300, blank=True)  # why the last attempt did not work

    class Meta:
        abstract = True


class Notification(Outgoing):
    """What is sent about an incident."""

    class Occasion(models.TextChoices):
        OPENED = "opened", "Opened"
        RESOLVED = "resolved", "Over"

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="notifications")
    occasion = models.CharField(max_length=10, choices=Occasion)
    transport = models.CharField(max_length=30, default="email")

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(
                name="one_notification_per_occasion_and_address",
                fields=["incident", "occasion", "transport", "address"],
            )
        ]
        indexes = [
            models.Index(
                name="notifications_to_send", fields=["next_attempt_at"], condition=Q(state__in=["pending", "sending"])
            )
        ]

    def __str__(self) -> str:
        return f"{self.occasion} to {self.address}: {self.state}"
