"""What can go wrong on the way in and out, each with its HTTP status and a sentence.

* TracesError
  x Unreadable (400)          the body can never be stored
  x TooLarge (413)            over a limit, as sent or inflated
  x UnsupportedType (415)     content type or encoding
  x TooBusy (429)             come back later
  x StoreUnavailable (503)    the database did not take the spans; nothing of them is stored
"""


class TracesError(Exception):
    """Says what is wrong, where, and what to do, in one sentence."""

    status = 400
    retry_after_seconds: int | None = None


class Unreadable(TracesError):
    """The body is not what its content type says."""


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


class StoreUnavailable(TracesError):
    """Nothing was stored; send it again."""

    status = 503
    retry_after_seconds = 5
