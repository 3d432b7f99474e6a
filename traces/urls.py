from django.urls import path, re_path

from traces import (
    changes_views,
    compare_views,
    facet_views,
    feedback_views,
    first_trace_views,
    inbox_views,
    list_views,
    live_views,
    lookup_views,
    media_views,
    palette_views,
    replay_views,
    session_views,
    trace_files,
    user_views,
    views,
)

app_name = "traces"
urlpatterns = [
    path("p/<slug:project_slug>", lookup_views.lookup, name="lookup"),
    path("trace/<path:trace_id>", views.any_trace, name="any-trace"),
    path("p/<slug:project_slug>/traces", list_views.trace_list, name="trace-list"),
    path("p/<slug:project_slug>/send", first_trace_views.send, name="send"),
    path("p/<slug:project_slug>/first-trace", first_trace_views.first_trace_fragment, name="first-trace-fragment"),
    path("p/<slug:project_slug>/export", list_views.trace_export, name="trace-export"),
    path("p/<slug:project_slug>/newer", live_views.newer_fragment, name="newer-fragment"),
    path("p/<slug:project_slug>/palette", palette_views.palette_fragment, name="palette-fragment"),
    path("p/<slug:project_slug>/facets", facet_views.facets_fragment, name="facets-fragment"),
    path("p/<slug:project_slug>/suggestions", list_views.suggestions_fragment, name="suggestions-fragment"),
    path("p/<slug:project_slug>/traces/<path:trace_id>", views.trace_detail, name="trace-detail"),
    # Any character may stand in a session's id, a line's end too.
    re_path(
        r"^p/(?P<project_slug>[-a-zA-Z0-9_]+)/sessions/(?P<session_id>(?s:.+))\Z", session_views.session, name="session"
    ),
    re_path(r"^p/(?P<project_slug>[-a-zA-Z0-9_]+)/users/(?P<user_id>(?s:.+))\Z", user_views.user, name="user"),
    path("p/<slug:project_slug>/feedback/<path:trace_id>", feedback_views.feedback, name="feedback"),
    path("p/<slug:project_slug>/payload/<path:trace_id>", views.payload_fragment, name="payload-fragment"),
    path("p/<slug:project_slug>/changes/<path:trace_id>", changes_views.changes, name="changes-fragment"),
    path("p/<slug:project_slug>/compare", compare_views.compare, name="compare"),
    path("p/<slug:project_slug>/span-json/<path:trace_id>", trace_files.span_json, name="span-json"),
    path("p/<slug:project_slug>/download/<path:trace_id>", trace_files.trace_download, name="trace-download"),
    path("p/<slug:project_slug>/reproduce/<path:trace_id>", trace_files.call_download, name="call-download"),
    re_path(r"^p/(?P<project_slug>[-a-zA-Z0-9_]+)/media/(?P<sha256>[0-9a-f]{64})\Z", media_views.media, name="media"),
    path("p/<slug:project_slug>/inbox", inbox_views.inbox, name="inbox"),
    path("p/<slug:project_slug>/inbox/<int:refusal_id>", inbox_views.inbox_refusal, name="inbox-refusal"),
    path("p/<slug:project_slug>/inbox/<int:refusal_id>/body", inbox_views.inbox_body, name="inbox-body"),
    path("p/<slug:project_slug>/inbox/<int:refusal_id>/replay", replay_views.refusal_replay, name="refusal-replay"),
    path("p/<slug:project_slug>/inbox/replay", replay_views.reason_replay, name="reason-replay"),
    path("p/<slug:project_slug>/inbox/replays/<int:replay_id>", replay_views.replay_fragment, name="replay-fragment"),
]
