from django.urls import path

from dashboards import views

app_name = "dashboards"
urlpatterns = [path("p/<slug:project_slug>/dashboards/overview", views.overview, name="overview")]
