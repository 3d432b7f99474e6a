"""The tables of search. What an entry holds is described in `traces/search/entries.py`; the reasons in decision 9."""

from django.db import migrations

# Traces whose entry no longer matches their spans. Append-only, as traces_mark is; `due_at` puts a trace off.
UNINDEXED = """
    CREATE TABLE traces_unindexed (
        marked_at timestamptz NOT NULL DEFAULT now(),
        due_at timestamptz,
        project_id integer NOT NULL,
        trace_id bytea NOT NULL
    ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
    INSERT INTO traces_unindexed (project_id, trace_id)
    SELECT project_id, trace_id FROM traces_summary ORDER BY happened_at DESC;
"""

# One row per trace, on the day it began. The text is compressed by us (zstd): STORAGE EXTERNAL.
ENTRY = """
    CREATE TABLE traces_entry (
        happened_at timestamptz NOT NULL,
        indexed_at timestamptz NOT NULL,
        duration_us bigint,
        tokens bigint,
        input_tokens bigint,
        output_tokens bigint,
        project_id integer NOT NULL,
        day date NOT NULL,
        spans integer NOT NULL,
        retries integer NOT NULL,
        codec smallint NOT NULL,
        text_cut boolean NOT NULL,
        trace_id bytea NOT NULL,
        cost_usd numeric,
        words tsvector NOT NULL,
        text bytea NOT NULL,
        PRIMARY KEY (project_id, day, trace_id)
    ) PARTITION BY RANGE (day);
    ALTER TABLE traces_entry ALTER COLUMN text SET STORAGE EXTERNAL;
    -- The job empties the list of what is still to be sorted in, so that no reader has to search it.
    CREATE INDEX traces_entry_by_words ON traces_entry USING gin (words) WITH (fastupdate = on);
    CREATE INDEX traces_entry_by_time ON traces_entry (project_id, happened_at, trace_id);
    CREATE INDEX traces_entry_by_duration ON traces_entry (project_id, duration_us, trace_id);
    CREATE INDEX traces_entry_by_cost ON traces_entry (project_id, cost_usd, trace_id);
    CREATE INDEX traces_entry_by_tokens ON traces_entry (project_id, tokens, trace_id);
"""

# The words of a day, each once or a few times, one a line: parts of words are looked for here first.
VOCABULARY = """
    CREATE TABLE traces_vocabulary (
        project_id integer NOT NULL,
        day date NOT NULL,
        words text COLLATE "C" NOT NULL
    ) PARTITION BY RANGE (day);
    ALTER TABLE traces_vocabulary ALTER COLUMN words SET STORAGE EXTERNAL;
    CREATE INDEX traces_vocabulary_by_project ON traces_vocabulary (project_id);
"""

SCORE_NAMES = "CREATE INDEX traces_score_by_name ON traces_score (project_id, left(name, 200))"


class Migration(migrations.Migration):
    dependencies = [("traces", "0003_scores")]
    operations = [
        migrations.RunSQL(UNINDEXED, "DROP TABLE traces_unindexed"),
        migrations.RunSQL(ENTRY, "DROP TABLE traces_entry"),
        migrations.RunSQL(VOCABULARY, "DROP TABLE traces_vocabulary"),
        migrations.RunSQL(SCORE_NAMES, "DROP INDEX traces_score_by_name"),
    ]
