from django.contrib import admin

from alerts.models import Incident, Notification, Rule


@admin.register(Rule)
class RuleAdmin(admin.ModelAdmin[Rule]):
    list_display = ["kind", "project", "limit", "minimum", "enabled", "standing", "last_looked_at"]
    list_filter = ["project", "enabled", "standing"]


@admin.register(Incident)
class IncidentAdmin(admin.ModelAdmin[Incident]):
    list_display = ["title", "project", "severity", "began_at", "opened_at", "resolved_at"]
    list_filter = ["project", "severity"]
    date_hierarchy = "opened_at"


@admin.register(Notification)
class NotificationAdmin(admin.ModelAdmin[Notification]):
    list_display = ["address", "occasion", "state", "attempts", "next_attempt_at", "sent_at", "failure"]
    list_filter = ["state", "transport"]
