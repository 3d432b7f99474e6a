from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_look_ups"),
    ]

    operations = [
        migrations.AddField(
            model_name="project",
            name="facet_keys",
            field=models.JSONField(blank=True, default=list),
        ),
    ]
