"""All that the page of a trace reads of it, in three goes: the summary, what hangs on that, what hangs on the spans."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.urls import reverse

from accounts.models import Project
from traces.account import Beside
from traces.badges import Refused
from traces.queries import planned
from traces.queries.cuts import cuts_of, looked_at
from traces.queries.planned import Asked, Lines
from traces.queries.refusals import asked_near, naming
from traces.queries.scores import StoredScore, asked_scores, scores_in
from traces.queries.spans import Bodies, StoredSpan, asked_bodies, bodies_in
from traces.queries.traces import Summary, Trace, asked_of_request, others_of, trace_and
from traces.queries.usual import asked_usual, usual_in
from traces.usual import Usual

_LEAST_CHARACTERS = 6  # of an id by which a refused body may be known: shorter ones stand anywhere


@dataclass(frozen=True, slots=True)
class Found:
    """A trace, the usual of its feature, and the other traces of its request."""

    trace: Trace
    usual: Usual
    others: list[Summary]


@dataclass(frozen=True, slots=True)
class Read:
    """What was read of a trace beside its spans. `bodies` hold those of its first steps and of the open one."""

    bodies: Bodies
    scores: list[StoredScore]
    beside: Beside


def found(project: Project, trace_id: str) -> Found | None:
    """The trace with this id, in any spelling; None when the project has none. Two goes, at times a third or fourth."""

    def asked(summary: Summary) -> Sequence[Asked]:
        usual = asked_usual(project.pk, _feature(summary), summary.happened_at)
        if not summary.request_id:
            return [usual]
        return [usual, asked_of_request(project.pk, summary.request_id, summary.happened_at)]

    trace, lines = trace_and(project.pk, trace_id, asked)
    if trace is None or not trace.nodes:
        return None
    summary = trace.summary
    usual = usual_in(lines[0], project.pk, _feature(summary), summary.happened_at)
    return Found(trace, usual, others_of(project.pk, summary, lines[1]) if summary.request_id else [])


def read(project: Project, found: Found, *opened: StoredSpan) -> Read:
    """What is known beside its spans, in one go, whatever the size of the trace."""
    trace = found.trace
    arrivals = [span.received_at for span in trace.spans]
    chosen = {id(span): span for span in (*looked_at(trace.spans), *opened)}
    bodies_lines, scores, near = planned.rows_of_all(
        [
            asked_bodies(project.pk, chosen.values(), trace.days),
            asked_scores(project.pk, trace),
            asked_near(project.pk, min(arrivals), max(arrivals)),
        ]
    )
    bodies = bodies_in(bodies_lines)
    beside = Beside(usual=found.usual, cuts=cuts_of(trace.spans, bodies), refused=tuple(_refused(project, trace, near)))
    return Read(bodies, scores_in(scores), beside)


def read_step(project: Project, trace: Trace, opened: StoredSpan) -> Read:
    """What is known of one step, in one go."""
    asked = [asked_bodies(project.pk, [opened], trace.days), asked_scores(project.pk, trace)]
    bodies, scores = planned.rows_of_all(asked)
    return Read(bodies_in(bodies), scores_in(scores), Beside())


def _feature(summary: Summary) -> str:
    """As the rollups have it."""
    return summary.feature or summary.service or ""


def _refused(project: Project, trace: Trace, near: Lines) -> Iterator[Refused]:
    for one in naming(near, _spellings(trace)):
        yield Refused(reverse("traces:inbox-refusal", args=[project.slug, one.pk]), one.reason, one.items)


def _spellings(trace: Trace) -> list[bytes]:
    """The trace's id as bodies hold it: its bytes in protobuf, its hex or the sender's own text, and its request's."""
    found = [trace.summary.trace_id, trace.summary.trace_id.hex().encode()]
    for told in (trace.summary.trace_text, trace.summary.request_id):
        if told and len(told) >= _LEAST_CHARACTERS:
            found.append(told.encode())
    return found
