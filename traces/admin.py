from django.contrib import admin

from traces.models import ListChoice, SavedView


@admin.register(SavedView)
class SavedViewAdmin(admin.ModelAdmin[SavedView]):
    list_display = ["name", "project", "owner", "created_by", "changed_at", "deleted_at"]
    list_filter = ["project"]
    search_fields = ["name"]


@admin.register(ListChoice)
class ListChoiceAdmin(admin.ModelAdmin[ListChoice]):
    list_display = ["member", "project", "columns", "density", "first_view"]
    list_filter = ["project"]
