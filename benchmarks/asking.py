"""The client that asks: one kept-alive connection, one question after the other, and how long each answer took."""

import http.client
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import SimpleCookie
from urllib.parse import urlencode

_PATIENCE_SECONDS = 120
_SHOWN_BYTES = 300


class Unexpected(Exception):
    """An answer that is not the one which was to be measured."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`seconds` from sending the question to the last byte."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes
    seconds: float

    def expected(self, status: int, what: str) -> "Answer":
        """Itself; raises Unexpected when the status is another."""
        if self.status != status:
            raise Unexpected(f"{self.status} instead of {status} for {what}: {self.body[:_SHOWN_BYTES]!r}")
        return self


@dataclass(slots=True)
class Times:
    """Seconds that the answers to one kind of question took; at least one."""

    seconds: list[float]

    def ms(self, share: float) -> float:
        """What `share` (0.0 to 1.0) of the answers kept below, in milliseconds."""
        return sorted(self.seconds)[min(int(share * len(self.seconds)), len(self.seconds) - 1)] * 1000

    def words(self) -> str:
        return f"{figure(self.ms(0.5))} / {figure(self.ms(0.95))}"


def figure(milliseconds: float) -> str:
    """With one decimal below ten."""
    return f"{milliseconds:.1f}" if milliseconds < 10 else f"{milliseconds:,.0f}"


class Client:
    """Somebody with one connection to 127.0.0.1, and the cookies that were set."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_SECONDS)
        self._cookies: dict[str, str] = {}

    def ask(self, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Answer:
        """GET, or POST where there is a body. Asked once more when the server has closed an idle connection."""
        sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items()), **(headers or {})}
        try:
            return self._ask(path, body, sent)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            self._connection.close()
            return self._ask(path, body, sent)

    def _ask(self, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        begun = time.perf_counter()
        self._connection.request("GET" if body is None else "POST", path, body, dict(headers))
        answer = self._connection.getresponse()
        read = answer.read()
        seconds = time.perf_counter() - begun
        for line in answer.headers.get_all("Set-Cookie", []):
            self._cookies |= {name: one.value for name, one in SimpleCookie(line).items()}
        return Answer(answer.status, answer.headers, read, seconds)

    def log_in(self, email: str, password: str) -> None:
        """As a member does, by the form. Raises Unexpected."""
        self.ask("/login").expected(200, "the form")
        said = {"username": email, "password": password, "csrfmiddlewaretoken": self._cookies["csrftoken"]}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        self.ask("/login", urlencode(said).encode(), headers).expected(302, "the log-in")
