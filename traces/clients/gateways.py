"""Gateways that post each call as JSON of their own: LiteLLM's `generic_api`, and Helicone's webhook."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from traces.api import received
from traces.wire import helicone, litellm


@csrf_exempt
def of_litellm(request: HttpRequest) -> HttpResponse:
    """`POST /api/litellm`: calls that LiteLLM logged."""
    return received(request, litellm.decode)


@csrf_exempt
def of_helicone(request: HttpRequest) -> HttpResponse:
    """`POST /api/helicone?key=KEY`: a webhook, which can send no header of its own."""
    if key := request.GET.get("key"):
        request.META.setdefault("HTTP_X_API_KEY", key)
    return received(request, helicone.decode)
