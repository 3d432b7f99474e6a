"""What the page of a trace shows of cases: `{% load cases %}{% cases_of project trace.address %}`."""

from typing import Any

from django import template

from accounts.models import Project
from cases import pages, queries
from traces import ids

register = template.Library()
MOST_SHOWN = 5


@register.inclusion_tag("cases/_of_trace.html")
def cases_of(project: Project, address: str) -> dict[str, Any]:
    """The cases that the trace with this address is in, and the way to make one."""
    found = queries.of_trace(project, ids.trace_key(address))
    shown = [(case, *pages.state_of(case)) for case in found[:MOST_SHOWN]]
    return {"project": project, "address": address, "cases": shown, "more": len(found) - len(shown)}
