from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_members_projects_keys"),
    ]

    operations = [
        migrations.AddField(
            model_name="project",
            name="id_keys",
            field=models.JSONField(blank=True, default=list),
        ),
    ]
