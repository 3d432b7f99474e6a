"""The tables of spans. Columns are described in `traces/records.py`; the reasons in `docs/decisions/`."""

from django.db import migrations

# What lists, charts and filters read: one narrow row per span. No foreign keys and no DEFAULT partition: a row that no
# day's partition takes is an error that is answered, not a disk that fills. COLLATE "C": ids sort and match by bytes.
SPAN = """
    CREATE TABLE traces_span (
        started_at timestamptz,
        happened_at timestamptz NOT NULL,
        received_at timestamptz NOT NULL,
        duration_us bigint,
        time_to_first_token_us bigint,
        input_tokens bigint,
        output_tokens bigint,
        cache_read_tokens bigint,
        cache_write_tokens bigint,
        reasoning_tokens bigint,
        confidence double precision,
        project_id integer NOT NULL,
        day date NOT NULL,
        attempt integer,
        retries integer,
        revision integer NOT NULL DEFAULT 0,
        payload_bytes integer NOT NULL DEFAULT 0,
        cache_hit boolean,
        refused boolean,
        format_valid boolean,
        ended boolean NOT NULL DEFAULT true,
        start_assumed boolean NOT NULL DEFAULT false,
        trace_id bytea NOT NULL,
        span_id bytea NOT NULL,
        parent_id bytea,
        digest bytea NOT NULL,
        name text COLLATE "C" NOT NULL,
        kind text COLLATE "C" NOT NULL,
        status text COLLATE "C" NOT NULL,
        failure text COLLATE "C",
        fallback text COLLATE "C",
        finish_reason text COLLATE "C",
        trace_text text COLLATE "C",
        span_text text COLLATE "C",
        parent_text text COLLATE "C",
        request_id text COLLATE "C",
        session_id text COLLATE "C",
        user_id text COLLATE "C",
        response_id text COLLATE "C",
        feature text COLLATE "C",
        service text COLLATE "C",
        environment text COLLATE "C",
        release text COLLATE "C",
        provider text COLLATE "C",
        model_requested text COLLATE "C",
        model text COLLATE "C",
        prompt_name text COLLATE "C",
        prompt_version text COLLATE "C",
        template_name text COLLATE "C",
        template_version text COLLATE "C",
        retriever_name text COLLATE "C",
        retriever_version text COLLATE "C",
        parser_name text COLLATE "C",
        parser_version text COLLATE "C",
        tool_name text COLLATE "C",
        tool_version text COLLATE "C",
        cost_source text COLLATE "C",
        cost_usd numeric,
        status_message text COLLATE "C",
        tags text[] COLLATE "C",
        PRIMARY KEY (project_id, day, trace_id, span_id)
    ) PARTITION BY RANGE (day);
    CREATE INDEX traces_span_by_span ON traces_span (project_id, span_id);
    -- btree entries end at 2,704 bytes, and a sender's id may be longer: the beginning is indexed, the whole compared.
    CREATE INDEX traces_span_by_request ON traces_span (project_id, left(request_id, 200))
        WHERE request_id IS NOT NULL;
    CREATE INDEX traces_span_by_response ON traces_span (project_id, left(response_id, 200))
        WHERE response_id IS NOT NULL;
    CREATE INDEX traces_span_by_time ON traces_span (project_id, happened_at);
"""

# What people and models wrote. Compressed by us (zstd), so Postgres must not try again: STORAGE EXTERNAL.
PAYLOAD = """
    CREATE TABLE traces_payload (
        project_id integer NOT NULL,
        day date NOT NULL,
        codec smallint NOT NULL,
        trace_id bytea NOT NULL,
        span_id bytea NOT NULL,
        body bytea NOT NULL,
        PRIMARY KEY (project_id, day, trace_id, span_id)
    ) PARTITION BY RANGE (day);
    ALTER TABLE traces_payload ALTER COLUMN body SET STORAGE EXTERNAL;
"""

# One row per trace, kept by merges that give the same row in any order. Counts and cost come from the spans.
SUMMARY = """
    CREATE TABLE traces_summary (
        happened_at timestamptz NOT NULL,
        ended_at timestamptz,
        was_happened_at timestamptz,
        name_rank bigint NOT NULL,
        asked_rank bigint NOT NULL,
        answered_rank bigint NOT NULL,
        project_id integer NOT NULL,
        first_day date NOT NULL,
        last_day date NOT NULL,
        revision integer NOT NULL DEFAULT 0,
        has_root boolean NOT NULL,
        feature_changed boolean NOT NULL DEFAULT false,
        trace_id bytea NOT NULL,
        trace_text text COLLATE "C",
        name text COLLATE "C",
        request_id text COLLATE "C",
        session_id text COLLATE "C",
        user_id text COLLATE "C",
        feature text COLLATE "C",
        service text COLLATE "C",
        environment text COLLATE "C",
        release text COLLATE "C",
        asked text COLLATE "C",
        answered text COLLATE "C",
        PRIMARY KEY (project_id, trace_id)
    ) WITH (fillfactor = 90);
    CREATE INDEX traces_summary_by_time ON traces_summary (project_id, happened_at DESC, trace_id DESC);
    CREATE INDEX traces_summary_by_session ON traces_summary (project_id, left(session_id, 200), happened_at DESC)
        WHERE session_id IS NOT NULL;
    CREATE INDEX traces_summary_by_user ON traces_summary (project_id, left(user_id, 200), happened_at DESC)
        WHERE user_id IS NOT NULL;
    CREATE INDEX traces_summary_by_last_day ON traces_summary (last_day);
"""

# The day of a span whose sender may leave out or change its start: asked before the span is written.
LOCATOR = """
    CREATE TABLE traces_locator (
        happened_at timestamptz NOT NULL,
        project_id integer NOT NULL,
        trace_id bytea NOT NULL,
        span_id bytea NOT NULL,
        PRIMARY KEY (project_id, trace_id, span_id)
    );
    CREATE INDEX traces_locator_by_time ON traces_locator (happened_at);
"""

# Five-minute intervals whose rollups no longer match the spans. Append-only: a unique mark lost spans or slowed writers.
MARK = """
    CREATE TABLE traces_mark (
        starts_at timestamptz NOT NULL,
        project_id integer NOT NULL
    ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
"""

# One row per five minutes and key. `level` says which of feature and model the row is about; the other is ''.
# Requests are traces that began here, calls are leaf model spans that began here. Sketches: see traces/sketch.py.
ROLLUP = """
    CREATE TABLE traces_rollup (
        starts_at timestamptz NOT NULL,
        requests bigint NOT NULL DEFAULT 0,
        requests_failed bigint NOT NULL DEFAULT 0,
        calls bigint NOT NULL DEFAULT 0,
        calls_failed bigint NOT NULL DEFAULT 0,
        calls_without_price bigint NOT NULL DEFAULT 0,
        calls_without_tokens bigint NOT NULL DEFAULT 0,
        input_tokens bigint NOT NULL DEFAULT 0,
        output_tokens bigint NOT NULL DEFAULT 0,
        cache_read_tokens bigint NOT NULL DEFAULT 0,
        reasoning_tokens bigint NOT NULL DEFAULT 0,
        retries bigint NOT NULL DEFAULT 0,
        project_id integer NOT NULL,
        level text COLLATE "C" NOT NULL,
        feature text COLLATE "C" NOT NULL,
        model text COLLATE "C" NOT NULL,
        cost_usd numeric NOT NULL DEFAULT 0,
        request_latency bytea,
        call_latency bytea,
        PRIMARY KEY (project_id, level, starts_at, feature, model)
    );
"""

TABLES = {
    "traces_span": SPAN,
    "traces_payload": PAYLOAD,
    "traces_summary": SUMMARY,
    "traces_locator": LOCATOR,
    "traces_mark": MARK,
    "traces_rollup": ROLLUP,
}


class Migration(migrations.Migration):
    initial = True
    operations = [migrations.RunSQL(sql, f"DROP TABLE {name}") for name, sql in TABLES.items()]
