from django.urls import path, re_path

from dashboards import feature_views, views

app_name = "dashboards"
urlpatterns = [
    path("p/<slug:project_slug>/dashboards/overview", views.overview, name="overview"),
    path("p/<slug:project_slug>/features", feature_views.feature_list, name="feature-list"),
    # Any character may stand in a feature's name, a line's end too.
    re_path(
        r"^p/(?P<project_slug>[-a-zA-Z0-9_]+)/features/(?P<feature>(?s:.+))\Z", feature_views.feature, name="feature"
    ),
    re_path(
        r"^p/(?P<project_slug>[-a-zA-Z0-9_]+)/feature-notes/(?P<feature>(?s:.+))\Z",
        feature_views.feature_edit,
        name="feature-edit",
    ),
]
