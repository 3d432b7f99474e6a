from django.urls import include, path

from alerts import views

app_name = "alerts"

incident_urls = [
    path("", views.incident_list, name="incident-list"),
    path("/<int:incident_id>", views.incident_detail, name="incident-detail"),
    path("/<int:incident_id>/acknowledge", views.incident_acknowledge, name="incident-acknowledge"),
]
rule_urls = [
    path("", views.rule_list, name="rule-list"),
    path("/<int:rule_id>", views.rule_edit, name="rule-edit"),
]
mail_urls = [
    path("", views.mail_list, name="mail-list"),
    path("/<str:name>", views.mail_detail, name="mail-detail"),
]

urlpatterns = [
    path("p/<slug:project_slug>/incidents", include(incident_urls)),
    path("p/<slug:project_slug>/rules", include(rule_urls)),
    path("p/<slug:project_slug>/mails", include(mail_urls)),
]
