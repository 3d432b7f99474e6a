"""Traceloop's SDK beside its spans, which come as OpenTelemetry: annotations, images, and what it looks up.

It sends each of these once. What it cannot do with an answer it prints, or raises into the caller's program: so
everything below `/v2/` that we know nothing of is answered 200.
"""

from collections.abc import Callable
from typing import Final
from urllib.parse import quote

import orjson
from django.db import Error as DatabaseProblem
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from accounts.keys import KeyHolder
from traces import inbox, media_files, scores
from traces.api import body_of, ingest_holder, refused
from traces.errors import StoreUnavailable, TracesError
from traces.queries.lookup import exact
from traces.records import Json
from traces.wire import traceloop as wire

# What an entity is when it is an id that we know: of one that we do not know yet, a session's.
_TARGETS: Final = {"request": "request_id", "trace": "trace_id", "span": "span_id"}


@csrf_exempt
def annotations(request: HttpRequest, task: str) -> HttpResponse:
    """`POST /v2/annotation-tasks/<task>/annotations`: each tag is a score of what the annotated entity is."""

    def take(holder: KeyHolder) -> Json:
        told = wire.annotation(body_of(request), task)
        sent, rejected = wire.scores_of(told, _target(holder.project.pk, told.entity))
        if not sent:
            raise TracesError(rejected[0].reason if rejected else "There is no value in its tags.")
        scores.write(holder.project.pk, sent, timezone.now())
        if rejected:
            inbox.keep(request, rejected)
        return {}

    return _respond(request, take)


@csrf_exempt
def image(request: HttpRequest, trace_id: str, span_id: str) -> HttpResponse:
    """`POST /v2/traces/<trace>/spans/<span>/images`: where to send an image; its message then names that place."""

    def take(holder: KeyHolder) -> Json:
        name = wire.image_name(body_of(request))
        file = wire.image_file(trace_id, span_id, name)
        return {"url": request.build_absolute_uri(f"{request.path}/{quote(name, safe='')}/{file}")}

    return _respond(request, take)


@csrf_exempt
def image_content(request: HttpRequest, trace_id: str, span_id: str, name: str, file: str) -> HttpResponse:
    """`POST` to that place: kept as a file of the project."""

    def take(holder: KeyHolder) -> Json:
        if file != wire.image_file(trace_id, span_id, name):  # or it could be any file of the project
            raise TracesError("This is no place that was given for an image.")
        media_files.keep(holder.project.pk, file, wire.image_data(body_of(request)))
        return {}

    return _respond(request, take)


@csrf_exempt
def prompts(request: HttpRequest) -> HttpResponse:
    """`GET /v1/traceloop/prompts`"""
    return _respond(request, lambda holder: wire.PROMPTS)


@csrf_exempt
def contents_allowed(request: HttpRequest) -> HttpResponse:
    """`GET /v1/traceloop/pii/tracing-allow-list`"""
    return _respond(request, lambda holder: wire.CONTENTS_ALLOWED)


@csrf_exempt
def anything(request: HttpRequest) -> HttpResponse:
    """`/v2/…`: datasets, experiments, evaluators; answered and discarded."""

    def take(holder: KeyHolder) -> Json:
        body_of(request)
        return {}

    return _respond(request, take)


def _target(project_id: int, entity: str) -> str:
    """Which of a score's targets an entity is, by what is stored now."""
    try:
        hits = exact(project_id, [entity])
    except DatabaseProblem as error:
        raise StoreUnavailable("The database does not answer; send the annotation again.") from error
    return _TARGETS.get(hits[0].kind, "session_id") if hits else "session_id"


def _respond(request: HttpRequest, take: Callable[[KeyHolder], Json]) -> HttpResponse:
    try:
        answer = take(ingest_holder(request))
    except TracesError as error:
        inbox.keep(request, error)
        return refused(error)
    return HttpResponse(orjson.dumps(answer), content_type="application/json")
