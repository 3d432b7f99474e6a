"""The shapes in which spans and summaries travel to the database (`traces/composites.py`).

A worker of an older version goes on sending what it knows while a newer one starts: other fields are a type of another
name, and these go with a later version.
"""

from django.db import migrations

SPAN = """
    CREATE TYPE traces_sent_span AS (
        trace_id bytea, span_id bytea, parent_id bytea, started_at timestamptz, duration_us bigint,
        time_to_first_token_us bigint, input_tokens bigint, output_tokens bigint, cache_read_tokens bigint,
        cache_write_tokens bigint, reasoning_tokens bigint, confidence double precision, attempt integer,
        retries integer, cache_hit boolean, refused boolean, format_valid boolean, ended boolean,
        start_assumed boolean, name text, kind text, status text, failure text, fallback text, finish_reason text,
        trace_text text, span_text text, parent_text text, request_id text, session_id text, user_id text,
        response_id text, feature text, service text, environment text, release text, provider text,
        model_requested text, model text, prompt_name text, prompt_version text, template_name text,
        template_version text, retriever_name text, retriever_version text, parser_name text, parser_version text,
        tool_name text, tool_version text, cost_source text, status_message text, tags text, cost_usd text,
        day date, happened_at timestamptz, digest bytea, payload_bytes integer
    );
"""
SUMMARY = """
    CREATE TYPE traces_sent_summary AS (
        trace_id bytea, happened_at timestamptz, ended_at timestamptz, last_at timestamptz, first_day date,
        last_day date, has_root boolean, name_rank bigint, asked_rank bigint, answered_rank bigint, trace_text text,
        name text, asked text, answered text, request_id text, session_id text, user_id text, feature text,
        service text, environment text, release text
    );
"""


class Migration(migrations.Migration):
    dependencies = [("traces", "0013_requests_of_traces")]
    operations = [
        migrations.RunSQL(SPAN, "DROP TYPE traces_sent_span"),
        migrations.RunSQL(SUMMARY, "DROP TYPE traces_sent_summary"),
    ]
