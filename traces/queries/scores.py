"""The scores of a trace: its own, those of its steps, and those of its request and session."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import orjson
from django.db import connection

from traces import arrays, day_by_day, ids
from traces.arrays import Statement
from traces.queries import planned
from traces.queries.planned import Asked, Lines
from traces.queries.traces import Trace
from traces.records import Json

_SOURCE_WORDS = {"user": "by the user", "judge": "by a judging model", "code": "by code", "member": "by a member"}
MOST_SCORES = 1_000  # of one trace: a session or a request may have any number


@dataclass(frozen=True, slots=True)
class StoredScore:
    """A score as it is kept. `figure` is a number, or 1 and 0 for yes and no; None where the score is a text."""

    score_id: bytes
    id_text: str | None
    trace_id: bytes | None
    trace_text: str | None
    span_id: bytes | None
    span_text: str | None
    session_id: str | None
    request_id: str | None
    name: str
    data_type: str
    source: str
    comment: str | None
    given_at: datetime
    metadata: dict[str, Json]
    figure: float | None
    text: str | None

    @property
    def shown_id(self) -> str:
        """The score's id as its sender wrote it, else the digest it was given."""
        return ids.shown(self.score_id, self.id_text)

    @property
    def value(self) -> float | bool | str | None:
        """What was given, as `data_type` says."""
        if self.figure is None:
            return self.text
        return bool(self.figure) if self.data_type == "boolean" else self.figure

    @property
    def words(self) -> str:
        """The value for a page: at most four digits, yes or no."""
        if self.figure is None:
            return self.text or ""
        if self.data_type == "boolean":
            return "yes" if self.figure else "no"
        return f"{self.figure:,.0f}" if self.figure.is_integer() and abs(self.figure) < 1e15 else f"{self.figure:.4g}"

    @property
    def source_words(self) -> str:
        """Who gave it, for a page."""
        if self.source == "member" and isinstance(member := self.metadata.get("member"), str):
            return f"by {member[:100]}"
        return _SOURCE_WORDS.get(self.source, self.source)

    @property
    def target(self) -> str:
        """What it is a score of: trace, span, session or request."""
        if self.span_id is not None:
            return "span"
        return "session" if self.session_id is not None else "request" if self.request_id is not None else "trace"


_COLUMNS = tuple(field.name for field in fields(StoredScore))
# Each arm by an index of its own. The spans come as one text: a trace may have tens of thousands.
SCORES = Statement.of(f"""
    SELECT {", ".join("number AS figure" if name == "figure" else name for name in _COLUMNS)}
    FROM traces_score
    WHERE project_id = %(project)s AND (
        trace_id = ANY(%(traces)s::bytea[])
        OR (span_id = ANY(string_to_array(%(spans)s::text, ',')::bytea[]) AND trace_id IS NULL)
        OR (left(session_id, 200) = ANY(%(sessions_begin)s::text[]) AND session_id = ANY(%(sessions)s::text[]))
        OR (left(request_id, 200) = ANY(%(requests_begin)s::text[]) AND request_id = ANY(%(requests)s::text[])))
    ORDER BY given_at DESC, score_id
    LIMIT %(limit)s::int
""")

SPAN = f"""
    SELECT s.span_text FROM traces_summary t
    CROSS JOIN LATERAL {day_by_day.rows("traces_span", "s", columns="span_text", only="span_id = %(span)s")}
    WHERE t.project_id = %(project)s AND t.trace_id = %(trace)s
"""


def by_span(scores: Sequence[StoredScore], trace: Trace) -> dict[tuple[bytes, bytes], list[StoredScore]]:
    """Those of `scores` that are of a step that is here, by its trace and span id; senders may leave the trace out."""
    if not scores:
        return {}
    here: dict[bytes | None, list[bytes]] = {}
    for span in trace.spans:
        here.setdefault(span.span_id, []).append(span.record.trace_id)
    found: dict[tuple[bytes, bytes], list[StoredScore]] = {}
    for one in scores:
        for trace_id in here.get(one.span_id, []):
            if one.trace_id in (None, trace_id):
                found.setdefault((trace_id, one.span_id or b""), []).append(one)
    return found


def of_whole(scores: Sequence[StoredScore], trace: Trace) -> list[StoredScore]:
    """Those of `scores` that are of no step that is here: of the trace, its request, its session, or a step to come."""
    of_steps = {one.score_id for some in by_span(scores, trace).values() for one in some}
    return [one for one in scores if one.score_id not in of_steps]


def scores_of(project_id: int, trace: Trace) -> list[StoredScore]:
    """All scores that belong to the trace in any way, the latest first, at most MOST_SCORES."""
    asked = asked_scores(project_id, trace)
    return scores_in(planned.rows(asked.statement, asked.values))


def asked_scores(project_id: int, trace: Trace) -> Asked:
    """For the same in `scores_in`."""
    records = [span.record for span in trace.spans]
    wholes = trace.summaries
    return _asked(
        project_id,
        traces=[one.trace_id for one in wholes],
        spans=[span.span_id for span in trace.spans],
        sessions=_known([*(one.session_id for one in wholes), *(one.session_id for one in records)]),
        requests=_known([*(one.request_id for one in wholes), *(one.request_id for one in records)]),
    )


def scores_in(lines: Lines) -> list[StoredScore]:
    """The rows of SCORES."""
    return [_score(line) for line in lines]


def scores_among(
    project_id: int,
    *,
    traces: Sequence[bytes] = (),
    spans: Sequence[bytes] = (),
    sessions: Sequence[str] = (),
    requests: Sequence[str] = (),
) -> list[StoredScore]:
    """The scores of these, the latest first, at most MOST_SCORES. `spans` are those whose scores name no trace."""
    asked = _asked(project_id, traces, spans, sessions, requests)
    return scores_in(planned.rows(asked.statement, asked.values))


def _asked(
    project_id: int,
    traces: Sequence[bytes],
    spans: Sequence[bytes],
    sessions: Sequence[str],
    requests: Sequence[str],
) -> Asked:
    values: dict[str, Any] = {
        "project": project_id,
        "traces": arrays.array("bytea", list(traces)),
        "spans": ",".join([f"\\x{one.hex()}" for one in spans]),
        "sessions": arrays.array("text", list(sessions)),
        "sessions_begin": arrays.array("text", [one[:200] for one in sessions]),
        "requests": arrays.array("text", list(requests)),
        "requests_begin": arrays.array("text", [one[:200] for one in requests]),
        "limit": MOST_SCORES,
    }
    return Asked(SCORES, values)


def spelling_of_span(project_id: int, trace_id: bytes, span_id: bytes) -> tuple[str | None] | None:
    """How its sender wrote the span's id, None inside where its hex says it; None where the trace has no such span."""
    with connection.cursor() as cursor:
        cursor.execute(SPAN, {"project": project_id, "trace": trace_id, "span": span_id})
        found: tuple[str | None] | None = cursor.fetchone()
    return found


def _known(said: Iterable[str | None]) -> list[str]:
    return list({one for one in said if one})


def _score(line: tuple[Any, ...]) -> StoredScore:
    kept = dict(zip(_COLUMNS, line, strict=True))
    for name in ("score_id", "trace_id", "span_id"):
        kept[name] = None if kept[name] is None else bytes(kept[name])
    kept["metadata"] = orjson.loads(kept["metadata"]) if kept["metadata"] else {}
    return StoredScore(**kept)
