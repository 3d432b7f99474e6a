"""What keys with limits have sent, counted in the broker's Valkey for all processes together.

Why there: docs/decisions/0012-limits-in-valkey.md. Loaded by `limits.py` for the first key that has any.
A minute begins with the first request after the last one ended. While Valkey is away all is taken: a limit protects
the service from too much, and is no reason to lose what was sent.
"""

import logging
import time
from functools import cache, partial
from typing import Final
from uuid import uuid4

from django.conf import settings
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from accounts.keys import Limits
from traces.limits import LimitReached, Release, nothing

log = logging.getLogger(__name__)

LEASE_SECONDS: Final = 60  # of a request: what was in flight when its process was killed counts so long
_MINUTE_SECONDS: Final = 60
_ANSWER_SECONDS: Final = 1.0
_PAUSE_SECONDS: Final = 5.0  # without asking, after Valkey has not answered


def admit(digest: bytes, limits: Limits, size_bytes: int) -> Release:
    """`limits.admit` for a key with limits.

    A request that is larger than what may be in flight is taken when it comes alone, and a batch of more spans than a
    minute may have when none came before it: else neither could ever be taken.
    """
    if time.monotonic() < _silent.until:
        return nothing
    ticket = None if limits.bytes_in_flight is None else f"{size_bytes}:{uuid4().hex}"
    try:
        requests, spans, left_seconds, others = _counted(digest, ticket)
        reached = _reached(limits, requests, spans, left_seconds) or _too_much_at_once(limits, size_bytes, others)
        if reached is None:
            return partial(_released, digest, ticket) if ticket else nothing
        _taken_back(digest, ticket)
    except RedisError as problem:
        return _not_counted(problem)
    raise reached


def note_spans(digest: bytes, number: int) -> None:
    """Count spans that were stored for the key with this digest."""
    if time.monotonic() < _silent.until:
        return
    try:
        _valkey().hincrby(_minute(digest), "spans", number)
    except RedisError as problem:
        _not_counted(problem)


def _counted(digest: bytes, ticket: str | None) -> tuple[int, int, int, list[int]]:
    """Requests and spans of this minute, the request itself included; its seconds left; bytes of the others in flight.

    One round trip, and one more once a minute. Without a ticket nothing is in flight.
    """
    minute, flight, now = _minute(digest), _flight(digest), time.time()
    with _valkey().pipeline(transaction=True) as asked:
        asked.hincrby(minute, "requests", 1)
        asked.hget(minute, "spans")
        asked.pttl(minute)
        if ticket:
            asked.zrange(flight, now, "+inf", byscore=True)
            asked.zremrangebyscore(flight, 0, now)
            asked.zadd(flight, {ticket: now + LEASE_SECONDS})
            asked.expire(flight, LEASE_SECONDS)
        requests, spans, left_ms, *of_flight = asked.execute()
    if left_ms < 0:  # the first of a minute; also where whoever counted it first was killed before this
        _valkey().expire(minute, _MINUTE_SECONDS)
        left_ms = _MINUTE_SECONDS * 1000
    others = [int(one.partition(b":")[0]) for one in of_flight[0]] if ticket else []
    return requests, int(spans or 0), -(-left_ms // 1000) or 1, others


def _reached(limits: Limits, requests: int, spans: int, left_seconds: int) -> LimitReached | None:
    most_requests, most_spans = limits.requests_per_minute, limits.spans_per_minute
    if most_requests is not None and requests > most_requests:
        return LimitReached(f"This key may send {_number(most_requests, 'request')} a minute", left_seconds)
    if most_spans is not None and spans >= most_spans:
        return LimitReached(f"This key may send {_number(most_spans, 'span')} a minute", left_seconds)
    return None


def _too_much_at_once(limits: Limits, size_bytes: int, others: list[int]) -> LimitReached | None:
    if limits.bytes_in_flight is None or not others or sum(others) + size_bytes <= limits.bytes_in_flight:
        return None
    return LimitReached(f"This key may have {_number(limits.bytes_in_flight, 'byte')} in flight", 1)


def _number(number: int, thing: str) -> str:
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def _released(digest: bytes, ticket: str) -> None:
    try:
        _valkey().zrem(_flight(digest), ticket)
    except RedisError as problem:
        _not_counted(problem)


def _taken_back(digest: bytes, ticket: str | None) -> None:
    """What is refused counts for nothing, so that whoever tries again too early is not kept out for it."""
    with _valkey().pipeline(transaction=True) as asked:
        asked.hincrby(_minute(digest), "requests", -1)
        if ticket:
            asked.zrem(_flight(digest), ticket)
        asked.execute()


def _not_counted(problem: RedisError) -> Release:
    log.warning("The limits of keys are not counted for %g s; Valkey does not answer: %s", _PAUSE_SECONDS, problem)
    _silent.until = time.monotonic() + _PAUSE_SECONDS
    return nothing


def _minute(digest: bytes) -> str:
    return f"llmobs:minute:{digest.hex()}"


def _flight(digest: bytes) -> str:
    return f"llmobs:flight:{digest.hex()}"


@cache
def _valkey() -> Redis:
    """Connections to the broker, shared by the threads of this process."""
    url = settings.CELERY_BROKER_URL.replace("redis+socket://", "unix://", 1)  # as Celery writes it, and as redis does
    once_more = Retry(NoBackoff(), 1)  # after a restart of Valkey none of the old connections works
    return Redis.from_url(url, socket_timeout=_ANSWER_SECONDS, socket_connect_timeout=_ANSWER_SECONDS, retry=once_more)


class _Silent:
    """Until when nothing is asked, by the monotonic clock."""

    until = 0.0


_silent = _Silent()
