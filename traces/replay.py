"""A refused request once more, after a fix: through the code of its own address, on behalf of a member.

Every address that takes its key by `ingest_holder` can be replayed and needs nothing for it. What did not come by HTTP
has a line in RUN_BY.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from io import BytesIO
from typing import Final

from django.core.handlers.wsgi import WSGIRequest
from django.db.models import BigIntegerField, F, Func, QuerySet
from django.http import HttpRequest, HttpResponseBase, HttpResponseNotFound

from accounts.models import User
from llmobs.lib.middleware import machine_addresses
from traces import imports, inbox, otlp_calls, rerun
from traces.errors import StoreUnavailable, TracesError, Unreadable
from traces.models import Refusal
from traces.records import Rejection

Run = Callable[[Refusal], None]
_PUT_OFF: Final = (429, 503)


def replayable(refusals: QuerySet[Refusal]) -> QuerySet[Refusal]:
    """Those whose body is kept whole, and of which something is refused still."""
    kept = Func(F("body"), function="octet_length", output_field=BigIntegerField())
    whole = refusals.alias(kept=kept).filter(kept__gte=F("size_bytes"))
    return whole.exclude(replayed_at__isnull=False, replay_reason="")


def replay(refusal: Refusal, by: User | None, now: datetime) -> rerun.Rerun:
    """Run a refused request as if it came now, and note on it what became of it. Safe to repeat, by several at once.

    What it holds is recognised where it is stored already. Nothing is noted where it is only put off, nor where
    another replay was quicker.
    """
    with rerun.run_for(refusal.project) as run:
        RUN_BY.get(refusal.method, _by_http)(refusal)
    if run.put_off:
        return run
    said = {
        "replayed_at": now,
        "replayed_by": by,
        "replay_stored": run.stored,
        "replay_known": run.known,
        "replay_refused": 0 if run.why is None or isinstance(run.why, TracesError) else len(run.why),
        "replay_reason": "" if run.why is None else _sentence(run.why),
    }
    Refusal.objects.filter(pk=refusal.pk, replayed_at=refusal.replayed_at).update(**said)
    refusal.refresh_from_db(fields=list(said))
    return run


def _sentence(why: TracesError | Sequence[Rejection]) -> str:
    return inbox.short(str(why) if isinstance(why, TracesError) else why[0].reason)


def _by_http(refusal: Refusal) -> None:
    """Call the view of its address. A refusal that no view told of is read from the status of the answer."""
    answer = machine_addresses(_no_address)(_request(refusal))
    run = rerun.running()
    if run is not None and run.why is None and answer.status_code >= 400:
        run.why = (StoreUnavailable if answer.status_code in _PUT_OFF else Unreadable)(
            f"{refusal.address} answers {answer.status_code} to {refusal.method}."
        )


def _no_address(request: HttpRequest) -> HttpResponseBase:
    return HttpResponseNotFound()


def _request(refusal: Refusal) -> WSGIRequest:
    """The request as it came, but for its key and what no decoder reads."""
    body = bytes(refusal.body or b"")
    return WSGIRequest(
        {
            "REQUEST_METHOD": refusal.method,
            "PATH_INFO": refusal.address.encode().decode("latin-1"),  # as WSGI has it
            "CONTENT_TYPE": refusal.content_type,
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": refusal.encoding,
            "HTTP_USER_AGENT": refusal.client,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "wsgi.input": BytesIO(body),
            "wsgi.url_scheme": "http",
        }
    )


def _by_grpc(refusal: Refusal) -> None:
    otlp_calls.answer(refusal.address, {}, iter([bytes(refusal.body or b"")]))


# How a refusal of this method is run where it is none of HTTP.
RUN_BY: Final[Mapping[str, Run]] = {otlp_calls.METHOD: _by_grpc, imports.METHOD: imports.again}
