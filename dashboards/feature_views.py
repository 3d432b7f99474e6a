"""The pages of features: all that were seen, one of them, and the form of what is written about it."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import project_for, role_in
from accounts.models import Project, Role, User
from dashboards import feature_pages
from dashboards.forms import FeatureForm
from llmobs.lib.http import PageRequest, now_of
from traces.addresses import feature_url
from traces.features import ChangedMeanwhile, write
from traces.models import Feature
from traces.queries.features import feature_of
from traces.sentences import name

MOST_MEMBERS = 200  # suggested as owners


@require_safe
@login_required
def feature_list(request: PageRequest, project_slug: str) -> HttpResponse:
    """Every feature that was seen, with what it was asked in a period."""
    project = project_for(request.user, project_slug)
    context = feature_pages.feature_list_page(project, request.GET, now_of(request))
    return render(request, "dashboards/feature_list.html", context)


@require_safe
@login_required
def feature(request: PageRequest, project_slug: str, feature: str) -> HttpResponse:
    """One feature: how it goes, what is usual, what it runs with, and who looks after it."""
    project = project_for(request.user, project_slug)
    found = feature_of(project.pk, feature)
    if found is None:
        return _unknown(request, project, feature)
    context = feature_pages.feature_page(project, found, request.GET, now_of(request))
    may_edit = role_in(request.user, project) in (Role.ENGINEER, Role.ADMIN)
    urls = {"edit_url": feature_url(project.slug, found.name, edit=True) if may_edit else None}
    return render(request, "dashboards/feature.html", {**context, **urls})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def feature_edit(request: PageRequest, project_slug: str, feature: str) -> HttpResponse:
    """Write who looks after a feature, and how. What another member wrote meanwhile is shown first."""
    project = project_for(request.user, project_slug, role=Role.ENGINEER)
    found = feature_of(project.pk, feature)
    if found is None:
        return _unknown(request, project, feature)
    form = FeatureForm(request.POST if request.method == "POST" else None, found, _members(project))
    context: dict[str, Any] = {}
    if form.is_valid():
        try:
            _save(form, found, request.user)
            messages.success(request, f"Saved, {timezone.localtime():%H:%M}")
            return redirect(feature_url(project.slug, found.name))
        except ChangedMeanwhile as meanwhile:
            form.data = {**request.POST.dict(), "version": str(meanwhile.feature.version)}
            context = {"meanwhile": meanwhile}
    context |= {"project": project, "section": "dashboards", "tab": "features", "feature": found, "form": form}
    context |= {"url": feature_url(project.slug, found.name), "changes": feature_pages.changes_of(found)}
    status = 409 if "meanwhile" in context else 400 if form.errors else 200
    return render(request, "dashboards/feature_edit.html", context, status=status)


def _save(form: FeatureForm, found: Feature, by: User) -> None:
    values = dict(form.cleaned_data)
    write(found, values, version=values.pop("version"), by=by, now=timezone.now())


def _members(project: Project) -> list[str]:
    named = User.objects.filter(memberships__project=project, is_active=True).order_by("email")
    return list(named.values_list("email", flat=True)[:MOST_MEMBERS])


def _unknown(request: PageRequest, project: Project, feature: str) -> HttpResponse:
    context = {"project": project, "section": "dashboards", "tab": "features", "name": name(feature)}
    return render(request, "dashboards/feature_unknown.html", context, status=404)
