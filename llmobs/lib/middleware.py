"""Middleware: machines by-pass the pages' stack; pages get their policy and their member's clock."""

import time
import zoneinfo
from collections.abc import Callable
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.urls import Resolver404, resolve
from django.utils import timezone

from llmobs.lib import pages_first
from llmobs.lib.evenly import Evenly

Respond = Callable[[HttpRequest], HttpResponseBase]

# Addresses that only services call, with a key and without a session. Ten usual middlewares cost 290 µs a request.
MACHINE_PREFIXES = ("/v1/", "/v2/", "/api/otel/", "/api/public/", "/opik/", "/info", "/runs", "/feedback", "/health/")
AFTERWARDS = "llmobs.afterwards"  # in a request's META: what is called once its view has answered
MACHINE_POSTS = frozenset({"/api/v1/traces", "/api/v1/scores", "/api/litellm", "/api/helicone"})

# What a service reads whose address is wrong: it prints the answer, and a page of ours would fill its log.
ASTRAY = "No traces are taken at {path}. They go to /v1/traces (OTLP) or /api/v1/traces (JSON), with a key."

# Plotly makes two style elements: an empty one that its script fills, and one for its full-screen mode, whose text
# comes with the pinned version. Their hashes let it make just these.
CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
        " 'sha256-ji27qzEtxXZW+7dun6UwjHXJ18e6WAin1VvNtkzIE/o='",
        "img-src 'self' data: blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)


# Exporters call the same few addresses for ever, and Django goes through the patterns anew each time.
_resolved = lru_cache(maxsize=256)(resolve)


def machine_addresses(get_response: Respond) -> Respond:
    """Call the views of machine addresses at once, without the middleware below.

    Services keep their connections open for hours: these are what is spread evenly over the workers. PEP 3333 leaves
    `Connection` to the server; ours passes it on, others may refuse it.
    """
    evenly = Evenly() if settings.WEB_THREADS else None

    def respond(request: HttpRequest) -> HttpResponseBase:
        path = request.path_info
        if not path.startswith(MACHINE_PREFIXES) and not (request.method == "POST" and path in MACHINE_POSTS):
            with pages_first.page():
                return get_response(request)
        try:
            match = _resolved(path)
        except Resolver404:
            return get_response(request)
        request.resolver_match = match
        view: Callable[..., HttpResponseBase] = match.func
        try:
            response = view(request, *match.args, **match.kwargs)
            if evenly and evenly.is_too_much(time.monotonic()):
                response.headers["Connection"] = "close"
            return response
        finally:
            if AFTERWARDS in request.META:
                request.META[AFTERWARDS]()

    return respond


def machines_astray(get_response: Respond) -> Respond:
    """Answer a service that sends to an address of nobody, or of a page, in one sentence instead of a page."""

    def respond(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        is_browser = settings.SESSION_COOKIE_NAME in request.COOKIES or "text/html" in request.headers.get("Accept", "")
        if request.method == "POST" and response.status_code in (403, 404) and not is_browser:
            return JsonResponse({"message": ASTRAY.format(path=request.path)}, status=404)
        return response

    return respond


def content_security_policy(get_response: Respond) -> Respond:
    """Send the policy with every page: scripts and styles from here only, no requests to another host."""

    def respond(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        return response

    return respond


def nothing_streamed_for_head(get_response: Respond) -> Respond:
    """Read no file and no list of traces for an answer of which only the headers are sent."""

    def respond(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if request.method == "HEAD" and isinstance(response, StreamingHttpResponse):
            response.streaming_content = iter(())
        return response

    return respond


def member_time_zone(get_response: Respond) -> Respond:
    """Show times in the member's own zone; UTC for those who have none."""

    def respond(request: HttpRequest) -> HttpResponseBase:
        name = getattr(request.user, "time_zone", "")
        try:
            zone = zoneinfo.ZoneInfo(name) if name else None
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):
            zone = None
        with timezone.override(zone):
            return get_response(request)

    return respond
