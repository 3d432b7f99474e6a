"""What the template of the page of a user is given: put together from rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from accounts.models import Project
from llmobs.lib.forms import PERIODS, PeriodForm
from llmobs.lib.timerange import TimeRange
from traces import user_account
from traces.addresses import feature_url, session_url, trace_url, user_url
from traces.listing import TraceRow
from traces.queries import users
from traces.queries.listed import rows_of
from traces.queries.scores import StoredScore, scores_among
from traces.queries.sessions import Amounts, Place
from traces.queries.spans import spans_of
from traces.search import facts, match
from traces.search.asked import after_words
from traces.search.grammar import Term, exactly, line_of
from traces.turns import Turn, amounts, in_trouble, turns_of
from traces.user_account import Told

# Up to so many traces are added up from their spans, and so are exact at once; more are from the index of the search.
SMALL: Final = 200
NEWEST: Final = 50  # of more than these so many are read, for models and feedback
_SHOWN_SCORES: Final = 12
_MOST_MODELS: Final = 6
_FAILED: Final = match.quoted(facts.fact("status", "error"))


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session in the list: what was asked first, how the last turn ended. `failed` is None where it is not known."""

    url: str
    title: str
    turns: int
    failed: int | None
    has_id: bool
    last: TraceRow


@dataclass(frozen=True, slots=True)
class Read:
    """What was read of a user's traces: rows by key, the newest among them in order, sums, and the ones that failed."""

    rows: Mapping[bytes, TraceRow]
    newest: list[TraceRow]
    failed: list[TraceRow]
    amounts: Amounts
    is_all: bool

    @property
    def ends(self) -> tuple[TraceRow | None, TraceRow | None]:
        """The newest row, and the newest of the failed ones."""
        return (self.newest[0] if self.newest else None), (self.failed[0] if self.failed else None)


def user_page(project: Project, told: Told, sessions: Sequence[users.UserSession], read: Read) -> dict[str, Any]:
    """The context of the page of a user, without the ways to other pages of it."""
    return {
        "project": project,
        "section": "traces",
        "q": told.user_id,
        "told": told,
        "headline": user_account.headline(told),
        "lead": user_account.lead(told),
        "failed_against": user_account.failed_against(told),
        "cost_each": user_account.cost_each(told),
        "sessions": _session_rows(project, sessions, read),
        "failures": _failures(project.pk, read.failed),
        "models": list(islice(dict.fromkeys(row.model for row in read.newest if row.model), _MOST_MODELS)),
        "models_of": None if read.is_all else len(read.newest),
        "features": [(feature, feature_url(project.slug, feature)) for feature in told.asked.features],
        "feedback": _feedback(project, read.newest),
        "printed": f"User {told.user_id}, printed from llmobs on {timezone.localtime(told.now):%-d %B %Y at %H:%M}",
    }


def ways(project: Project, told: Told, form: PeriodForm, older: Place | None, *, is_first: bool) -> dict[str, Any]:
    """The other pages of this one, and the lists behind it. `older` is the last session here, where more follow."""
    here, chosen = user_url(project.slug, told.user_id), form.query()
    return {
        "periods": form.choices(),
        "older_url": f"{here}?{urlencode({**chosen, 'before': after_words(older)})}" if older else None,
        "first_url": None if is_first else f"{here}?{urlencode(chosen)}",
        "list_url": _traces_url(project, told.user_id, form),
        "failed_url": _traces_url(project, told.user_id, form, exactly("status", "error")),
        "longer_url": None if told.asked.turns else f"{here}?{urlencode(_longer(told.seen.last_at, told.now))}",
    }


def read_of(
    project_id: int, user_id: str, period: TimeRange, asked: users.Asked, shown: Sequence[users.UserSession]
) -> Read:
    """The rows of the newest traces and of those that the shown sessions name, and the sums of all."""
    is_all = asked.turns <= SMALL
    newest = users.newest_of(project_id, user_id, period, SMALL if is_all else NEWEST)
    named: list[bytes] = []
    sums = Amounts(0, 0, None, None, None)
    if not is_all:
        sums, named = users.amounts_in(project_id, user_id, period, _FAILED)
    keys = dict.fromkeys([*newest, *named, *(one.first for one in shown), *(one.last for one in shown)])
    rows = {row.key: row for row in rows_of(project_id, list(keys))}
    listed = _known(rows, newest)
    if is_all:
        return Read(rows, listed, [row for row in listed if row.failed], amounts(listed), is_all=True)
    return Read(rows, listed, _known(rows, named), sums, is_all=False)


def _known(rows: Mapping[bytes, TraceRow], keys: Iterable[bytes]) -> list[TraceRow]:
    """The rows of these traces, without those that went meanwhile."""
    return [rows[key] for key in keys if key in rows]


def _session_rows(project: Project, sessions: Sequence[users.UserSession], read: Read) -> list[SessionRow]:
    found = []
    for one in sessions:
        first, last = read.rows.get(one.first), read.rows.get(one.last)
        if first is None or last is None:
            continue
        failed = sum(row.failed for row in read.newest if _is_of(row, one)) if read.is_all else None
        url = session_url(project.slug, one.session_id) if one.session_id else trace_url(project.slug, last.address)
        found.append(SessionRow(url, first.asked or first.name, one.turns, failed, bool(one.session_id), last))
    return found


def _is_of(row: TraceRow, session: users.UserSession) -> bool:
    return row.key == session.last if session.session_id is None else row.session_id == session.session_id


def _failures(project_id: int, failed: Sequence[TraceRow]) -> list[Turn]:
    """The newest failed traces, with why."""
    shown = failed[: users.MOST_FAILED]
    troubled = in_trouble(shown)
    return turns_of(shown, None, spans_of(project_id, troubled) if troubled else [], [])


def _feedback(project: Project, rows: Sequence[TraceRow]) -> list[tuple[StoredScore, str]]:
    """The scores of these traces, their requests and sessions, the latest first, each with its page."""
    if not rows:
        return []
    by_key = {row.key: row for row in rows}
    by_request = {row.request_id: row for row in rows if row.request_id}
    sessions = list({row.session_id for row in rows if row.session_id})
    scores = scores_among(project.pk, traces=list(by_key), sessions=sessions, requests=list(by_request))
    found = []
    for score in scores[:_SHOWN_SCORES]:
        row = by_key.get(score.trace_id or b"") or by_request.get(score.request_id or "")
        if score.session_id is not None:
            found.append((score, session_url(project.slug, score.session_id)))
        elif row is not None:
            found.append((score, trace_url(project.slug, row.address, score.span_id)))
    return found


def _traces_url(project: Project, user_id: str, form: PeriodForm, *more: Term) -> str:
    query = {"q": line_of([exactly("user", user_id), *more]), **form.query()}
    return f"{reverse('traces:trace-list', args=[project.slug])}?{urlencode(query)}"


def _longer(last_at: datetime, now: datetime) -> dict[str, str]:
    """The shortest period that reaches back to this moment, else the 30 days up to it."""
    lengths = {word: length for word, (_, length) in PERIODS.items() if now - length <= last_at < now}
    if lengths:
        return {"period": next(iter(lengths))}
    return {"from": (last_at - PERIODS["30d"][1]).isoformat(), "to": (last_at + timedelta(minutes=1)).isoformat()}
