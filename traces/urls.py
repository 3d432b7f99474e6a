from django.urls import path

from traces import views

app_name = "traces"
urlpatterns = [
    path("p/<slug:project_slug>", views.lookup, name="lookup"),
    path("p/<slug:project_slug>/traces", views.trace_list, name="trace-list"),
    path("p/<slug:project_slug>/traces/<path:trace_id>", views.trace_detail, name="trace-detail"),
    path("p/<slug:project_slug>/payload/<path:trace_id>", views.payload_fragment, name="payload-fragment"),
]
