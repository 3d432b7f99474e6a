from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_id_keys"),
    ]

    operations = [
        migrations.AddField(
            model_name="key",
            name="requests_per_minute",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="key",
            name="spans_per_minute",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="key",
            name="bytes_in_flight",
            field=models.PositiveBigIntegerField(blank=True, null=True),
        ),
    ]
