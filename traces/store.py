"""Spans into Postgres. What is written stands in `upsert.py`, who writes for whom in `group_commit.py`.

A value that no column can hold costs only its own span, and one request's trouble only that request.
"""

import struct
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Final

import psycopg
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from psycopg import errors

from llmobs.lib import postgres
from llmobs.lib.pages_first import giving_way
from traces import partitions, payload, rows, upsert
from traces.computing import computing
from traces.errors import KeyRefused, StoreUnavailable
from traces.group_commit import Group, Job, Queue
from traces.records import SpanRecord
from traces.rows import Row

_LONGEST_US: Final = 86_400_000_000
_ATTEMPTS: Final = 7
_PAUSE_SECONDS: Final = 0.01  # before the second attempt, then twice as long each time: 0.6 in all
_WORTH_ANOTHER: Final = (errors.DeadlockDetected, errors.SerializationFailure, errors.LockNotAvailable)
_TROUBLE: Final = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)
_READ_ONLY: Final = (errors.ReadOnlySqlTransaction, errors.InsufficientResources)
# What no repetition can mend. The last is an OperationalError too: a row or an index entry that is too large.
_UNFIT: Final = (
    psycopg.DataError, psycopg.IntegrityError, UnicodeEncodeError, struct.error, errors.ProgramLimitExceeded,
)  # fmt: skip


@dataclass(slots=True)
class Outcome:
    """What became of the records: how many of each, and the positions of those that the database cannot hold."""

    accepted: int = 0
    duplicates: int = 0
    updated: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)


@dataclass(slots=True)
class Wanted:
    """What one request wants written, and what became of it."""

    project_id: int
    records: Sequence[SpanRecord]
    now: datetime
    key: bytes | None
    rows: list[Row]  # of the records; a transaction changes them, so that they are good for one
    outcome: Outcome = field(default_factory=Outcome)


def write(project_id: int, records: Sequence[SpanRecord], now: datetime, key: bytes | None = None) -> Outcome:
    """Store `records` in one transaction. Safe to repeat: what is there already is recognised or merged.

    `key` is the digest of the API key that they came with: it must still be valid. Raises KeyRefused when it is not,
    and StoreUnavailable when the database did not take the spans; nothing of them is stored then.
    """
    with computing(spans=len(records)):
        wanted = Wanted(project_id, records, now, key, _rows(records, range(len(records)), now))
        for row in giving_way(wanted.rows):
            row.packed = payload.compress(row.body)
    job = Job(wanted, frozenset(row.key for row in wanted.rows))
    if connection.in_atomic_block:  # of our caller, who may yet take back what is written
        _write_group([job])
        if job.error:
            raise job.error
    else:
        _queue(project_id).run(job)
    return wanted.outcome


@cache
def _queue(project_id: int) -> Queue[Wanted]:
    return Queue(_write_group)


def _write_group(group: Group[Wanted]) -> None:
    """Write all in one transaction; where that cannot be, each in its own."""
    if len(group) == 1:
        return _write_alone(group[0])
    all_wanted = [job.what for job in group]
    try:
        written = upsert.write(
            all_wanted[0].project_id,
            [row for one in all_wanted for row in one.rows],
            max(one.now for one in all_wanted),
            {one.key for one in all_wanted if one.key},
        )
    except Exception as error:  # whatever it is, a mistake of ours too: alone, only the request that brings it fails
        for job in group:
            if postgres.has_gone(error):  # each alone would wait for the silent server again, one after the other
                job.error = _not_taken(error)
                continue
            job.what.rows = _rows(job.what.records, range(len(job.what.records)), job.what.now)
            _write_alone(job)
    else:
        for job in group:
            job.what.outcome, job.error = _outcome(job.what.rows, written), None


def _write_alone(job: Job[Wanted]) -> None:
    """Write one request's records in a transaction of their own, or say why that is not possible."""
    wanted = job.what
    try:
        wanted.outcome = _write_or_split(wanted, wanted.rows, range(len(wanted.records)))
        job.error = None
    except StoreUnavailable as error:
        job.error = error
    except upsert.KeyGone:
        job.error = KeyRefused("This key is unknown or revoked. Make one under Settings, Keys.")
    except _TROUBLE as error:
        job.error = _not_taken(error)
    except _READ_ONLY as error:
        job.error = StoreUnavailable("The database takes no writes now; send the spans again later.")
        job.error.__cause__ = error
    except Exception as error:  # for the thread of the request that it belongs to, which may not be this one
        job.error = error


def _not_taken(error: Exception) -> StoreUnavailable:
    refusal = StoreUnavailable("The database did not take the spans; send them again.")
    refusal.__cause__ = error
    return refusal


def _write_or_split(wanted: Wanted, sent: list[Row], positions: Sequence[int]) -> Outcome:
    """Write all; where one value cannot be held, find its record by halving, so that it costs no other."""
    try:
        return _write(wanted, sent, positions)
    except _UNFIT as error:
        if isinstance(error, errors.CheckViolation):
            raise StoreUnavailable("The partition of a day could not be made; send the spans again.") from error
        if len(positions) == 1:
            reason = f"A value of this span cannot be stored: {str(error).splitlines()[0]}."
            return Outcome(refused=[(positions[0], reason)])
    middle = len(positions) // 2
    outcomes = [
        _write_or_split(wanted, _some_rows(wanted, half), half) for half in (positions[:middle], positions[middle:])
    ]
    return Outcome(
        sum(one.accepted for one in outcomes),
        sum(one.duplicates for one in outcomes),
        sum(one.updated for one in outcomes),
        [refused for one in outcomes for refused in one.refused],
    )


def _write(wanted: Wanted, sent: list[Row], positions: Sequence[int]) -> Outcome:
    """Write in one transaction, again where another one was in the way or a day has no partition yet."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return _outcome(
                sent, upsert.write(wanted.project_id, sent, wanted.now, {wanted.key} if wanted.key else set())
            )
        except errors.CheckViolation:  # rare, so partitions are not looked for beforehand
            if attempt == _ATTEMPTS:
                raise
            partitions.make({row.day for row in sent})
        except _WORTH_ANOTHER:
            if attempt == _ATTEMPTS or connection.in_atomic_block:
                raise
            time.sleep(_PAUSE_SECONDS * 2 ** (attempt - 1))
        sent = _some_rows(wanted, positions)
    raise AssertionError("The last attempt returns or raises.")


def _some_rows(wanted: Wanted, positions: Sequence[int]) -> list[Row]:
    return _rows([wanted.records[position] for position in positions], positions, wanted.now)


def _outcome(sent: list[Row], written: upsert.Written) -> Outcome:
    """Every version that was sent counts once: the first as what became of the row, the rest as repetitions."""
    outcome = Outcome()
    for row in sent:
        versions = len(row.versions())
        outcome.updated += versions - 1
        outcome.duplicates += len(row.positions) - versions
        if row.key in written.fresh:
            outcome.accepted += 1
        elif row.key in written.changed:
            outcome.updated += 1
        else:
            outcome.duplicates += 1
    return outcome


def _rows(records: Iterable[SpanRecord], positions: Iterable[int], now: datetime) -> list[Row]:
    """One row per span: a statement may touch a row only once, so versions in one request are merged here."""
    found: dict[rows.Key, Row] = {}
    earliest, latest = now - timedelta(days=settings.SPAN_RETENTION_DAYS + 2), now + timedelta(days=1)
    for record, position in zip(giving_way(records), positions, strict=True):
        row = rows.sealed(record, position, happened_at(record, now, earliest, latest))
        first = found.setdefault(row.key, row)
        if first is not row:
            rows.add(first, row)
    for row in found.values():
        if row.several:
            rows.settle(row)
            row.move(happened_at(row.record, now, earliest, latest))
    return list(found.values())


def happened_at(record: SpanRecord, now: datetime, earliest: datetime, latest: datetime) -> datetime:
    """The moment that lists and charts order a span by: its start, or when it came if it has no plausible one."""
    if record.started_at is not None and earliest <= record.started_at <= latest:
        return record.started_at
    return now - timedelta(microseconds=min(max(record.duration_us or 0, 0), _LONGEST_US))
