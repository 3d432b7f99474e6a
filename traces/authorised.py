"""Who sends traces: the holder of a key that may write, whatever the key came by."""

from django.db import Error as DatabaseProblem
from django.utils import timezone

from accounts.keys import FindHolder, KeyHolder, holder_of, note_use
from accounts.models import Key
from accounts.sent_key import NO_KEY, UNKNOWN_KEY
from traces import rerun
from traces.errors import KeyRefused, ScopeRefused, StoreUnavailable


def authorised(key: str | None, find: FindHolder = holder_of) -> KeyHolder:
    """Whose key this is, if it may write. Raises KeyRefused, ScopeRefused or StoreUnavailable.

    With `find=recalled` the caller hands the key's digest to `ingest`, which looks whether it is still valid. A replay
    needs no key.
    """
    run = rerun.running()
    if run is not None:
        return run.holder
    try:
        holder = find(key) if key else None
        if holder is None:
            raise KeyRefused(UNKNOWN_KEY if key else NO_KEY)
        if holder.scope != Key.Scope.INGEST:
            raise ScopeRefused("This key may only read; sending traces needs a key with the scope ingest.")
        note_use(holder.key_id, timezone.now())
    except DatabaseProblem as error:  # a key that cannot be looked up is not an unknown one
        raise StoreUnavailable("The database does not answer; send the spans again.") from error
    return holder
