"""The key in what came with a request, in every form that clients use. Pure.

`Authorization: Bearer K`, `Authorization: K`, Basic with K as the password, `x-api-key: K`, `X-Auth-Token: K`; the
same names as metadata over gRPC.
"""

from base64 import b64decode
from collections.abc import Callable

UNKNOWN_KEY = "This key is unknown or revoked. Make one under Settings, Keys."
NO_KEY = "There is no key in this request. Send it as Authorization: Bearer KEY."


def sent_key(header: Callable[[str], str | None]) -> str | None:
    """The key that the headers carry; None when there is none. `header` gives one by its name in lower case."""
    authorization = (header("authorization") or "").strip()
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() == "basic" and rest:
        return _basic_password(rest)
    if scheme.lower() == "bearer":
        return rest.strip() or None
    return authorization or header("x-api-key") or header("x-auth-token") or None


def _basic_password(encoded: str) -> str | None:
    try:
        return b64decode(encoded.strip(), validate=True).decode().partition(":")[2] or None
    except ValueError:  # no base64, no ASCII even, or no UTF-8 below it
        return None
