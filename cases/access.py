"""The one guarded way to a case."""

from django.http import Http404
from django.shortcuts import get_object_or_404

from accounts.models import Project
from cases.models import Case

LARGEST_NUMBER = 2**31 - 1


def case_for(project: Project, number: int) -> Case:
    """The case with this number; Http404 where there is none. `project` is one that the caller may see."""
    if number > LARGEST_NUMBER:
        raise Http404("No case has this number.")
    found = Case.objects.select_related("project", "assignee", "created_by")
    return get_object_or_404(found, project=project, number=number)
