"""What was refused, features, and what members keep of lists.

The tables of spans have no models: they are partitioned and written in batches.

* `migrations/0001_tables.py` makes those, `partitions.py` makes and drops their days
* `store.py` writes them; `queries/` reads them; `rollups.py` counts them
"""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower

from accounts.models import Project, User
from llmobs.lib.weblinks import is_web_address


class Refusal(models.Model):
    """A request with a known key that was not taken, or not all of it. Written by `inbox.keep` alone.

    `status` is the HTTP status of a request of which nothing was taken; None where some spans or records of it were.
    `items` is the number of the refused ones, 0 where the request was not read as far as that; `rejected` holds
    [index, reason] of the first of them. `body` is the beginning of what came, as it came; None when nothing could be
    read. `size_bytes` is the whole body's, None when that is not known.

    `replayed_at` is when it was last run again, by a member: what that stored, what was there already, how many spans
    or records are refused still and, in `replay_reason`, why ("" where all was taken). See `replay.py`.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="+", db_index=False)
    received_at = models.DateTimeField(db_index=True)
    status = models.PositiveSmallIntegerField(null=True)
    reason = models.TextField()  # as it was answered; of several the first
    alike = ArrayField(models.TextField())  # every reason without its numbers and ids, see refusals.alike
    items = models.PositiveIntegerField(default=0)
    rejected: "models.JSONField[Any, Any]" = models.JSONField(default=list)
    key_prefix = models.TextField()
    method = models.TextField()
    address = models.TextField()
    client = models.TextField(blank=True)
    content_type = models.TextField(blank=True)
    encoding = models.TextField(blank=True)
    body = models.BinaryField(null=True)
    size_bytes = models.PositiveBigIntegerField(null=True)
    replayed_at = models.DateTimeField(null=True)
    replayed_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    replay_stored = models.PositiveBigIntegerField(default=0, db_default=0)
    replay_known = models.PositiveBigIntegerField(default=0, db_default=0)
    replay_refused = models.PositiveIntegerField(default=0, db_default=0)
    replay_reason = models.TextField(blank=True, default="", db_default="")

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["project", "-id"], name="refusals_of_project")]

    def __str__(self) -> str:
        return f"{self.status or 'part'}: {self.reason}"

    @property
    def taken(self) -> bool:
        """Whether a replay took all of it."""
        return self.replayed_at is not None and not self.replay_reason

    @property
    def is_whole(self) -> bool:
        """Whether its body was kept to its end."""
        return self.body is not None and self.size_bytes is not None and len(self.body) >= self.size_bytes


class Replay(models.Model):
    """The refused requests of one reason that a member has run again, oldest first, in the background.

    `after_id` is the refusal that was begun last, `up_to_id` the last that there was when it was asked for. Of `done`
    requests `taken` were taken whole and `refused` are refused still, all or in part; the rest did not come to an
    answer. `claimed_at` is the lease of the worker that is at it.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="+", db_index=False)
    reason = models.TextField()
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    after_id = models.BigIntegerField(default=0)
    up_to_id = models.BigIntegerField()
    total = models.PositiveIntegerField()
    done = models.PositiveIntegerField(default=0)
    taken = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    stored = models.PositiveBigIntegerField(default=0)
    claimed_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["project", "-id"], name="replays_of_project")]
        constraints = [
            models.UniqueConstraint(
                name="one_unfinished_replay_per_reason",
                fields=["project", "reason"],
                condition=models.Q(finished_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.done} of {self.total}: {self.reason}"

    @property
    def unanswered(self) -> int:
        """Requests that came to no answer: their worker was stopped, or failed by a mistake of ours."""
        return self.done - self.taken - self.refused


class RefusalCount(models.Model):
    """How often a project's requests were refused for one reason on one day (UTC), the bodies that were not kept too.

    `items` counts the spans and records of requests that were taken in part.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    reason = models.TextField()
    status = models.PositiveSmallIntegerField(null=True)
    requests = models.PositiveBigIntegerField()
    items = models.PositiveBigIntegerField()
    last_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="one_count_per_reason_and_day", fields=["project", "day", "reason"])
        ]

    def __str__(self) -> str:
        return f"{self.requests} x {self.reason}"


class ImportedFile(models.Model):
    """How far a file was imported into a project, so that an import that was stopped goes on there.

    `byte` and `line` are the place behind the last piece that is stored, of the inflated content; `tail` is what stands
    before it, and is looked at again, because another file may have the same name by then. `counts` are the numbers
    of `import_batch.Counts`. `finished_at` is when its end was reached, None while it was not.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="+", db_index=False)
    path = models.TextField()
    format = models.TextField()
    byte = models.PositiveBigIntegerField()
    line = models.PositiveBigIntegerField()
    tail = models.BinaryField()
    counts: "models.JSONField[Any, Any]" = models.JSONField(default=dict)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(name="one_place_per_imported_file", fields=["project", "path"])]

    def __str__(self) -> str:
        return f"{self.path}, line {self.line}"


class SavedView(models.Model):
    """A list of traces that somebody wants to come back to: a name for what its address asks.

    `query` is the address's own, as `Asked.query` writes it, without the view. Without an `owner` it is the whole
    project's. What was deleted can be brought back for a day, see `saved_views`.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="+", db_index=False)
    owner = models.ForeignKey(User, models.CASCADE, null=True, blank=True, related_name="+")
    name = models.CharField(max_length=60)
    query = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    changed_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = [Lower("name"), "id"]
        constraints = [
            models.UniqueConstraint(
                "project",
                "owner",
                Lower("name"),
                name="one_view_per_name_and_member",
                condition=models.Q(deleted_at__isnull=True, owner__isnull=False),
            ),
            models.UniqueConstraint(
                "project",
                Lower("name"),
                name="one_view_per_name_and_project",
                condition=models.Q(deleted_at__isnull=True, owner__isnull=True),
            ),
        ]
        indexes = [models.Index(fields=["project", "owner"], name="views_of_project")]

    def __str__(self) -> str:
        return self.name

    @property
    def shared(self) -> bool:
        """Whether it is the whole project's."""
        return self.owner_id is None


class ListChoice(models.Model):
    """How a member wants a project's list of traces where its address does not say: columns, density, first view.

    `columns` and `density` are as an address has them, see `columns`; "" is the usual. `first_view` is the value of
    `view=` in an address, "" for none.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="+", db_index=False)
    member = models.ForeignKey(User, models.CASCADE, related_name="+")
    columns = models.TextField(blank=True, default="")
    density = models.CharField(max_length=10, blank=True, default="")
    first_view = models.CharField(max_length=20, blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(name="one_choice_per_member", fields=["project", "member"])]

    def __str__(self) -> str:
        return f"{self.member} in {self.project}"


class Feature(models.Model):
    """What a project's traces are for, as their service names it: it appears with its first trace. See `features.py`.

    `name` is cut as the rollups cut it. `first_at` and `last_at` are the starts of the first and last five minutes in
    which it was asked, of those that are kept. The rest is what members wrote; `version` counts their changes, 0:
    nobody has written anything.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="+", db_index=False)
    name = models.TextField(db_collation="C")
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    owner = models.TextField(blank=True, default="", db_default="")
    contact = models.TextField(blank=True, default="", db_default="")
    runbook = models.TextField(blank=True, default="", db_default="")
    notes = models.TextField(blank=True, default="", db_default="")
    version = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(name="one_feature_per_name_and_project", fields=["project", "name"])]

    def __str__(self) -> str:
        return self.name

    @property
    def runbook_url(self) -> str:
        """The runbook as an address that a browser may open; "" where it is a text."""
        return self.runbook if is_web_address(self.runbook) else ""

    @property
    def is_described(self) -> bool:
        return bool(self.owner or self.contact or self.runbook or self.notes)


class FeatureChange(models.Model):
    """What one member changed about a feature: the fields that differ, as they were and as they became."""

    feature = models.ForeignKey(Feature, models.CASCADE, related_name="changes")
    changed_at = models.DateTimeField()
    changed_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    before: "models.JSONField[Any, Any]" = models.JSONField(default=dict)
    after: "models.JSONField[Any, Any]" = models.JSONField(default=dict)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.feature_id}: {', '.join(self.after)}"
