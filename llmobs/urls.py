"""Every address. Machines have their own, fixed by the protocols; pages live under /p/<project>/."""

from django.contrib import admin
from django.urls import include, path

from llmobs import health

handler500 = "llmobs.lib.failures.server_error"

urlpatterns = [
    path("", include("accounts.urls")),
    path("", include("traces.api_urls")),
    path("", include("traces.urls")),
    path("", include("dashboards.urls")),
    path("", include("alerts.urls")),
    path("", include("cases.urls")),
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
    path("admin/", admin.site.urls),
]
