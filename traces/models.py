"""What was refused. The tables of spans have no models, because they are partitioned and written in batches.

* `migrations/0001_tables.py` makes those, `partitions.py` makes and drops their days
* `store.py` writes them; `queries/` reads them; `rollups.py` counts them
"""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models import Project


class Refusal(models.Model):
    """A request with a known key that was not taken, or not all of it. Written by `inbox.keep` alone.

    `status` is the HTTP status of a request of which nothing was taken; None where some spans or records of it were.
    `items` is the number of the refused ones, 0 where the request was not read as far as that; `rejected` holds
    [index, reason] of the first of them. `body` is the beginning of what came, as it came; None when nothing could be
    read. `size_bytes` is the whole body's, None when that is not known.
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

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["project", "-id"], name="refusals_of_project")]

    def __str__(self) -> str:
        return f"{self.status or 'part'}: {self.reason}"


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
