"""What the trace page gives out: a call as text to paste, a span as JSON, the whole trace as a file."""

import re

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from accounts.access import project_for
from llmobs.lib.http import PageRequest
from traces import ids, whole
from traces.queries.spans import StoredSpan, payload_of
from traces.queries.traces import Trace, trace_of
from traces.snippets import indented
from traces.tabs import copied, place

FRAGMENT_CHARACTERS = 200_000  # of a long text at a time
_ENDINGS = {"curl": "sh", "python": "py", "body": "json"}


@require_safe
@login_required
def trace_download(request: PageRequest, project_slug: str, trace_id: str) -> HttpResponseBase:
    """The API's answer for the whole trace as a file, written bit by bit."""
    project = project_for(request.user, project_slug)
    trace = _found(project.pk, trace_id)
    answer = StreamingHttpResponse(whole.pieces(project, trace), content_type="application/json")
    return _as_file(answer, f"trace-{_word(trace.summary.shown_id)}.json")


@require_safe
@login_required
def call_download(request: PageRequest, project_slug: str, trace_id: str) -> HttpResponseBase:
    """A model call as a shell command, a Python program or a request body, whole, as a file."""
    project = project_for(request.user, project_slug)
    span = _span(_found(project.pk, trace_id), request.GET.get("span", ""))
    copy = copied(span, payload_of(project.pk, span.record.trace_id, span.span_id), request.GET.get("as", ""))
    if copy is None:
        raise Http404("This step is no model call that could be asked again.")
    answer = HttpResponse(copy.text, content_type="text/plain; charset=utf-8")
    return _as_file(answer, f"call-{_word(span.shown_id)}.{_ENDINGS[copy.name]}")


@require_safe
@login_required
def span_json(request: PageRequest, project_slug: str, trace_id: str) -> HttpResponse:
    """One span as the API answers it, some 200,000 characters at a time, for the fold that opens it."""
    project = project_for(request.user, project_slug)
    trace, span_id = _found(project.pk, trace_id), request.GET.get("span", "")
    text = indented(whole.some(project, trace, [_span(trace, span_id)])[0])
    start = place(request.GET.get("from")) or 0
    end = start + FRAGMENT_CHARACTERS
    here = reverse("traces:span-json", args=[project.slug, trace_id])
    context = {
        "text": text[start:end],
        "part": "span",
        "shown_bytes": len(text[:end].encode("utf-8", "replace")),
        "size_bytes": len(text.encode("utf-8", "replace")),
        "next_url": f"{here}?{urlencode({'span': span_id, 'from': str(end)})}" if end < len(text) else None,
    }
    return render(request, "traces/_payload.html", context)


def _found(project_id: int, trace_id: str) -> Trace:
    trace = trace_of(project_id, trace_id)
    if trace is None or not trace.nodes:
        raise Http404("No trace has this id.")
    return trace


def _span(trace: Trace, span_id: str) -> StoredSpan:
    key = ids.span_key(span_id) if span_id else b""
    span = next((one for one in trace.spans if one.span_id == key), None)
    if span is None:
        raise Http404("The trace has no such step.")
    return span


def _as_file(answer: HttpResponseBase, name: str) -> HttpResponseBase:
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _word(text: str) -> str:
    """What of an id may stand in the name of a file."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text)[:64].strip("-") or "unnamed"
