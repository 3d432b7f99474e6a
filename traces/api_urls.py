"""Addresses of machines: OpenTelemetry's own, and ours. Ids may hold any character, a slash included."""

from django.urls import path

from traces import api, otlp

urlpatterns = [
    *(
        path(prefix + signal, view)
        for prefix in ("v1/", "api/otel/v1/")
        for signal, view in (("traces", otlp.traces), ("logs", otlp.logs), ("metrics", otlp.metrics))
    ),
    path("api/v1/traces", api.plain_traces, name="api-traces"),
    path("api/v1/traces/<path:trace_id>", api.TraceById.as_view(), name="api-trace"),
    path("api/v1/requests/<path:request_id>", api.TraceByRequest.as_view(), name="api-request"),
]
