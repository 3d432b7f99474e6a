"""Files of Opik's SDK: it asks where to, sends the bytes there, and says that it is done.

A large base64 text of a trace or span is taken out of it, and a word for it left there, of which `wire.opik` makes the
file's name whichever comes first. What an application attaches by itself becomes an attribute of its trace or span.
"""

from typing import Final
from urllib.parse import urlencode

from django.db import Error as DatabaseProblem
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from accounts.keys import KeyHolder
from traces import media_files
from traces.api import body_of
from traces.clients.opik import Taken, respond
from traces.errors import NotYet, StoreUnavailable
from traces.ingest import ingest
from traces.queries.lookup import traces_of_spans
from traces.wire.opik import attachments
from traces.wire.opik.attachments import Attachment

_SEND_IT_HERE: Final = "BEMinIO"  # an upload id by which the SDK sends the whole file in one PUT
_UPLOAD: Final = "v1/private/attachment/upload"


@csrf_exempt
def begin(request: HttpRequest) -> HttpResponse:
    """`POST attachment/upload-start`: the address for the file, below the one that the SDK itself speaks to."""

    def take(holder: KeyHolder) -> Taken:
        attachment, base = attachments.announced(body_of(request))
        _trace_of(holder.project.pk, attachment)
        address = f"{base or request.build_absolute_uri('/opik/')}{_UPLOAD}?{urlencode(attachment.query())}"
        return Taken(answer={"upload_id": _SEND_IT_HERE, "pre_sign_urls": [address]})

    return respond(request, "POST", take)


@csrf_exempt
def upload(request: HttpRequest) -> HttpResponse:
    """`PUT` to that address: kept as a file of the project."""

    def take(holder: KeyHolder) -> Taken:
        attachment = attachments.asked(request.GET.dict())
        trace_id = _trace_of(holder.project.pk, attachment)
        media_files.keep(holder.project.pk, attachment.file, body_of(request))
        if trace_id is None:
            return Taken()
        raw = attachment.raw_span(trace_id)
        receipt = ingest(holder.project.pk, [raw], [], timezone.now(), holder.digest)
        return Taken(receipt.rejected, receipt.took_nothing)

    return respond(request, "PUT", take)


def _trace_of(project_id: int, attachment: Attachment) -> str | None:
    """The trace whose trace or span has the file; None where what stands in it names the file.

    Raises NotYet where the span has not come: the SDK sends spans two seconds later than their files.
    """
    if attachment.is_named_by_its_span:
        return None
    if attachment.entity == "trace":
        return attachment.entity_id
    try:
        found = traces_of_spans(project_id, [attachment.entity_id])
    except DatabaseProblem as error:
        raise StoreUnavailable("The database does not answer; send the file again.") from error
    if attachment.entity_id not in found:
        raise NotYet("The span of this file has not come yet; send the file again.")
    return found[attachment.entity_id]
