from django.contrib import admin

from cases.models import Case, Mail


@admin.register(Case)
class CaseAdmin(admin.ModelAdmin[Case]):
    list_display = ["number", "title", "project", "status", "fix", "assignee", "changed_at", "next_due_at"]
    list_filter = ["project", "status"]


@admin.register(Mail)
class MailAdmin(admin.ModelAdmin[Mail]):
    list_display = ["address", "state", "attempts", "next_attempt_at", "sent_at", "failure"]
    list_filter = ["state"]
