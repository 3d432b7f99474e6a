"""Whether a request id is known at all, without a look into the spans of each day."""

from django.db import migrations

BY_REQUEST = """
    CREATE INDEX traces_summary_by_request ON traces_summary (project_id, left(request_id, 200))
        WHERE request_id IS NOT NULL;
"""


class Migration(migrations.Migration):
    dependencies = [("traces", "0012_traffic")]
    operations = [migrations.RunSQL(BY_REQUEST, "DROP INDEX traces_summary_by_request")]
