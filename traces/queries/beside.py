"""What is known of a trace beside its spans: the usual of its feature, what its clients cut, what was refused of it."""

from collections.abc import Iterator

from django.urls import reverse

from accounts.models import Project
from traces.account import Beside
from traces.badges import Refused
from traces.queries.cuts import cuts_of, looked_at
from traces.queries.refusals import refusals_naming
from traces.queries.spans import Bodies, StoredSpan, bodies_of
from traces.queries.traces import Trace
from traces.queries.usual import usual_of

_LEAST_CHARACTERS = 6  # of an id by which a refused body may be known: shorter ones stand anywhere


def bodies_beside(project: Project, trace: Trace, *opened: StoredSpan) -> Bodies:
    """The payloads that `beside` looks at, and those of steps that are open besides. One query."""
    chosen = {id(span): span for span in (*looked_at(trace.spans), *opened)}
    return bodies_of(project.pk, chosen.values(), trace.days)


def beside(project: Project, trace: Trace, bodies: Bodies) -> Beside:
    """Two or three queries, whatever the size of the trace."""
    summary = trace.summary
    return Beside(
        usual=usual_of(project.pk, summary.feature or summary.service or "", summary.happened_at),
        cuts=cuts_of(trace.spans, bodies),
        refused=tuple(_refused(project, trace)),
    )


def _refused(project: Project, trace: Trace) -> Iterator[Refused]:
    arrivals = [span.received_at for span in trace.spans]
    for one in refusals_naming(project.pk, _spellings(trace), min(arrivals), max(arrivals)):
        yield Refused(reverse("traces:inbox-refusal", args=[project.slug, one.pk]), one.reason, one.items)


def _spellings(trace: Trace) -> list[bytes]:
    """The trace's id as bodies hold it: its bytes in protobuf, its hex or the sender's own text, and its request's."""
    found = [trace.summary.trace_id, trace.summary.trace_id.hex().encode()]
    for told in (trace.summary.trace_text, trace.summary.request_id):
        if told and len(told) >= _LEAST_CHARACTERS:
            found.append(told.encode())
    return found
