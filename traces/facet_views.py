"""What stands beside and over the list of traces: its facets, and when its traces began. Counted after the rows."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from accounts.access import project_for, role_in
from accounts.models import Project, Role
from llmobs.lib.http import PageRequest, now_of
from traces.facet_groups import groups, number_words
from traces.search.asked import Asked, asked_of
from traces.search.counting import Counting
from traces.search.find import indexed_up_to
from traces.search.populations import MAIN
from traces.times import buckets_of, from_traffic, times_of

SECONDS = 0.06  # for counting, so that it is there when the rows have been seen
SECONDS_AGAIN = 2.0  # where that was not enough
BEHIND = timedelta(seconds=15)  # from here on what conditions do not find is said to be perhaps not indexed yet
TRIES = (
    12  # each some seconds after the other, while nothing is counted as nothing is indexed yet; then the page is left
)
COUNTED = "counts"  # the parameter of a page that is to hold them: without scripts


@require_safe
@login_required
def facets_fragment(request: PageRequest, project_slug: str) -> HttpResponse:
    """The facets, and the bars for the place over the rows."""
    project = project_for(request.user, project_slug)
    again = request.GET.get("again") == "1"
    context = counted(request, project, asked_of(request.GET.dict()), SECONDS_AGAIN if again else SECONDS)
    if not context["counted"] and not again:
        context["facets_url"] = _fragment_url(project, asked_of(request.GET.dict()), again="1")
    if context["behind"] and not context["groups"]:
        context["later_url"] = _later_url(request, project)
    return render(request, "traces/_facets.html", {**context, "swapped": True})


def beside(request: PageRequest, project: Project, asked: Asked) -> dict[str, Any]:
    """What the page needs for them: where they come from, or, if its address says so, what was counted."""
    if request.GET.get(COUNTED) == "1" and not asked.problem:
        return counted(request, project, asked, SECONDS_AGAIN)
    here = reverse("traces:trace-list", args=[project.slug])
    return {
        "facets_url": _fragment_url(project, asked),
        "counts_url": f"{here}?{urlencode({**asked.params(), COUNTED: '1'})}",
    }


def counted(request: PageRequest, project: Project, asked: Asked, seconds: float) -> dict[str, Any]:
    """The context of the facets. A line that cannot be read has none."""
    here, now = reverse("traces:trace-list", args=[project.slug]), now_of(request)
    period = asked.time_range(now)
    buckets, keys = buckets_of(period), project.facet_keys
    counting = Counting(project.pk, period, asked.terms, keys, buckets, seconds)
    found = {} if asked.problem else counting.run()
    main = found.get(MAIN)
    times = None
    if main:
        rolled = from_traffic(counting.traffic, buckets) if counting.traffic and not asked.terms else None
        if rolled is not None and main.sure != "exactly":
            times = times_of(period, buckets, rolled, "exactly", asked, here, now)
        else:
            times = times_of(period, buckets, main.times, main.sure, asked, here, now)
    up_to = indexed_up_to(project.pk, now) if main and not main.total else now
    return {
        "project": project,
        "counted": main is not None,
        "behind": up_to if now - up_to > (BEHIND if asked.terms else timedelta()) else None,
        "groups": groups(found, asked, keys, here),
        "total": number_words(main.total, main.sure) if main else None,
        "plural": "" if main and main.total == 1 else "s",
        "times": times,
        "may_choose": role_in(request.user, project) in (Role.ENGINEER, Role.ADMIN) and not keys,
    }


def _later_url(request: PageRequest, project: Project) -> str | None:
    """Where a page whose traces are not indexed yet asks once more by itself; None when it has done so often."""
    said = request.GET.get("tries", "")
    tries = int(said) if said.isascii() and said.isdecimal() and len(said) < 4 else 0
    return _fragment_url(project, asked_of(request.GET.dict()), tries=str(tries + 1)) if tries < TRIES else None


def _fragment_url(project: Project, asked: Asked, **more: str) -> str:
    return f"{reverse('traces:facets-fragment', args=[project.slug])}?{urlencode({**asked.params(), **more})}"
