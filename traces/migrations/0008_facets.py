"""What traces are counted by beside their list, see `traces/search/facets.py`; all entries are written anew for it."""

from django.db import migrations

# In the row itself, where a thousand of them are read at once: STORAGE MAIN.
FACETS = """
    ALTER TABLE traces_entry ADD COLUMN facets text[] COLLATE "C";
    ALTER TABLE traces_entry ALTER COLUMN facets SET STORAGE MAIN;
    INSERT INTO traces_unindexed (project_id, trace_id)
    SELECT project_id, trace_id FROM traces_summary ORDER BY happened_at DESC;
"""


class Migration(migrations.Migration):
    dependencies = [("traces", "0007_imported_files")]
    operations = [migrations.RunSQL(FACETS, "ALTER TABLE traces_entry DROP COLUMN facets")]
