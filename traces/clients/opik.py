"""Opik's SDKs, whose base is `<our address>/opik`: traces, spans and scores. Their files: `opik_files`.

An empty 204 is all that they need. Of the statuses that they try again only 429 with RateLimit-Reset is tried until it
is taken; after a 503 they give up in 11 seconds. So what may work later is answered 429. After a ping that is not 200
they keep what they have on their disk, and after a 401 they send nothing of that kind any more.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import orjson
from django.db import Error as DatabaseProblem
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from accounts.keys import FindHolder, KeyHolder, holder_of, recalled
from traces import ids, inbox, scores
from traces.api import body_of, ingest_holder, refused
from traces.errors import StoreUnavailable, TracesError
from traces.ingest import ingest
from traces.records import Json, Rejection
from traces.wire.decoded import Decoded
from traces.wire.opik import entities, guardrails
from traces.wire.opik import scores as wire_scores
from traces.wire.scores import Score

TAKES_WRITES: Final = "SELECT current_setting('transaction_read_only') = 'off'"
_ENTITY: Final[dict[str, entities.Entity]] = {"traces": "trace", "spans": "span"}

Scored = tuple[list[Score], list[Rejection]]


@dataclass(frozen=True, slots=True)
class Taken:
    """What of the request was refused, whether that was all that it held, and what is answered, if anything."""

    rejected: Sequence[Rejection] = ()
    nothing: bool = False
    answer: Json = None


Take = Callable[[KeyHolder], Taken]


@csrf_exempt
def ping(request: HttpRequest) -> HttpResponse:
    """`GET is-alive/ping`: 200 where what is sent now would be stored. It asks for no key."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(TAKES_WRITES)
            healthy = cursor.fetchone() == (True,)
    except DatabaseProblem:
        healthy = False
    said = {"message": "Healthy Server" if healthy else "The database takes no writes.", "healthy": healthy}
    return HttpResponse(orjson.dumps(said), status=200 if healthy else 503, content_type="application/json")


def printed_link(request: HttpRequest) -> HttpResponse:
    """The address that the SDK prints of its first trace, for a browser: that of its page."""
    trace_id = request.GET.get("trace_id", "")
    return redirect("traces:any-trace", ids.address(ids.trace_key(trace_id), trace_id))


@csrf_exempt
def batch(request: HttpRequest, of: str) -> HttpResponse:
    """`POST {traces,spans}/batch`"""
    return _spans(request, "POST", lambda body: entities.decode_batch(body, _ENTITY[of]))


@csrf_exempt
def one(request: HttpRequest, of: str) -> HttpResponse:
    """`POST {traces,spans}`"""
    return _spans(request, "POST", lambda body: entities.decode_one(body, _ENTITY[of]))


@csrf_exempt
def patch(request: HttpRequest, of: str, id_: str) -> HttpResponse:
    """`PATCH {traces,spans}/<id>`: what changed, whether the rest has come or not."""
    return _spans(request, "PATCH", lambda body: entities.decode_patch(body, _ENTITY[of], id_, time.time_ns()))


@csrf_exempt
def checks(request: HttpRequest) -> HttpResponse:
    """`POST guardrails`: what guardrails said, kept with the steps that they looked at."""
    return _spans(request, "POST", guardrails.decode)


@csrf_exempt
def scores_of_many(request: HttpRequest, of: str) -> HttpResponse:
    """`PUT {traces,spans,traces/threads}/feedback-scores`"""
    return _scores(request, lambda body: wire_scores.decode(body, of))


@csrf_exempt
def score_of_one(request: HttpRequest, of: str, id_: str) -> HttpResponse:
    """`PUT {traces,spans}/<id>/feedback-scores`"""
    return _scores(request, lambda body: wire_scores.decode_one(body, of, id_))


@csrf_exempt
def scores_taken_back(request: HttpRequest, of: str, id_: str | None = None) -> HttpResponse:
    """`POST {traces,spans}/<id>/feedback-scores/delete`, and of threads, which the body names"""

    def take(holder: KeyHolder) -> Taken:
        try:
            for score_id in wire_scores.taken_back(body_of(request), of, id_):
                scores.take_back(holder.project.pk, score_id)
        except DatabaseProblem as error:
            raise StoreUnavailable("The database did not forget the scores; send it again.") from error
        return Taken()

    return respond(request, "POST", take)


@csrf_exempt
def agreed(request: HttpRequest) -> HttpResponse:
    """What needs no more than a yes: `POST auth`, `PUT traces/threads/{open,close}`."""
    return respond(request, request.method, lambda holder: Taken())


@csrf_exempt
def workspace(request: HttpRequest) -> HttpResponse:
    """`GET auth/workspace`: the project of the key stands for it."""
    return respond(request, "GET", lambda holder: Taken(answer={"workspace_name": holder.project.slug}))


@csrf_exempt
def nothing_here(request: HttpRequest, path: str) -> HttpResponse:
    """All else: datasets, experiments, prompts. The SDK takes a 404 for "there is none", and does not ask again."""
    said = f"llmobs takes Opik's traces, spans, files and scores; it has nothing at {request.method} {path}."
    return HttpResponse(orjson.dumps({"code": 404, "message": said}), status=404, content_type="application/json")


def respond(request: HttpRequest, method: str | None, take: Take, find: FindHolder = holder_of) -> HttpResponse:
    """Key, body and answer of an address that is asked by `method`; there is nothing at it for another."""
    if request.method != method:
        return nothing_here(request, request.path)
    try:
        taken = take(ingest_holder(request, find))
    except TracesError as error:
        inbox.keep(request, error)
        return _refused(error)
    if taken.rejected:
        inbox.keep(request, taken.rejected, status=400 if taken.nothing else None)
        if taken.nothing:
            return refused(TracesError(taken.rejected[0].reason))
    if taken.answer is not None:
        return HttpResponse(orjson.dumps(taken.answer), content_type="application/json")
    return HttpResponse(status=204)


def _refused(error: TracesError) -> HttpResponse:
    answer = refused(error)
    if error.retry_after_seconds:
        answer.status_code = 429
        answer.headers["RateLimit-Reset"] = str(error.retry_after_seconds)
    return answer


def _spans(request: HttpRequest, method: str, decode: Callable[[bytes], Decoded]) -> HttpResponse:
    def take(holder: KeyHolder) -> Taken:
        decoded = decode(body_of(request))
        receipt = ingest(holder.project.pk, decoded.spans, decoded.rejected, timezone.now(), holder.digest)
        return Taken(receipt.rejected, receipt.took_nothing)

    return respond(request, method, take, find=recalled)


def _scores(request: HttpRequest, decode: Callable[[bytes], Scored]) -> HttpResponse:
    def take(holder: KeyHolder) -> Taken:
        sent, rejected = decode(body_of(request))
        scores.write(holder.project.pk, sent, timezone.now())
        return Taken(rejected, bool(rejected) and not sent)

    return respond(request, "PUT", take)
