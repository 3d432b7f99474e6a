"""Addresses of machines: OpenTelemetry's own, and ours. Ids may hold any character, a slash included.

OpenTelemetry comes to its own addresses, to those that other servers give it, Langfuse's among them, and to each with
`/v1/traces` in front of the signal's path: what an SDK makes of an endpoint that already was the whole address.
"""

from django.urls import include, path, re_path

from traces import api, otlp, search_api
from traces.clients import gateways, langfuse, langsmith, opik, opik_files, traceloop

# Ids end at the next word of the path: Opik's are UUIDs.
OPIK = [
    path("is-alive/ping", opik.ping),
    re_path(r"^v1/session/redirect/projects/?\Z", opik.printed_link),
    path("v1/private/auth", opik.agreed),
    path("v1/private/auth/workspace", opik.workspace),
    path("v1/private/guardrails", opik.checks),
    path("v1/private/attachment/upload-start", opik_files.begin),
    path("v1/private/attachment/upload", opik_files.upload),
    path("v1/private/attachment/upload-complete", opik.agreed),
    re_path(r"^v1/private/(?P<of>traces|spans|traces/threads)/feedback-scores\Z", opik.scores_of_many),
    path("v1/private/traces/threads/feedback-scores/delete", opik.scores_taken_back, {"of": "traces/threads"}),
    re_path(r"^v1/private/traces/threads/(?:open|close)\Z", opik.agreed),
    re_path(r"^v1/private/(?P<of>traces|spans)/batch\Z", opik.batch),
    re_path(r"^v1/private/(?P<of>traces|spans)\Z", opik.one),
    re_path(r"^v1/private/(?P<of>traces|spans)/(?P<id_>[^/]+)\Z", opik.patch),
    re_path(r"^v1/private/(?P<of>traces|spans)/(?P<id_>[^/]+)/feedback-scores\Z", opik.score_of_one),
    re_path(r"^v1/private/(?P<of>traces|spans)/(?P<id_>[^/]+)/feedback-scores/delete\Z", opik.scores_taken_back),
    path("v1/private/otel/v1/traces", otlp.traces),
    re_path(r"^(?P<path>[\s\S]*)\Z", opik.nothing_here),
]

TRACELOOP_IMAGES = r"v2/traces/(?P<trace_id>\d+)/spans/(?P<span_id>\d+)/images"

LANGFUSE = [
    path("ingestion", langfuse.ingestion),
    path("scores", langfuse.scored),
    path("projects", langfuse.projects),
    path("health", langfuse.health),
    path("media", langfuse.media),
    path("media/upload/<str:pass_>", langfuse.upload, name="langfuse-upload"),
    path("media/<str:media_id>", langfuse.uploaded),
    re_path(r"^[\s\S]*\Z", langfuse.nothing_here),
]

urlpatterns = [
    *(
        path(prefix + doubled + signal, view)
        for prefix in ("v1/", "api/otel/v1/", "api/public/otel/v1/")
        for doubled in ("", "traces/v1/")
        for signal, view in (("traces", otlp.traces), ("logs", otlp.logs), ("metrics", otlp.metrics))
    ),
    path("v1/traceloop/prompts", traceloop.prompts),
    path("v1/traceloop/pii/tracing-allow-list", traceloop.contents_allowed),
    re_path(r"^v2/annotation-tasks/(?P<task>[^/]+)/annotations\Z", traceloop.annotations),
    re_path(rf"^{TRACELOOP_IMAGES}\Z", traceloop.image),
    re_path(rf"^{TRACELOOP_IMAGES}/(?P<name>[\s\S]+)/(?P<file>[0-9a-f]{{64}})\Z", traceloop.image_content),
    re_path(r"^v2/", traceloop.anything),
    path("info", langsmith.info),
    path("runs/multipart", langsmith.multipart),
    path("runs/batch", langsmith.batch),
    path("runs", langsmith.run),
    re_path(r"^runs/(?P<run_id>[\s\S]+)\Z", langsmith.version),
    path("feedback", langsmith.feedback),
    path("opik/", include(OPIK)),
    path("api/litellm", gateways.of_litellm),
    path("api/helicone", gateways.of_helicone),
    path("api/public/", include(LANGFUSE)),
    path("api/v1/traces", search_api.traces, name="api-traces"),
    path("api/v1/scores", api.plain_scores, name="api-scores"),
    # Not <path:…>, which ends at the end of a line.
    re_path(r"^api/v1/traces/(?P<trace_id>[\s\S]+)\Z", api.TraceById.as_view(), name="api-trace"),
    re_path(r"^api/v1/requests/(?P<request_id>[\s\S]+)\Z", api.TraceByRequest.as_view(), name="api-request"),
]
