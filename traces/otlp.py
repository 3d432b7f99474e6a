"""OpenTelemetry over HTTP: traces and the contents in logs are stored, metrics are answered and discarded.

Answers follow https://opentelemetry.io/docs/specs/otlp/#otlphttp-response: a response in the request's own encoding,
partial success for refused spans, and a `google.rpc.Status` where the whole request is refused.
"""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from traces import inbox, otlp_signals
from traces.api import body_of, ingest_holder
from traces.errors import MethodRefused, TracesError
from traces.otlp_signals import Signal
from traces.wire import WireFormat, otlp_json, wire_format


@csrf_exempt
def traces(request: HttpRequest) -> HttpResponse:
    """`POST /v1/traces`: stored when this answers 200."""
    return _respond(request, otlp_signals.TRACES)


@csrf_exempt
def logs(request: HttpRequest) -> HttpResponse:
    """`POST /v1/logs`: the contents of spans in it are stored when this answers 200; the rest is discarded."""
    return _respond(request, otlp_signals.LOGS)


@csrf_exempt
def metrics(request: HttpRequest) -> HttpResponse:
    """`POST /v1/metrics`: answered and discarded, the one exception to "a 2xx is stored"."""
    return _respond(request, otlp_signals.METRICS)


def _respond(request: HttpRequest, signal: Signal) -> HttpResponse:
    """Format, key, body, answer; a refusal is written in the request's own encoding, JSON where that has none."""
    form: WireFormat = otlp_json
    try:
        content_type = request.headers.get("Content-Type")
        if request.method == "POST" or content_type:
            form = wire_format(content_type)
        if request.method != "POST":
            raise MethodRefused("Send OpenTelemetry data to this address with POST.")
        taken = signal.take(form, ingest_holder(request, signal.find), body_of(request))
        if taken.rejected:
            inbox.keep(request, taken.rejected, status=200 if taken.nothing else None)
        return HttpResponse(taken.answer, content_type=form.content_type)
    except TracesError as error:
        inbox.keep(request, error)
        body = form.refusal(str(error), error.status)
        return HttpResponse(body, status=error.status, content_type=form.content_type, headers=error.headers())
