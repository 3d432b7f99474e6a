"""The one form of an error at the JSON addresses."""

from typing import Any

from rest_framework.exceptions import APIException
from rest_framework.response import Response
from rest_framework.views import exception_handler

from accounts.sent_key import NO_KEY
from llmobs.lib.postgres import in_trouble


def explained(error: Exception, context: dict[str, Any]) -> Response | None:
    """Errors of JSON addresses have one form: {"message": "one sentence"}. A database that is away is 503."""
    if in_trouble(error):
        return Response({"message": "The database does not answer; ask again."}, 503, headers={"Retry-After": "5"})
    response = exception_handler(error, context)
    if response is not None:
        detail = error.detail if isinstance(error, APIException) else getattr(response, "data", {}).get("detail", "")
        code = getattr(detail, "code", "")
        response.data = {"message": NO_KEY if code == "not_authenticated" else str(detail or error)}
    return response
