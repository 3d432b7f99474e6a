"""The pages of incidents, rules and kept mails."""

import re
from datetime import datetime

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import project_for, role_in
from accounts.models import Project, Role
from alerts import evaluate, mails, pages
from alerts.forms import RuleForm
from alerts.models import Incident, Rule
from llmobs.lib.http import PageRequest


@require_safe
@login_required
def incident_list(request: PageRequest, project_slug: str) -> HttpResponse:
    """The open ones first, then the past, newest first."""
    project = project_for(request.user, project_slug)
    before = request.GET.get("before", "")
    place = int(before) if re.fullmatch(r"[0-9]{1,18}", before) else None
    opened, past, older = pages.incidents_of(project, before=place)
    context = {"project": project, "section": "incidents", "opened": opened, "past": past, "older": older}
    return render(request, "alerts/incident_list.html", {**context, "keeps_mails": keeps_mails()})


@require_safe
@login_required
def incident_detail(request: PageRequest, project_slug: str, incident_id: int) -> HttpResponse:
    project = project_for(request.user, project_slug)
    incident = _incident(project, incident_id)
    return render(request, "alerts/incident_detail.html", pages.incident_page(incident, timezone.now()))


@require_POST
@login_required
def incident_acknowledge(request: PageRequest, project_slug: str, incident_id: int) -> HttpResponse:
    """Say that somebody is at it. Any member may; the first one counts."""
    project = project_for(request.user, project_slug)
    incident = _incident(project, incident_id)
    Incident.objects.filter(pk=incident.pk, acknowledged_at=None).update(
        acknowledged_at=timezone.now(), acknowledged_by=request.user
    )
    return redirect("alerts:incident-detail", project.slug, incident.pk)


@require_safe
@login_required
def rule_list(request: PageRequest, project_slug: str) -> HttpResponse:
    project = project_for(request.user, project_slug)
    may_edit = role_in(request.user, project) in (Role.ENGINEER, Role.ADMIN)
    context = {"project": project, "section": "rules", "rows": pages.rule_rows(project), "may_edit": may_edit}
    return render(request, "alerts/rule_list.html", {**context, "keeps_mails": keeps_mails()})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def rule_edit(request: PageRequest, project_slug: str, rule_id: int) -> HttpResponse:
    """Change a rule; one that is switched off closes its incident."""
    project = project_for(request.user, project_slug, role=Role.ENGINEER)
    rule = get_object_or_404(Rule, project=project, pk=rule_id)
    form = RuleForm(request.POST or None, instance=rule)
    if request.method == "POST" and form.is_valid():
        _save(form, timezone.now())
        messages.success(request, f"{rule.name}: saved, {timezone.localtime():%H:%M}")
        return redirect("alerts:rule-list", project.slug)
    context = {"project": project, "section": "rules", "rule": rule, "form": form}
    return render(request, "alerts/rule_edit.html", context, status=400 if form.errors else 200)


@require_safe
@login_required
def mail_list(request: PageRequest, project_slug: str) -> HttpResponse:
    """The mails that were kept because no mail server is configured."""
    project = project_for(request.user, project_slug)
    found = mails.kept_mails(project) if keeps_mails() else []
    context = {"project": project, "section": "settings", "mails": found, "keeps_mails": keeps_mails()}
    return render(request, "alerts/mail_list.html", context)


@require_safe
@login_required
def mail_detail(request: PageRequest, project_slug: str, name: str) -> HttpResponse:
    project = project_for(request.user, project_slug)
    mail = mails.kept_mail(project, name)
    if mail is None:
        raise Http404("No mail of this project has this name.")
    return render(request, "alerts/mail_detail.html", {"project": project, "section": "settings", "mail": mail})


def keeps_mails() -> bool:
    """Whether mails become files here, instead of going to a server."""
    return not settings.EMAIL_URL


def _incident(project: Project, incident_id: int) -> Incident:
    mine = Incident.objects.select_related("rule", "project", "acknowledged_by")
    return get_object_or_404(mine, project=project, pk=incident_id)


def _save(form: RuleForm, now: datetime) -> None:
    """Only what the form shows is written: a look may have gone on meanwhile."""
    rule = form.save(commit=False)
    rule.next_due_at = now
    rule.save(update_fields=[*form.Meta.fields, "next_due_at"])
    if not rule.enabled:
        evaluate.switch_off(rule, now)
