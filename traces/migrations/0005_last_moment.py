"""When the last span of a trace happened, so that its intervals are known without asking for its spans.

Of the traces that are there already it is not known: they get a moment that is far from every beginning.
"""

from django.db import migrations

ADD = "ALTER TABLE traces_summary ADD COLUMN last_at timestamptz NOT NULL DEFAULT '9999-12-31 00:00:00+00'"


class Migration(migrations.Migration):
    dependencies = [("traces", "0004_search")]
    operations = [migrations.RunSQL(ADD, "ALTER TABLE traces_summary DROP COLUMN last_at")]
