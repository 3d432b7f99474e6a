"""What the pages of cases show, put together from rows. No HTTP here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from django.urls import reverse
from django.utils import timezone

from accounts.models import Project, Role
from cases import days, queries, similar, timeline, words
from cases.changes import Conflict
from cases.members import members_of, name_of
from cases.models import Case, CaseTrace, Status
from cases.queries import VIEWS, CaseOfTrace, Sought
from traces.listing import TraceRow
from traces.queries.listed import rows_of
from traces.search.known import known_values

_LABELS: Final = {"similar": "what counts as similar", "assignee": "who has it", "reported_by": "who reported it"}
MOST_KNOWN: Final = 40  # fixes that are suggested, of each kind


@dataclass(frozen=True, slots=True)
class Shown:
    """A trace of a case: `row` is as it stands now; None when it is deleted, and only what was kept is known."""

    kept: CaseTrace
    row: TraceRow | None


def list_page(project: Project, sought: Sought) -> dict[str, Any]:
    """The context of the list of cases."""
    rows, older = queries.cases_of(project, sought)
    counts = queries.counts_of(project, sought)
    members = members_of(project)
    return {
        "project": project,
        "section": "cases",
        "rows": [(one, *state_of(one.case)) for one in rows],
        "sought": sought,
        "views": [
            {"name": name, "word": word, "count": counts[name], "query": _query(sought, view=name)}
            for name, (word, _) in VIEWS.items()
        ],
        "members": [(one.pk, name_of(one)) for one in members],
        "older_url": f"?{_query(sought, before=str(older))}" if older else None,
        "narrowed": bool(sought.words or sought.feature or sought.assignee is not None),
        "any": bool(counts["all"]) or queries.has_cases(project),
    }


def case_page(case: Case, role: Role | None, now: datetime) -> dict[str, Any]:
    """The context of one case's page."""
    events = queries.history_of(case)
    kept = list(case.traces.all())
    rows = {row.key: row for row in rows_of(case.project_id, [bytes(one.trace_id) for one in kept])}
    printed = timezone.localtime(now)
    return {
        "project": case.project,
        "section": "cases",
        "case": case,
        "state": state_of(case),
        "sentence": words.sentence(case),
        "besides": words.besides(case),
        "not_known": words.not_known(case),
        "traces": [Shown(one, rows.get(bytes(one.trace_id))) for one in kept],
        "failures": days.failures_of(case, now),
        "similar_words": similar.words_of(case.similar) if case.similar else "",
        "reported_url": _reported_url(case),
        "history": timeline.entries(case, events, queries.mails_of(case), queries.people_of(case, events)),
        "may_delete": role == Role.ADMIN,
        "printed": f"Case {case.number}, printed from llmobs on {printed:%-d %B %Y at %H:%M}",
    }


def state_of(case: Case | CaseOfTrace) -> tuple[str, str, str]:
    """Word, tone and sign of a case's status."""
    return Status(case.status).label, *words.TONES[Status(case.status)]


def conflict_words(conflicts: Sequence[Conflict], people: Mapping[str, str]) -> list[dict[str, str]]:
    """What others have changed of the fields that a member is changing, in words."""
    found = []
    for conflict in conflicts:
        theirs = conflict.theirs
        if conflict.field == "assignee":
            theirs = people.get(theirs, "nobody")
        who = name_of(conflict.event.member) if conflict.event.member_id else "llmobs"
        label = _LABELS.get(conflict.field, f"the {conflict.field}")
        found.append(
            {"what": f"{who} changed {label} {words.at(conflict.event.at)}. Now it is:", "theirs": theirs or "empty"}
        )
    return found


def known_fixes(project: Project, now: datetime) -> list[str]:
    """What was sent lately and may be a fix: versions of prompts, releases, models."""
    prompts = [value for value in known_values(project.pk, "prompt", "", now) if "@" in value]
    others = [value for name in ("release", "model") for value in known_values(project.pk, name, "", now)[:MOST_KNOWN]]
    return [*prompts[:MOST_KNOWN], *others]


def _reported_url(case: Case) -> str:
    """Where the reporter is to be found: a link that was written, else what the look-up knows of it."""
    said = case.reported_by
    try:
        is_link = urlsplit(said).scheme in ("http", "https") and " " not in said
    except ValueError:  # such as an address of IPv6 that has no end
        is_link = False
    if is_link or not said:
        return said
    return f"{reverse('traces:lookup', args=(case.project.slug,))}?{urlencode({'q': said})}"


def _query(sought: Sought, **changed: str) -> str:
    asked = {
        "view": "" if sought.view == "open" else sought.view,
        "assignee": "" if sought.assignee is None else str(sought.assignee),
        "feature": sought.feature,
        "q": sought.words,
        **changed,
    }
    return urlencode({name: value for name, value in asked.items() if value})
