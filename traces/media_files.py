"""Media in files beside the database, one per project and content. The storage is that of STORAGES["media"].

A file is written before the spans that name it are committed: writing it again does no harm, and a span without its
file would. Its time says when it was last sent, to a day; what is older than the retention goes.
"""

import logging
from base64 import b64encode
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from hashlib import sha256
from typing import IO, Any, Final

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages
from django.utils import timezone

from traces import media
from traces.errors import StoreUnavailable
from traces.records import Json, Payload

log = logging.getLogger(__name__)
_FRESH: Final = timedelta(days=1)  # a file is not written again before
# First bytes, and what a file that begins with them is served as; everything else is bytes that nothing may render.
_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"),
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"GIF87a", 0, "image/gif"),
    (b"GIF89a", 0, "image/gif"),
    (b"WEBP", 8, "image/webp"),
    (b"WAVE", 8, "audio/wav"),
    (b"ID3", 0, "audio/mpeg"),
    (b"\xff\xfb", 0, "audio/mpeg"),
    (b"\xff\xf3", 0, "audio/mpeg"),
    (b"fLaC", 0, "audio/flac"),
    (b"OggS", 0, "audio/ogg"),
    (b"ftypM4A", 4, "audio/mp4"),
    (b"ftyp", 4, "video/mp4"),
    (b"\x1aE\xdf\xa3", 0, "video/webm"),
    (b"%PDF-", 0, "application/pdf"),
)
_SIGNATURE_BYTES: Final = 16
ANY_TYPE: Final = "application/octet-stream"


class StorageTrouble(Exception):
    """The storage did not do what it was asked. Its own error is the cause, and may pass."""


def take_out(project_id: int, payloads: Iterable[Payload]) -> None:
    """Move the media in these payloads into files. What cannot be written stays where it was."""
    for medium in (medium for payload in payloads for medium in media.found(payload)):
        try:
            _keep(project_id, medium.name, medium.data)
        except StorageTrouble as trouble:  # not waited for again by the others of the request
            log.warning("Media stay in their spans, not in files: %s", trouble)
            return
        medium.leave()


def attached(project_id: int, data: bytes, part: dict[str, Json]) -> dict[str, Json]:
    """`part` of the shape of a message's, with the name of the file that `data` is in now; else with the bytes."""
    name = sha256(data).hexdigest()
    try:
        _keep(project_id, name, data)
    except StorageTrouble as trouble:
        log.warning("An attachment stays in its span, not in a file: %s", trouble)
        return {**part, "data": b64encode(data).decode()}
    return {**part, "media": name, "size_bytes": len(data)}


def keep(project_id: int, name: str, data: bytes) -> None:
    """Keep a file that came apart from the span that names it. Safe to repeat. Raises StoreUnavailable."""
    try:
        _keep(project_id, name, data)
    except StorageTrouble as trouble:
        raise StoreUnavailable("The storage of images and files does not answer; send it again.") from trouble


def opened(project_id: int, name: str) -> tuple[IO[bytes], bytes] | None:
    """The file of a medium, for reading, and its first bytes; None when the project has none of this name.

    Raises StorageTrouble.
    """
    with _storage() as storage:
        try:
            file: IO[bytes] = storage.open(_path(project_id, name), "rb")
            beginning = file.read(_SIGNATURE_BYTES)
            file.seek(0)
        except FileNotFoundError:
            return None
        return file, beginning


def served_type(beginning: bytes) -> str:
    """What a file with this beginning is served as, whatever its sender called it."""
    for signature, at, content_type in _SIGNATURES:
        if beginning[at : at + len(signature)] == signature:
            return content_type
    return ANY_TYPE


def drop_old(now: datetime) -> int:
    """Delete the files that no span within the retention names; how many it were. Safe to repeat.

    Raises StorageTrouble.
    """
    dropped = 0
    oldest = now - timedelta(days=settings.SPAN_RETENTION_DAYS + 1) - _FRESH
    with _storage() as storage:
        for folder in _listed(storage, "")[0]:
            for name in _listed(storage, folder)[1]:
                path = f"{folder}/{name}"
                if storage.get_modified_time(path) < oldest:
                    storage.delete(path)
                    dropped += 1
    return dropped


def _keep(project_id: int, name: str, data: bytes) -> None:
    path = _path(project_id, name)
    with _storage() as storage:
        whole = storage.exists(path) and storage.size(path) == len(data)
        if whole and timezone.now() - storage.get_modified_time(path) < _FRESH:
            return
        if (saved := storage.save(path, ContentFile(data))) != path:
            raise OSError(f"the storage saved it as {saved}")


def _listed(storage: Storage, path: str) -> tuple[list[str], list[str]]:
    try:
        return storage.listdir(path)
    except FileNotFoundError:  # nothing was ever written
        return [], []


def _path(project_id: int, name: str) -> str:
    return f"{project_id}/{name}"


@contextmanager
def _storage() -> Iterator[Any]:
    """The storage, to be asked for something. Raises StorageTrouble.

    Django names no error that a storage raises: each raises those of its service's library, which need not be here.
    """
    try:
        yield storages["media"]
    except Exception as error:
        raise StorageTrouble(f"{type(error).__name__}: {error}") from error
