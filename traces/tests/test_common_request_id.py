"""An id that everything carries, such as "None", must not make an answer of everything."""

import pytest

from tests import make
from traces.queries.traces import MOST_TRACES_OF_REQUEST, traces_of_request

pytestmark = pytest.mark.django_db


def test_the_newest_hundred_traces_of_a_request_id_are_shown_and_the_note_says_so(project):
    spans = [make.call(request_id="None") for _ in range(MOST_TRACES_OF_REQUEST + 5)]
    make.stored(project.pk, *spans)
    trace = traces_of_request(project.pk, "None")
    assert len(trace.summaries) == MOST_TRACES_OF_REQUEST
    assert "more_traces" in {note.code for note in trace.notes}
    newest = max(spans, key=lambda span: (span.started_at, span.trace_id))
    assert trace.summary.trace_id == newest.trace_id
