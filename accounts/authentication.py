"""Who sent this request: a service with a key, or a member with a session. For the JSON addresses.

Keys come in every form that clients use: `Authorization: Bearer K`, `Authorization: K`, Basic with K as the password,
`x-api-key: K`, `X-Auth-Token: K`.
"""

import binascii
from base64 import b64decode
from typing import Any

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.keys import KeyHolder, holder_of

UNKNOWN_KEY = "This key is unknown or revoked. Make one under Settings, Keys."
NO_KEY = "There is no key in this request. Send it as Authorization: Bearer KEY."


def key_in(request: HttpRequest) -> str | None:
    """The key that the request's headers carry; None when there is none."""
    authorization = request.headers.get("Authorization", "").strip()
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() == "basic" and rest:
        return _basic_password(rest)
    if scheme.lower() == "bearer":
        return rest.strip() or None
    return authorization or request.headers.get("X-Api-Key") or request.headers.get("X-Auth-Token") or None


def _basic_password(encoded: str) -> str | None:
    try:
        return b64decode(encoded.strip(), validate=True).decode().partition(":")[2] or None
    except (binascii.Error, UnicodeDecodeError):
        return None


class KeyAuthentication(BaseAuthentication):
    """`request.user` is the KeyHolder. A key that is there but unknown is 401, even beside a session."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        key = key_in(request._request)
        if key is None:
            return None
        holder: KeyHolder | None = holder_of(key)
        if holder is None:
            raise AuthenticationFailed(UNKNOWN_KEY)
        return holder, holder

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class MemberSession(SessionAuthentication):
    """A member who is logged in with the browser."""

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"
