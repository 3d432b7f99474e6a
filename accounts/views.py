"""Log-in, preferences, and a project's keys."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.views import LoginView, PasswordChangeView
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse_lazy
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import project_for, projects_of, role_in
from accounts.forms import (
    FacetKeysForm,
    IdKeysForm,
    KeyForm,
    LimitsForm,
    LoginForm,
    MetadataKeysForm,
    PasswordForm,
    PreferencesForm,
)
from accounts.keys import make_key
from accounts.lookups import last_project
from accounts.models import Key, Role, User
from llmobs.lib.http import PageRequest


class Login(LoginView):
    """The browser's time zone is kept at the first log-in, so that times are right without a form."""

    form_class = LoginForm
    template_name = "accounts/login.html"
    redirect_authenticated_user = True

    def form_valid(self, form: LoginForm) -> HttpResponseRedirect:  # type: ignore[override]
        user: AbstractBaseUser = form.get_user()
        if isinstance(user, User) and not user.time_zone and form.cleaned_data["time_zone"]:
            user.time_zone = form.cleaned_data["time_zone"]
            user.save(update_fields=["time_zone"])
        return super().form_valid(form)  # type: ignore[return-value]


class Password(PasswordChangeView):
    """A new password in place of the first, which somebody else made. The member's other browsers are logged out."""

    form_class = PasswordForm
    success_url = reverse_lazy("accounts:home")
    template_name = "accounts/password.html"

    def form_valid(self, form: PasswordForm) -> HttpResponse:  # type: ignore[override]
        messages.info(self.request, "The password is changed. Your other browsers are logged out.")
        return super().form_valid(form)


@require_safe
@login_required
def home(request: PageRequest) -> HttpResponse:
    """The look-up page of the project the member looked something up in last, else of the first by name.

    One who has no project is told so.
    """
    project = last_project(request.user) or projects_of(request.user).first()
    if project is None:
        return render(request, "accounts/no_project.html")
    return redirect("traces:lookup", project.slug)


@require_POST
@login_required
def preferences(request: PageRequest) -> HttpResponse:
    """Change theme, time zone or keys and go back to the page it was changed on."""
    form = PreferencesForm(request.POST, instance=request.user)
    if form.is_valid():
        form.save()
        if "time_zone" in form.changed_data:
            messages.info(request, f"Times are shown in {form.cleaned_data['time_zone'] or 'UTC'}.")
    else:
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
    back = request.META.get("HTTP_REFERER", "")
    if url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure()):
        return redirect(back)
    return redirect("accounts:home")


@require_safe
@login_required
def settings(request: PageRequest, project_slug: str) -> HttpResponse:
    """The first of the settings' pages that the member's role may see."""
    project = project_for(request.user, project_slug)
    first = {Role.ADMIN: "accounts:keys", Role.ENGINEER: "traces:inbox", Role.SUPPORT: "alerts:mail-list"}
    return redirect(first[role_in(request.user, project) or Role.SUPPORT], project.slug)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def keys(request: PageRequest, project_slug: str) -> HttpResponse:
    """The keys of a project; a new one is shown once, on the page that answers the form."""
    project = project_for(request.user, project_slug, role=Role.ADMIN)
    form = KeyForm(request.POST or None, initial={"scope": Key.Scope.INGEST})
    new_key = None
    if request.method == "POST" and form.is_valid():
        new_key = make_key(project, form.cleaned_data["scope"], form.cleaned_data["name"], by=request.user)
        form = KeyForm(initial={"scope": Key.Scope.INGEST})
    rows = Key.objects.filter(project=project).select_related("created_by")
    context = {"project": project, "section": "settings", "form": form, "keys": rows, "new_key": new_key}
    return render(request, "accounts/keys.html", context)


@require_POST
@login_required
def key_revoke(request: PageRequest, project_slug: str, key_id: int) -> HttpResponse:
    """Revoke a key: services that use it are refused from the next request on."""
    project = project_for(request.user, project_slug, role=Role.ADMIN)
    key = get_object_or_404(Key, pk=key_id, project=project)
    Key.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())
    messages.info(request, f"{key.name} is revoked.")
    return redirect("accounts:keys", project.slug)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def key_limits(request: PageRequest, project_slug: str, key_id: int) -> HttpResponse:
    """What a key that sends traces may send."""
    project = project_for(request.user, project_slug, role=Role.ADMIN)
    key = get_object_or_404(Key, pk=key_id, project=project, scope=Key.Scope.INGEST, revoked_at=None)
    form = LimitsForm(request.POST or None, key)
    if request.method == "POST" and form.is_valid():
        form.save(key)
        messages.info(request, f"The limits of {key.name} are saved; they hold within a minute.")
        return redirect("accounts:keys", project.slug)
    context = {"project": project, "section": "settings", "form": form, "key": key}
    return render(request, "accounts/key_limits.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def id_keys(request: PageRequest, project_slug: str) -> HttpResponse:
    """Which values of metadata are ids, so that the box finds traces by them."""
    return _metadata_keys(request, project_slug, IdKeysForm)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def facet_keys(request: PageRequest, project_slug: str) -> HttpResponse:
    """Which values of metadata stand beside the list of traces, to narrow it down."""
    return _metadata_keys(request, project_slug, FacetKeysForm)


def _metadata_keys(request: PageRequest, project_slug: str, of: type[MetadataKeysForm]) -> HttpResponse:
    """The page of one such form: its template and address are called as its field of the project."""
    project = project_for(request.user, project_slug, role=Role.ENGINEER)
    form = of(request.POST or None, initial={"keys": "\n".join(getattr(project, of.field))})
    if request.method == "POST" and form.is_valid():
        form.save(project)
        messages.info(request, f"Saved, {timezone.localtime():%H:%M}.")
        return redirect(f"accounts:{of.field.replace('_', '-')}", project.slug)
    context = {"project": project, "section": "settings", "form": form}
    return render(request, f"accounts/{of.field}.html", context)
