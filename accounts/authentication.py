"""Who sent this request: a service with a key, or a member with a session. For the JSON addresses."""

from typing import Any

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.keys import KeyHolder, holder_of
from accounts.sent_key import UNKNOWN_KEY, sent_key


def key_in(request: HttpRequest) -> str | None:
    """The key that the request's headers carry; None when there is none."""
    return sent_key(request.headers.get)


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
