"""llmobs' own names, and names that applications give their spans whatever instruments them. See the contract, 1."""

from dataclasses import fields

from traces.conventions.contents import json_list, json_or_text
from traces.conventions.table import Content, Convention, Names
from traces.conventions.values import milliseconds, unquoted, word_of
from traces.records import FAILURES, FALLBACKS, KINDS, SpanRecord

# What an attribute cannot say: ids, times, and what has a rule of its own.
_UNSAYABLE = (
    *("trace_id", "span_id", "parent_id", "trace_text", "span_text", "parent_text", "name", "kind", "status"),
    *("started_at", "start_may_change", "start_assumed", "duration_us", "ended", "payload", "cost_source"),
    *("failure", "fallback"),
)
_SAYABLE = [field.name for field in fields(SpanRecord) if field.name not in _UNSAYABLE]

# After `llmobs.<field>` and `app.<field>`, which every field has.
_MORE: dict[str, Names] = {
    "request_id": (
        "request.id",
        "request_id",
        "http.request_id",
        "http.request.header.x-request-id",
        ("*.metadata.request_id", unquoted),
        "metadata.request_id",
        ("*.metadata.requestId", unquoted),
        "metadata.requestId",
        "traceloop.association.properties.request_id",
    ),
    "feature": (
        "feature",
        ("*.metadata.feature", unquoted),
        "metadata.feature",
        "ai.telemetry.functionId",
        "traceloop.workflow.name",
        "gen_ai.workflow.name",
    ),
    "session_id": ("session_id",),
    "user_id": ("user_id", "enduser.id"),
    "environment": ("environment", "deployment.environment.name", "deployment.environment"),
    "release": ("service.version",),
    "service": ("service.name",),
    "tags": ("tags",),
    "retries": ("http.request.resend_count",),
    "prompt_name": ("prompt_name", "metadata.prompt_name", "metadata.promptName"),
    "prompt_version": ("prompt_version", "metadata.prompt_version", "metadata.promptVersion"),
    "time_to_first_token_us": (
        ("llmobs.time_to_first_token_ms", milliseconds),
        ("app.time_to_first_token_ms", milliseconds),
    ),
}


def _words(name: str, words: tuple[str, ...]) -> Names:
    read = word_of({word: word for word in words})
    return ((f"llmobs.{name}", read), (f"app.{name}", read))


OWN = Convention(
    name="own",
    fields={
        **{name: (f"llmobs.{name}", f"app.{name}", *_MORE.get(name, ())) for name in _SAYABLE},
        **{name: _words(name, words) for name, words in (("failure", FAILURES), ("fallback", FALLBACKS))},
        "attempts": ("llmobs.attempts", "app.attempts"),
    },
    kinds={name: {kind: kind for kind in KINDS} for name in ("llmobs.kind", "app.kind")},
    contents={
        "input": (Content("llmobs.input", json_or_text), Content("app.input", json_or_text)),
        "output": (Content("llmobs.output", json_or_text), Content("app.output", json_or_text)),
        "parsed_output": (Content("llmobs.parsed_output", json_or_text), Content("app.parsed_output", json_or_text)),
        "documents": (Content("llmobs.documents", json_list), Content("app.documents", json_list)),
    },
)
