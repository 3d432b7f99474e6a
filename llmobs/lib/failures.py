"""What is answered when a page could not be made: 503 while the database is in trouble, else 500."""

import sys

from django.http import HttpRequest, HttpResponse
from django.template import loader

from llmobs.lib.postgres import in_trouble

RETRY_AFTER_SECONDS = "5"


def server_error(request: HttpRequest) -> HttpResponse:
    """Django calls this while it handles the error. The templates stand alone and ask the database for nothing."""
    if in_trouble(sys.exception()):
        page = loader.render_to_string("503.html")
        return HttpResponse(page, status=503, headers={"Retry-After": RETRY_AFTER_SECONDS})
    return HttpResponse(loader.render_to_string("500.html"), status=500)
