from django.contrib.auth.views import LogoutView
from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("", views.home, name="home"),
    path("login", views.Login.as_view(), name="login"),
    path("logout", LogoutView.as_view(), name="logout"),
    path("password", views.Password.as_view(), name="password"),
    path("preferences", views.preferences, name="preferences"),
    path("p/<slug:project_slug>/settings", views.settings, name="settings"),
    path("p/<slug:project_slug>/settings/keys", views.keys, name="keys"),
    path("p/<slug:project_slug>/settings/keys/<int:key_id>/revoke", views.key_revoke, name="key-revoke"),
    path("p/<slug:project_slug>/settings/keys/<int:key_id>/limits", views.key_limits, name="key-limits"),
    path("p/<slug:project_slug>/settings/ids", views.id_keys, name="id-keys"),
    path("p/<slug:project_slug>/settings/facets", views.facet_keys, name="facet-keys"),
]
