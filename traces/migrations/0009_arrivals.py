"""When a trace came into the index, so that a list can say what is new in it, see `traces/search/arrivals.py`.

Of the traces that are there already it is not known, and stays unknown: they are not new.
"""

from django.db import migrations

ARRIVALS = """
    ALTER TABLE traces_entry ADD COLUMN entered_at timestamptz;
    ALTER TABLE traces_entry ALTER COLUMN entered_at SET DEFAULT clock_timestamp();
    CREATE INDEX traces_entry_by_arrival ON traces_entry (project_id, entered_at, trace_id)
        WHERE entered_at IS NOT NULL;
"""


class Migration(migrations.Migration):
    dependencies = [("traces", "0008_facets")]
    operations = [migrations.RunSQL(ARRIVALS, "ALTER TABLE traces_entry DROP COLUMN entered_at")]
