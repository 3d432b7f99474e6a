"""Keys: made once, kept as a digest, recognised on every request."""

import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from django.conf import settings
from django.db import DatabaseError as DatabaseProblem
from django.db.models import Q

from accounts.models import Key, Project, User

log = logging.getLogger(__name__)

_PREFIX = {Key.Scope.INGEST: "llmobs_in_", Key.Scope.READ: "llmobs_rd_"}
VISIBLE_CHARACTERS = 16
_RECALLED_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What a key may send, as `traces.limits` counts it. None is no limit."""

    requests_per_minute: int | None
    spans_per_minute: int | None
    bytes_in_flight: int | None


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """Who a request with a key is: the key's row id, its project and what it may do. `limits` is None for most."""

    key_id: int
    project: Project
    scope: str
    digest: bytes
    is_authenticated: bool = True
    limits: Limits | None = None


FindHolder = Callable[[str], KeyHolder | None]  # `holder_of` or `recalled`


def make_key(project: Project, scope: str = Key.Scope.INGEST, name: str = "", *, by: User | None = None) -> str:
    """A new key of `project`, in full. It cannot be shown again: only its digest is stored."""
    key = _PREFIX[Key.Scope(scope)] + secrets.token_urlsafe(32)
    Key.objects.create(
        project=project,
        scope=scope,
        name=name or f"{Key.Scope(scope).label} key",
        prefix=key[:VISIBLE_CHARACTERS],
        digest=digest(key),
        created_by=by,
    )
    return key


def digest(key: str) -> bytes:
    """SHA-256 of a key, 32 bytes."""
    return sha256(key.encode("utf-8", "surrogatepass")).digest()


def holder_of(key: str) -> KeyHolder | None:
    """Whose key this is; None when it is unknown or revoked. One query."""
    wanted = digest(key)
    found = Key.objects.select_related("project").filter(digest=wanted, revoked_at=None).first()
    if found is None:
        _remembered.pop(wanted, None)
        return None
    holder = KeyHolder(found.pk, found.project, found.scope, wanted, limits=limits_of(found))
    _remembered[wanted] = holder, time.monotonic()
    return holder


def recalled(key: str) -> KeyHolder | None:
    """Whose key this was within the last minute; else as `holder_of`. Usually no query.

    For callers that look in the transaction in which they use it whether the key is still valid: to look before as
    well was a third of what a small request cost.
    """
    holder, seen_at = _remembered.get(digest(key), (None, 0.0))
    return holder if holder and time.monotonic() - seen_at < _RECALLED_SECONDS else holder_of(key)


def remembered(digest: bytes | None) -> KeyHolder | None:
    """Whose key with this digest was, when it was last looked up by this process. No query."""
    holder, _ = _remembered.get(digest, _NOBODY) if digest else _NOBODY
    return holder


def limits_of(key: Key) -> Limits | None:
    """The limits of a key; None when it has none."""
    limits = Limits(key.requests_per_minute, key.spans_per_minute, key.bytes_in_flight)
    return limits if limits != Limits(None, None, None) else None


def note_use(key_id: int, now: datetime) -> None:
    """Remember that a key was used, at most once a minute: an update per request cost seven of eight transactions."""
    earliest = now - settings.KEY_USE_INTERVAL
    if _noted.get(key_id, earliest) > earliest:
        return
    _noted[key_id] = now
    try:
        Key.objects.filter(Q(last_used_at=None) | Q(last_used_at__lte=earliest), pk=key_id).update(last_used_at=now)
    except DatabaseProblem as problem:  # full or read-only: who may read still reads
        log.warning("The last use of a key is not noted: %s", problem)


_NOBODY: tuple[None, float] = (None, 0.0)
# Of valid keys only, so that strangers cannot fill it.
_remembered: dict[bytes, tuple[KeyHolder, float]] = {}
# By this process, to spare even the query that would change nothing.
_noted: dict[int, datetime] = {}
