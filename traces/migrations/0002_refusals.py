"""What was refused: see `traces/inbox.py`."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_members_projects_keys"),
        ("traces", "0001_tables"),
    ]

    operations = [
        migrations.CreateModel(
            name="Refusal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("received_at", models.DateTimeField(db_index=True)),
                ("status", models.PositiveSmallIntegerField(null=True)),
                ("reason", models.TextField()),
                ("alike", django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)),
                ("items", models.PositiveIntegerField(default=0)),
                ("rejected", models.JSONField(default=list)),
                ("key_prefix", models.TextField()),
                ("method", models.TextField()),
                ("address", models.TextField()),
                ("client", models.TextField(blank=True)),
                ("content_type", models.TextField(blank=True)),
                ("encoding", models.TextField(blank=True)),
                ("body", models.BinaryField(null=True)),
                ("size_bytes", models.PositiveBigIntegerField(null=True)),
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
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["project", "-id"], name="refusals_of_project")],
            },
        ),
        migrations.CreateModel(
            name="RefusalCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("reason", models.TextField()),
                ("status", models.PositiveSmallIntegerField(null=True)),
                ("requests", models.PositiveBigIntegerField()),
                ("items", models.PositiveBigIntegerField()),
                ("last_at", models.DateTimeField()),
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
                "constraints": [
                    models.UniqueConstraint(fields=("project", "day", "reason"), name="one_count_per_reason_and_day")
                ],
            },
        ),
    ]
