"""What members keep of the list of traces: saved views, and columns with their widths."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import project_for, role_in
from accounts.models import Project
from llmobs.lib.http import PageRequest, now_of
from traces import column_choice, saved_views, view_links
from traces.columns import NORMAL
from traces.models import ListChoice, SavedView
from traces.search.asked import asked_in
from traces.view_forms import ViewForm

MAY_NOT_SHARE = "Views of the whole project need the role engineer. Ask an admin for it."
CHANGED_MEANWHILE = (
    "{name} was changed meanwhile, so nothing is saved yet. What you have is still shown here: "
    "save it to put it in the place of what there is now, or save it as a new view."
)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def view_list(request: PageRequest, project_slug: str) -> HttpResponse:
    """The views of the member and of the project, to be renamed and deleted; a new one is posted here."""
    project = project_for(request.user, project_slug)
    if request.method != "POST":
        return _page(request, project)
    form = ViewForm(request.POST)
    if not form.is_valid():
        return _page(request, project, form)
    shared = form.cleaned_data["shared"]
    if shared:
        _refuse_support(request, project)
    query = asked_in(request.POST.get("list", "")).shown_as(view="").query()
    view = SavedView(
        project=project,
        owner=None if shared else request.user,
        created_by=request.user,
        name=form.cleaned_data["name"],
        query=query,
    )
    try:
        saved_views.save(view)
    except saved_views.ViewError as problem:
        form.add_error("name", str(problem))
        return _page(request, project, form)
    messages.info(request, f"{view.name} is saved{' for the whole project' if shared else ''}.")
    return redirect(view_links.address_of(project, view))


@require_POST
@login_required
def view_change(request: PageRequest, project_slug: str, view_id: int) -> HttpResponse:
    """Give a view another name, or what the list asks for now (`list`), unless it no longer is what it `was` there."""
    project = project_for(request.user, project_slug)
    view = _changeable(request, project, view_id)
    said = request.POST
    if "name" in said:
        form = ViewForm(said)
        if not form.is_valid():
            messages.error(request, " ".join(str(error) for error in form.errors["name"]))
            return redirect("traces:view-list", project.slug)
        view.name = form.cleaned_data["name"]
    meanwhile = said.get("was", view.query) != view.query
    if "list" in said:
        view.query = asked_in(said["list"]).shown_as(view="").query()
    if problem := CHANGED_MEANWHILE.format(name=view.name) if meanwhile else _problem_of_saving(view):
        messages.error(request, problem)
    else:
        messages.info(request, f"{view.name} is saved.")
    return redirect(view_links.address_of(project, view) if "list" in said else view_links.manage_address(project))


@require_POST
@login_required
def view_delete(request: PageRequest, project_slug: str, view_id: int) -> HttpResponse:
    """Delete a view. The page that follows can bring it back."""
    project = project_for(request.user, project_slug)
    saved_views.delete(_changeable(request, project, view_id), now_of(request))
    return redirect(f"{view_links.manage_address(project)}?deleted={view_id}")


@require_POST
@login_required
def view_restore(request: PageRequest, project_slug: str, view_id: int) -> HttpResponse:
    """Bring a deleted view back."""
    project = project_for(request.user, project_slug)
    try:
        view = saved_views.restore(_changeable(request, project, view_id, deleted=True))
        messages.info(request, f"{view.name} is back.")
    except saved_views.ViewError as problem:
        messages.error(request, str(problem))
        return redirect(f"{view_links.manage_address(project)}?deleted={view_id}")
    return redirect(view_links.manage_address(project))


@require_POST
@login_required
def view_first(request: PageRequest, project_slug: str) -> HttpResponse:
    """Choose the view that the list opens with for this member; "" for none."""
    project = project_for(request.user, project_slug)
    key = request.POST.get("view", "")
    if view_links.first_address(project, key, saved_views.views_of(request.user, project)) is None:
        key = ""
    ListChoice.objects.update_or_create(project=project, member=request.user, defaults={"first_view": key})
    return redirect(view_links.manage_address(project))


@require_POST
@login_required
def columns(request: PageRequest, project_slug: str) -> HttpResponse:
    """Choose columns, their order and widths, and the density. htmx gets the list's address alone.

    In a saved view they become part of the address; elsewhere they are kept for the member.
    """
    project = project_for(request.user, project_slug)
    layout = column_choice.chosen(request.POST)
    asked = asked_in(request.POST.get("list", ""))
    views = saved_views.views_of(request.user, project)
    density = "" if layout.density == NORMAL else layout.density
    if view_links.current_view(asked, views):
        asked = asked.shown_as(columns=layout.words, density=density)
    else:
        kept = {"columns": layout.words, "density": density}
        ListChoice.objects.update_or_create(project=project, member=request.user, defaults=kept)
        asked = asked.shown_as(columns="", density="")
    address = view_links.list_address(project, asked.query())
    if request.htmx:
        return HttpResponse(address, content_type="text/plain; charset=utf-8")
    return redirect(f"{address}#{column_choice.place_of(request.POST)}")


def _page(request: PageRequest, project: Project, form: ViewForm | None = None) -> HttpResponse:
    views, role = saved_views.views_of(request.user, project), role_in(request.user, project)
    deleted = request.GET.get("deleted", "")
    gone = saved_views.view_for(request.user, project, int(deleted), deleted=True) if _is_id(deleted) else None
    context: dict[str, Any] = {
        "project": project,
        "section": "traces",
        "views": [(view, view_links.address_of(project, view), view_links.may_change(view, role)) for view in views],
        "built_in": saved_views.BUILT_IN,
        "first_view": saved_views.choice_of(request.user, project).first_view,
        "gone": gone if gone and gone.deleted_at and view_links.may_change(gone, role) else None,
        "may_share": view_links.may_share(role),
        "form": form,
        "list": request.POST.get("list", ""),
    }
    return render(request, "traces/view_list.html", context)


def _problem_of_saving(view: SavedView) -> str:
    """Keep a view; "" when that was done, else why it cannot be."""
    try:
        saved_views.save(view)
    except saved_views.ViewError as problem:
        return str(problem)
    return ""


def _changeable(request: PageRequest, project: Project, view_id: int, *, deleted: bool = False) -> SavedView:
    view = saved_views.view_for(request.user, project, view_id, deleted=deleted) if _is_id(str(view_id)) else None
    if view is None:
        raise Http404("There is no such view, or it is another member's.")
    if view.shared:
        _refuse_support(request, project)
    return view


def _refuse_support(request: PageRequest, project: Project) -> None:
    if not view_links.may_share(role_in(request.user, project)):
        raise PermissionDenied(MAY_NOT_SHARE)


def _is_id(said: str) -> bool:
    return said.isascii() and said.isdecimal() and len(said) <= 18
