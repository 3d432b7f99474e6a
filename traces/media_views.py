"""Media as downloads. What services sent is never rendered here: an attachment, of a type that its bytes tell."""

import logging
from typing import Final

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe

from accounts.access import project_for
from llmobs.lib.http import PageRequest
from traces import media_files

log = logging.getLogger(__name__)
_NO_STORAGE: Final = "The storage of images and files does not answer. Try again in a few seconds."
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, max-age=3600",
}


@require_safe
@login_required
def media(request: PageRequest, project_slug: str, sha256: str) -> HttpResponseBase:
    """One file, to members of the project that it was sent to."""
    project = project_for(request.user, project_slug)
    try:
        found = media_files.opened(project.pk, sha256)
    except media_files.StorageTrouble as trouble:
        log.warning("A medium cannot be read: %s", trouble)
        return HttpResponse(_NO_STORAGE, status=503, content_type="text/plain", headers={"Retry-After": "5"})
    if found is None:
        raise Http404("This project has no such file.")
    file, beginning = found
    content_type = media_files.served_type(beginning)
    ending = "bin" if content_type == media_files.ANY_TYPE else content_type.partition("/")[2]
    return FileResponse(
        file, as_attachment=True, filename=f"{sha256[:12]}.{ending}", content_type=content_type, headers=_HEADERS
    )
