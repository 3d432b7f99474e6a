"""Langfuse's SDKs that do not speak OTLP (Python 2, JS 3), and what all of them ask besides: scores, media, projects.

Python 2 takes 200, 201 and a 207 without errors for success, and sends a batch again, whole and up to three times, for
every other 2xx and for a 207 that names errors. So events that can never be taken are told as `rejected`, which it does
not read, and are in the inbox; `errors` stays empty. A body of which nothing can be taken is 400: it is not sent again.
"""

from base64 import b64decode, b64encode
from binascii import Error as NoBase64
from collections.abc import Callable
from hashlib import sha256
from typing import Final

import orjson
from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from accounts.keys import FindHolder, KeyHolder, holder_of, recalled
from traces import inbox, media_files, scores
from traces.api import body_of, ingest_holder, refused
from traces.conventions.langfuse_media import file_name
from traces.errors import KeyRefused, MethodRefused, StoreUnavailable, TooLarge, TracesError, Unreadable
from traces.ingest import ingest
from traces.records import Json, Rejection
from traces.wire.jsontext import loads
from traces.wire.langfuse import events
from traces.wire.langfuse import scores as wire_scores

_UPLOAD_SECONDS: Final = 3_600  # that an address to upload to is good for
_SALT: Final = "langfuse-media"
_ID_CHARACTERS: Final = 22  # of the hash in base64, as the SDKs from Python 3 on work it out themselves


@csrf_exempt
def ingestion(request: HttpRequest) -> HttpResponse:
    """`POST /api/public/ingestion`: a batch of events."""

    def take(holder: KeyHolder) -> HttpResponse:
        batch, now, project_id = events.decode(body_of(request)), timezone.now(), holder.project.pk
        receipt = ingest(project_id, batch.spans, batch.rejected, now, holder.digest)
        if batch.scores:  # which may come before what they are of; what fails in between is sent, and stored, once more
            scores.write(ingest_holder(request).project.pk, batch.scores, now)
        _into_the_inbox(request, receipt.rejected, len(batch.ids))
        refusals = {one.index: one.reason for one in receipt.rejected}
        taken = [{"id": id_, "status": 201} for index, id_ in enumerate(batch.ids) if index not in refusals]
        lost = [{"id": batch.ids[index], "status": 400, "message": why} for index, why in refusals.items()]
        status = 400 if lost and not taken else 207
        return _answer({"successes": taken, "errors": [], "rejected": lost}, status)

    return _respond(request, "POST", take, find=recalled)


@csrf_exempt
def scored(request: HttpRequest) -> HttpResponse:
    """`POST /api/public/scores`: a list of scores, or one."""

    def take(holder: KeyHolder) -> HttpResponse:
        sent, rejected, many = wire_scores.decode(body_of(request))
        scores.write(holder.project.pk, sent, timezone.now())
        _into_the_inbox(request, rejected, len(sent) + len(rejected))
        errors = [{"index": one.index, "status": 400, "message": one.reason} for one in rejected]
        if not many:
            return _answer(errors[0], 400) if errors else _answer({"id": sent[0].id_text or sent[0].score_id.hex()})
        if not errors:  # the SDK logs counts as an error, of nothing rejected too
            return _answer({"message": "Accepted"}, 202)
        return _answer({"accepted": len(sent), "rejected": len(errors), "errors": errors}, 207)

    return _respond(request, "POST", take)


@csrf_exempt
def projects(request: HttpRequest) -> HttpResponse:
    """`GET /api/public/projects`, by which the SDKs look whether their key is right."""

    def take(holder: KeyHolder) -> HttpResponse:
        project = holder.project
        named = {"id": project.slug, "name": project.name}
        return _answer({"data": [{**named, "metadata": {}, "organization": named}]})

    return _respond(request, "GET", take)


@csrf_exempt
def health(request: HttpRequest) -> HttpResponse:
    """`GET /api/public/health`"""
    return _answer({"status": "OK", "version": "3.0.0"})


@csrf_exempt
def media(request: HttpRequest) -> HttpResponse:
    """`POST /api/public/media`: the id of a medium, and where to upload it; null where it is here already."""

    def take(holder: KeyHolder) -> HttpResponse:
        said = loads(body_of(request))
        hashed = said.get("sha256Hash") if isinstance(said, dict) else None
        try:
            digest = b64decode(hashed if isinstance(hashed, str) else "", validate=True)
        except (NoBase64, ValueError):
            digest = b""
        if len(digest) != 32:
            raise Unreadable('"sha256Hash" is no SHA-256 in base64.')
        length = said.get("contentLength")
        if isinstance(length, int) and length > settings.INGEST_MAX_BODY_BYTES:
            raise TooLarge(f"The medium is {length:,} bytes; at most {settings.INGEST_MAX_BODY_BYTES:,} are taken.")
        media_id = _media_id(digest)
        url = None if _is_here(holder.project.pk, media_id) else _upload_url(request, holder.project.pk, digest)
        return _answer({"mediaId": media_id, "uploadUrl": url}, 201)

    return _respond(request, "POST", take)


@csrf_exempt
def upload(request: HttpRequest, pass_: str) -> HttpResponse:
    """`PUT` of a medium to the address that `media` gave for it: the address is the right to do so."""
    try:
        if request.method != "PUT":
            raise MethodRefused("Send to this address with PUT.", "PUT")
        try:
            project_id, hashed = signing.loads(pass_, salt=_SALT, max_age=_UPLOAD_SECONDS)
        except signing.BadSignature:
            raise KeyRefused("This address is good for no upload, or no more; ask for another.") from None
        data, digest = body_of(request), b64decode(hashed)
        if sha256(data).digest() != digest:
            raise Unreadable("These are not the bytes that the address is for: their SHA-256 is another.")
        media_files.keep(project_id, file_name(_media_id(digest)), data)
    except TracesError as error:
        return refused(error)
    return HttpResponse(status=200)


@csrf_exempt
def uploaded(request: HttpRequest, media_id: str) -> HttpResponse:
    """`PATCH /api/public/media/<id>`: what the SDK says of its upload, which we know."""
    if request.method == "GET":
        return nothing_here(request)
    return _respond(request, "PATCH", lambda holder: _answer({}))


@csrf_exempt
def nothing_here(request: HttpRequest) -> HttpResponse:
    """All else, prompts among it: the SDKs take a 404 for "there is none", and use what their caller fell back to."""
    said = f"llmobs has nothing at {request.method} {request.path}."
    return _answer({"message": said, "error": "LangfuseNotFoundError"}, 404)


def _respond(
    request: HttpRequest, method: str, take: Callable[[KeyHolder], HttpResponse], find: FindHolder = holder_of
) -> HttpResponse:
    try:
        if request.method != method:
            raise MethodRefused(f"Send to this address with {method}.", method)
        return take(ingest_holder(request, find))
    except TracesError as error:
        inbox.keep(request, error)
        return refused(error)


def _into_the_inbox(request: HttpRequest, rejected: list[Rejection], sent: int) -> None:
    if rejected:
        inbox.keep(request, rejected, status=400 if len(rejected) == sent else None)


def _answer(said: Json, status: int = 200) -> HttpResponse:
    return HttpResponse(orjson.dumps(said), status=status, content_type="application/json")


def _media_id(digest: bytes) -> str:
    return b64encode(digest, b"-_").decode()[:_ID_CHARACTERS]


def _upload_url(request: HttpRequest, project_id: int, digest: bytes) -> str:
    pass_ = signing.dumps([project_id, b64encode(digest).decode()], salt=_SALT)
    return request.build_absolute_uri(reverse("langfuse-upload", args=[pass_]))


def _is_here(project_id: int, media_id: str) -> bool:
    """Whether it was uploaded. Raises StoreUnavailable."""
    try:
        found = media_files.opened(project_id, file_name(media_id))
    except media_files.StorageTrouble as trouble:
        raise StoreUnavailable("The storage of images and files does not answer; send it again.") from trouble
    if found is not None:
        found[0].close()
    return found is not None
