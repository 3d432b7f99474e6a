"""What is known of features besides their numbers: that they are there, and what members wrote about them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from django.db import connection, transaction

from accounts.models import User
from llmobs.lib.timerange import TimeRange
from traces.models import Feature, FeatureChange

LONGEST_NAME: Final = 200  # characters, as the rollups cut it
WRITTEN: Final = ("owner", "contact", "runbook", "notes")

# Written where a stretch is counted again, so that taking spans in has nothing to do with it.
NOTE = """
    INSERT INTO traces_feature AS kept (project_id, name, first_at, last_at)
    SELECT project_id, feature, min(starts_at), max(starts_at) FROM traces_rollup
    WHERE project_id = %(project)s AND level = 'feature' AND feature <> ''
        AND starts_at >= %(start)s AND starts_at < %(end)s
    GROUP BY project_id, feature ORDER BY feature
    ON CONFLICT (project_id, name) DO UPDATE
        SET first_at = least(kept.first_at, excluded.first_at), last_at = greatest(kept.last_at, excluded.last_at)
        WHERE excluded.first_at < kept.first_at OR excluded.last_at > kept.last_at
"""


class ChangedMeanwhile(Exception):
    """Somebody else has written about the feature since; `feature` is as they left it, `change` what they did."""

    def __init__(self, feature: Feature, change: FeatureChange | None) -> None:
        super().__init__(f"{feature.name} was changed meanwhile.")
        self.feature = feature
        self.change = change


def note(project_id: int, period: TimeRange) -> None:
    """Note the features that the rollups of a period know: when they were seen first and last. Safe to repeat."""
    with connection.cursor() as cursor:
        cursor.execute(NOTE, {"project": project_id, "start": period.start, "end": period.end})


def write(
    feature: Feature, values: Mapping[str, str], *, version: int, by: User, now: datetime
) -> FeatureChange | None:
    """Keep what a member wrote, and what it was before; None where nothing differs.

    Raises ChangedMeanwhile when `version`, which the member saw, is not the present one, and what they wrote differs
    from what is there.
    """
    with transaction.atomic():
        seen = {"first_at": feature.first_at, "last_at": feature.last_at}
        named = {"project_id": feature.project_id, "name": feature.name}
        kept, _ = Feature.objects.select_for_update().get_or_create(**named, defaults=seen)
        after = {name: values[name] for name in WRITTEN if values[name] != getattr(kept, name)}
        if not after:
            return None
        if version != kept.version:
            raise ChangedMeanwhile(kept, kept.changes.select_related("changed_by").first())
        before = {name: getattr(kept, name) for name in after}
        for name, value in after.items():
            setattr(kept, name, value)
        kept.version += 1
        kept.save(update_fields=[*after, "version"])
        return FeatureChange.objects.create(feature=kept, changed_at=now, changed_by=by, before=before, after=after)
