"""The table of scores. Columns are described in `traces/wire/scores.py: Score`."""

from django.db import migrations

# Not by day: a score may come before its span, whose day is not known then. It goes with its trace, see retention.py.
# `digest` is of all that was sent, by which a repetition is recognised. Values are a number, or a text.
SCORE = """
    CREATE TABLE traces_score (
        given_at timestamptz NOT NULL,
        received_at timestamptz NOT NULL,
        number double precision,
        project_id integer NOT NULL,
        revision integer NOT NULL DEFAULT 0,
        score_id bytea NOT NULL,
        digest bytea NOT NULL,
        trace_id bytea,
        span_id bytea,
        id_text text COLLATE "C",
        trace_text text COLLATE "C",
        span_text text COLLATE "C",
        session_id text COLLATE "C",
        request_id text COLLATE "C",
        name text COLLATE "C" NOT NULL,
        data_type text COLLATE "C" NOT NULL,
        source text COLLATE "C" NOT NULL,
        text text COLLATE "C",
        comment text COLLATE "C",
        metadata text COLLATE "C",
        PRIMARY KEY (project_id, score_id)
    );
    CREATE INDEX traces_score_by_trace ON traces_score (project_id, trace_id) WHERE trace_id IS NOT NULL;
    CREATE INDEX traces_score_by_span ON traces_score (project_id, span_id) WHERE span_id IS NOT NULL;
    CREATE INDEX traces_score_by_session ON traces_score (project_id, left(session_id, 200))
        WHERE session_id IS NOT NULL;
    CREATE INDEX traces_score_by_request ON traces_score (project_id, left(request_id, 200))
        WHERE request_id IS NOT NULL;
    CREATE INDEX traces_score_by_arrival ON traces_score (received_at);
"""


class Migration(migrations.Migration):
    dependencies = [("traces", "0002_refusals")]
    operations = [migrations.RunSQL(SCORE, "DROP TABLE traces_score")]
