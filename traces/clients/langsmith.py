"""LangSmith's addresses: `/info`, `/runs…` and `/feedback`.

What clients do with an answer: any 2xx is done, 429 and 5xx come again, 404 to `/runs/multipart` makes them fall back
to `/runs/batch`, and everything else loses what was sent, with a warning in their log.
"""

from collections.abc import Callable
from typing import Final

import orjson
from django.conf import settings
from django.db import Error as DatabaseProblem
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from accounts.keys import KeyHolder, recalled
from traces import inbox, media, media_files, scores
from traces.api import body_of, ingest_holder, refused
from traces.errors import MethodRefused, StoreUnavailable, TracesError
from traces.ingest import ingest
from traces.queries.lookup import traces_of_spans
from traces.records import Json, RawSpan, Receipt
from traces.wire import langsmith
from traces.wire.langsmith import Attachment, Sent

Decode = Callable[[bytes], Sent]
_ATTACHMENT: Final = "langsmith.attachment."
_TAKEN: Final = 202
_NOTHING_TAKEN: Final = 422  # as LangSmith answers what it cannot read; not sent again


def info(request: HttpRequest) -> HttpResponse:
    """`GET /info`: what this server takes. Clients ask it first, and with any key."""
    return HttpResponse(langsmith.info(settings.INGEST_MAX_BODY_BYTES), content_type="application/json")


@csrf_exempt
def multipart(request: HttpRequest) -> HttpResponse:
    """`POST /runs/multipart`: runs, their attachments, and feedback."""
    return _respond(request, lambda body: langsmith.of_multipart(body, request.headers.get("Content-Type")))


@csrf_exempt
def batch(request: HttpRequest) -> HttpResponse:
    """`POST /runs/batch`: where multipart is switched off."""
    return _respond(request, langsmith.of_batch)


@csrf_exempt
def run(request: HttpRequest) -> HttpResponse:
    """`POST /runs`: one run that does not tell its trace."""
    return _respond(request, langsmith.of_run)


@csrf_exempt
def version(request: HttpRequest, run_id: str) -> HttpResponse:
    """`PATCH /runs/<run_id>`: another version of a run; null says nothing."""
    return _respond(request, lambda body: langsmith.of_run(body, run_id), method="PATCH")


@csrf_exempt
def feedback(request: HttpRequest) -> HttpResponse:
    """`POST /feedback`: one feedback, which may come before its run."""
    return _respond(request, langsmith.of_feedback)


def _respond(request: HttpRequest, decode: Decode, method: str = "POST") -> HttpResponse:
    try:
        if request.method != method:
            raise MethodRefused(f"Send to this address with {method}.", method)
        receipt = _stored(request, ingest_holder(request, find=recalled), decode(body_of(request)))
    except TracesError as error:
        inbox.keep(request, error)
        return refused(error)
    status = _NOTHING_TAKEN if receipt.took_nothing else _TAKEN
    if receipt.rejected:
        inbox.keep(request, receipt.rejected, status=status if receipt.took_nothing else None)
    rejected = [{"index": one.index, "reason": one.reason} for one in receipt.rejected]
    return HttpResponse(orjson.dumps({"rejected": rejected}), status=status, content_type="application/json")


def _stored(request: HttpRequest, holder: KeyHolder, sent: Sent) -> Receipt:
    """Spans first: scores may come before what they are of. What fails in between is sent, and stored, once more."""
    project_id, now = holder.project.pk, timezone.now()
    _place(project_id, [raw for raw in sent.spans if not raw.trace_id])
    for place, attachment in sent.attachments:
        part = media_files.attached(project_id, attachment.data, _part(attachment))
        sent.spans[place].attributes[f"{_ATTACHMENT}{attachment.name}"] = part
    receipt = ingest(project_id, sent.spans, sent.rejected, now, holder.digest)
    if sent.scores:
        of_scores = scores.write(ingest_holder(request).project.pk, sent.scores, now)
        receipt.accepted += of_scores.accepted
        receipt.duplicates += of_scores.duplicates
        receipt.updated += of_scores.updated
    return receipt


def _place(project_id: int, untold: list[RawSpan]) -> None:
    """Fill in the traces of runs that do not say theirs: that of the stored run, or of its parent; else a new one."""
    if not untold:
        return
    ids = [one for raw in untold for one in (raw.span_id, raw.parent_id) if one]
    try:
        known = traces_of_spans(project_id, ids)
    except DatabaseProblem as error:
        raise StoreUnavailable("The database does not answer; send the runs again.") from error
    for raw in untold:
        parent = raw.parent_id or ""
        raw.trace_id = known.get(raw.span_id) or known.get(parent) or parent or raw.span_id


def _part(attachment: Attachment) -> dict[str, Json]:
    """The attachment as a part of a message, without its bytes."""
    kind = attachment.media_type.partition("/")[0]
    part: dict[str, Json] = {"type": kind if kind in media.KINDS else "file", "name": attachment.name}
    return {**part, "media_type": attachment.media_type} if attachment.media_type else part
