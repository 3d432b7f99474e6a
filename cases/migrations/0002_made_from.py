from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_facet_keys"),
        ("cases", "0001_cases_history_mails"),
    ]

    operations = [
        migrations.AddField(
            model_name="case",
            name="made_from",
            field=models.BinaryField(blank=True, max_length=16, null=True),
        ),
        migrations.AddConstraint(
            model_name="case",
            constraint=models.UniqueConstraint(fields=("project", "made_from"), name="one_case_per_press_of_a_form"),
        ),
    ]
