from django.contrib import admin

from accounts.models import Key, Membership, Project, User


@admin.register(User)
class UserAdmin(admin.ModelAdmin[User]):
    list_display = ["email", "name", "is_active", "is_staff", "last_login"]
    search_fields = ["email", "name"]
    exclude = ["password"]


class MembershipInline(admin.TabularInline[Membership, Project]):
    model = Membership
    extra = 0


@admin.register(Project)
class ProjectAdmin(admin.ModelAdmin[Project]):
    list_display = ["name", "slug", "created_at"]
    inlines = [MembershipInline]


@admin.register(Key)
class KeyAdmin(admin.ModelAdmin[Key]):
    list_display = ["name", "project", "scope", "prefix", "created_at", "last_used_at", "revoked_at"]
    list_filter = ["project", "scope"]
    exclude = ["digest"]
    readonly_fields = ["prefix", "created_at", "last_used_at"]
