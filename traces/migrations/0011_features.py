"""The features that a project was seen with, and what its members wrote about them: see `traces/features.py`."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# What was counted before is known at once.
FOUND = """
    INSERT INTO traces_feature (project_id, name, first_at, last_at)
    SELECT project_id, feature, min(starts_at), max(starts_at) FROM traces_rollup
    WHERE level = 'feature' AND feature <> '' AND project_id IN (SELECT id FROM accounts_project)
    GROUP BY project_id, feature
"""


class Migration(migrations.Migration):
    dependencies = [
        ("traces", "0010_saved_views"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Feature",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.TextField(db_collation="C")),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                ("owner", models.TextField(blank=True, db_default="", default="")),
                ("contact", models.TextField(blank=True, db_default="", default="")),
                ("runbook", models.TextField(blank=True, db_default="", default="")),
                ("notes", models.TextField(blank=True, db_default="", default="")),
                ("version", models.PositiveIntegerField(db_default=0, default=0)),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.project",
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(fields=("project", "name"), name="one_feature_per_name_and_project")
                ],
            },
        ),
        migrations.CreateModel(
            name="FeatureChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("changed_at", models.DateTimeField()),
                ("before", models.JSONField(default=dict)),
                ("after", models.JSONField(default=dict)),
                (
                    "changed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "feature",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="changes", to="traces.feature"
                    ),
                ),
            ],
            options={"ordering": ["-id"]},
        ),
        migrations.RunSQL(FOUND, migrations.RunSQL.noop),
    ]
