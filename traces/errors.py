"""What can go wrong on the way in and out, each with its HTTP status and a sentence.

* TracesError
  x Unreadable (400)          the body can never be stored
  x KeyRefused (401)          no key, or one that nobody knows
  x ScopeRefused (403)        a key that may do something else
  x MethodRefused (405)       another method than the address takes
  x TooLarge (413)            over a limit, as sent or inflated
  x UnsupportedType (415)     content type or encoding
  x TooBusy (429)             come back later
  x NotYet (429)              what it belongs to has not come yet
  x StoreUnavailable (503)    the database did not take the spans; nothing of them is stored
"""


class TracesError(Exception):
    """Says what is wrong, where, and what to do, in one sentence."""

    status = 400
    retry_after_seconds: int | None = None

    def headers(self) -> dict[str, str]:
        """What the answer's headers say beside the sentence."""
        return {"Retry-After": str(self.retry_after_seconds)} if self.retry_after_seconds else {}


class Unreadable(TracesError):
    """The body is not what its content type says."""


class KeyRefused(TracesError):
    """No key, or one that nobody knows."""

    status = 401

    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": "Bearer"}


class ScopeRefused(TracesError):
    """A key that may do something else."""

    status = 403


class MethodRefused(TracesError):
    """Another method than the one that an address takes."""

    status = 405

    def __init__(self, message: str, allowed: str = "POST") -> None:
        super().__init__(message)
        self.allowed = allowed

    def headers(self) -> dict[str, str]:
        return {"Allow": self.allowed}


class TooLarge(TracesError):
    """A limit was passed."""

    status = 413


class UnsupportedType(TracesError):
    """No decoder for this content type or encoding."""

    status = 415


class TooBusy(TracesError):
    """More than can be taken now."""

    status = 429
    retry_after_seconds = 2


class NotYet(TracesError):
    """It came before what it belongs to, and cannot wait for it here."""

    status = 429
    retry_after_seconds = 3


class StoreUnavailable(TracesError):
    """Nothing was stored; send it again."""

    status = 503
    retry_after_seconds = 5
