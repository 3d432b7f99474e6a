"""How many traces began when, from an index alone: of the rows of a project, one stands on each page of the table."""

from django.db import migrations

TRAFFIC = """
    CREATE INDEX traces_rollup_traffic ON traces_rollup (project_id, starts_at) INCLUDE (requests, requests_failed)
        WHERE level = 'project';
"""


class Migration(migrations.Migration):
    dependencies = [("traces", "0011_features")]
    operations = [migrations.RunSQL(TRAFFIC, "DROP INDEX traces_rollup_traffic")]
