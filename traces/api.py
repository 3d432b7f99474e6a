"""The JSON addresses: traces in, traces out. Views do HTTP and nothing else."""

from collections.abc import Callable
from functools import cache
from typing import Any

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import projects_of
from accounts.authentication import key_in
from accounts.keys import FindHolder, KeyHolder, holder_of, note_use, recalled
from accounts.models import Key, Project
from llmobs.lib.middleware import AFTERWARDS
from traces import answers, inbox, limits, media, scores
from traces.authorised import authorised
from traces.computing import computing
from traces.errors import MethodRefused, TooLarge, TracesError, Unreadable
from traces.ingest import ingest
from traces.queries.scores import scores_of
from traces.queries.spans import payloads_of
from traces.queries.traces import Trace, trace_of, traces_of_request
from traces.records import Payload, Receipt
from traces.wire import plain
from traces.wire import scores as wire_scores
from traces.wire.decoded import Decoded
from traces.wire.inflate import inflate

Decode = Callable[[bytes, str | None], Decoded]
Payloads = dict[tuple[bytes, bytes], Payload]


def ingest_holder(request: HttpRequest, find: FindHolder = holder_of) -> KeyHolder:
    """Whose key the request carries, if it may write. What `find` is for and what is raised are as for `authorised`.

    Raises LimitReached too. A request counts once, however often this is asked, until its view has answered.
    """
    holder = authorised(key_in(request), find)
    if holder.limits is not None and AFTERWARDS not in request.META:
        request.META[AFTERWARDS] = limits.admit(holder, _size_of(request))
    return holder


def _size_of(request: HttpRequest) -> int:
    """Bytes of the body as it is sent, before it is read; without a length as much as it may be."""
    declared, largest = request.META.get("CONTENT_LENGTH") or "", int(settings.INGEST_MAX_BODY_BYTES)
    if not declared.isdigit():
        return largest if "HTTP_TRANSFER_ENCODING" in request.META else 0
    return min(int(declared), largest)


def body_of(request: HttpRequest) -> bytes:
    """The request's body, inflated. Raises TooLarge, UnsupportedType or Unreadable.

    A chunked body has no length, and Django then takes it for empty: the server's own stream is read instead.
    """
    limit = settings.INGEST_MAX_BODY_BYTES
    declared = request.META.get("CONTENT_LENGTH") or ""
    length = int(declared) if declared.isdigit() else None
    if length is not None and length > limit:
        raise TooLarge(f"The body is {length:,} bytes; at most {limit:,} are taken. Send smaller batches.")
    stream = request.META["wsgi.input"]
    body: bytes = stream.read(limit + 1 if length is None else length)
    request.META[inbox.BODY] = body
    if len(body) > limit:
        raise TooLarge(f"The body is over {limit:,} bytes; send smaller batches.")
    if length is not None and len(body) < length:  # what is left of it may well be readable, and would be stored
        raise Unreadable(f"The body ends after {len(body):,} of the {length:,} bytes that Content-Length says.")
    return inflate(body, request.headers.get("Content-Encoding"), settings.INGEST_MAX_INFLATED_BYTES)


@csrf_exempt
def plain_traces(request: HttpRequest) -> HttpResponse:
    """`POST /api/v1/traces`: our own record, answered with a receipt."""
    return received(request, plain.decode)


def received(request: HttpRequest, decode: Decode) -> HttpResponse:
    """Take in what `decode` makes of the body, and answer with a receipt."""
    try:
        if request.method != "POST":
            raise MethodRefused("Send traces to this address with POST.")
        holder = ingest_holder(request, find=recalled)
        body = body_of(request)
        with computing(size_bytes=len(body)):
            decoded = decode(body, request.headers.get("Content-Type"))
        receipt = ingest(holder.project.pk, decoded.spans, decoded.rejected, timezone.now(), holder.digest)
    except TracesError as error:
        inbox.keep(request, error)
        return refused(error)
    if receipt.rejected:
        inbox.keep(request, receipt.rejected, status=400 if receipt.took_nothing else None)
    answer = _receipt(receipt, traces=receipt.traces)
    return HttpResponse(answer, status=_status(receipt), content_type="application/json")


@csrf_exempt
def plain_scores(request: HttpRequest) -> HttpResponse:
    """`POST /api/v1/scores`: one score, a list, or one per line, answered with a receipt."""
    try:
        if request.method != "POST":
            raise MethodRefused("Send scores to this address with POST.")
        project = ingest_holder(request).project
        sent, rejected = wire_scores.decode(body_of(request), request.headers.get("Content-Type"))
        receipt = scores.write(project.pk, sent, timezone.now())
        receipt.rejected = rejected
    except TracesError as error:
        inbox.keep(request, error)
        return refused(error)
    if rejected:
        inbox.keep(request, rejected, status=400 if receipt.took_nothing else None)
    return HttpResponse(_receipt(receipt), status=_status(receipt), content_type="application/json")


def refused(error: TracesError) -> HttpResponse:
    """The answer to what could not be taken: {"message": "one sentence"}, and when to come back if that helps."""
    body = orjson.dumps({"message": str(error)})
    return HttpResponse(body, status=error.status, content_type="application/json", headers=error.headers())


def _status(receipt: Receipt) -> int:
    if not receipt.rejected:
        return 200
    return 400 if receipt.took_nothing else 207


def _receipt(receipt: Receipt, **more: list[str]) -> bytes:
    return orjson.dumps(
        {
            "accepted": receipt.accepted,
            "duplicates": receipt.duplicates,
            "updated": receipt.updated,
            "rejected": [{"index": one.index, "reason": one.reason} for one in receipt.rejected],
            **more,
        }
    )


class TraceByRequest(APIView):
    """`GET /api/v1/requests/<request_id>`: everything that carries this request id."""

    def get(self, request: Request, request_id: str) -> Response:
        return _answer(request, lambda project_id: traces_of_request(project_id, request_id), request_id)


class TraceById(APIView):
    """`GET /api/v1/traces/<trace_id>`: one trace, by any spelling of its id."""

    def get(self, request: Request, trace_id: str) -> Response:
        return _answer(request, lambda project_id: trace_of(project_id, trace_id), None)


def _answer(request: Request, find: Callable[[int], Trace | None], request_id: str | None) -> Response:
    for project_id in readable_projects(request):
        trace = find(project_id)
        if trace is not None:
            payloads = payloads_of(project_id, [summary.trace_id for summary in trace.summaries])
            payloads = _with_media_urls(project_id, payloads)
            return Response(answers.trace_answer(trace, payloads, request_id, scores_of(project_id, trace)))
    raise NotFound("No trace has this id in the projects that you may read.")


def _with_media_urls(project_id: int, payloads: Payloads) -> Payloads:
    """`payloads` with the addresses at which members find the media in them."""

    @cache
    def slug() -> str:
        return Project.objects.values_list("slug", flat=True).get(pk=project_id)

    def url(name: str) -> str:
        return reverse("traces:media", args=[slug(), name])

    return {key: media.with_urls(one, url) for key, one in payloads.items()}


def readable_projects(request: Request) -> list[int]:
    """The key's project; for a member those of `?project=`, or all of theirs."""
    holder: Any = request.user
    if isinstance(holder, KeyHolder):
        if holder.scope != Key.Scope.READ:
            raise PermissionDenied("This key may only send traces; reading needs a key with the scope read.")
        note_use(holder.key_id, timezone.now())
        return [holder.project.pk]
    projects = projects_of(holder)
    if slug := request.query_params.get("project"):
        projects = projects.filter(slug=slug)
    return list(projects.order_by("pk").values_list("pk", flat=True))
