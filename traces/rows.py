"""Records on their way to the table: encoded, placed in a day, and recognisable when they come again. Pure.

`RECORD_COLUMNS` are the columns of `traces_span` that hold a field of SpanRecord by its name, with their types.
"""

from collections.abc import Iterable, Reversible
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import blake2b
from itertools import islice
from operator import attrgetter
from typing import Any, Protocol

import orjson

from traces import merge, payload
from traces.records import SpanRecord

RECORD_COLUMNS: dict[str, str] = {
    "trace_id": "bytea",
    "span_id": "bytea",
    "parent_id": "bytea",
    "started_at": "timestamptz",
    **dict.fromkeys(("duration_us", "time_to_first_token_us", "input_tokens", "output_tokens"), "bigint"),
    **dict.fromkeys(("cache_read_tokens", "cache_write_tokens", "reasoning_tokens"), "bigint"),
    "confidence": "double precision",
    "attempt": "integer",
    "retries": "integer",
    **dict.fromkeys(("cache_hit", "refused", "format_valid", "ended", "start_assumed"), "boolean"),
    **dict.fromkeys(("name", "kind", "status", "failure", "fallback", "finish_reason"), "text"),
    **dict.fromkeys(("trace_text", "span_text", "parent_text", "request_id", "session_id", "user_id"), "text"),
    **dict.fromkeys(("response_id", "feature", "service", "environment", "release", "provider"), "text"),
    **dict.fromkeys(("model_requested", "model", "prompt_name", "prompt_version", "template_name"), "text"),
    **dict.fromkeys(("template_version", "retriever_name", "retriever_version", "parser_name"), "text"),
    **dict.fromkeys(("parser_version", "tool_name", "tool_version", "cost_source", "status_message"), "text"),
    "tags": "text",
    "cost_usd": "numeric",
}
_values_of = attrgetter(*RECORD_COLUMNS)
# The values that a sender told, in types that JSON knows: all but the ids and the start, which stand first, and the
# cost, which stands last and may follow from the rest.
_TOLD = slice(4, -1)

Key = tuple[bytes, bytes]
DIGEST_BYTES = 8
_MOST = 8  # versions that a row remembers


class Placed(Protocol):
    """What is needed of a row to find it in the table."""

    @property
    def key(self) -> Key: ...

    @property
    def day(self) -> date: ...


@dataclass(slots=True)
class Row:
    """A record ready to be written. `positions` are those of its versions in what was sent."""

    record: SpanRecord
    positions: list[int]
    key: Key
    happened_at: datetime
    day: date  # of happened_at, in UTC: the partition
    values: tuple[Any, ...] = ()  # in the order of RECORD_COLUMNS
    body: bytes = b""
    packed: bytes = b""  # `body` as the column holds it, where that is known already
    digest: bytes = b""
    several: dict[bytes, SpanRecord] | None = None  # its different versions in this request, if it is more than one
    was: SpanRecord | None = None  # what was stored before this request changed it
    was_at: datetime | None = None  # and where it stood

    def move(self, happened_at: datetime) -> None:
        """Let it stand at another moment, and so perhaps on another day."""
        self.happened_at, self.day = happened_at, day_of(happened_at)

    def versions(self) -> dict[bytes, SpanRecord]:
        """The different versions that were sent, by their digests, in the order they came."""
        return self.several or {self.digest: self.record}

    def seal(self) -> None:
        """Encode the payload and take the digest of everything that was sent, by which a repetition is recognised."""
        self.body, self.packed = payload.encode(self.record.payload), b""
        self.values = _values_of(self.record)
        self.digest = blake2b(_told(self.record, self.values) + self.body, digest_size=DIGEST_BYTES).digest()


def sealed(record: SpanRecord, position: int, happened_at: datetime) -> Row:
    """A row of one version."""
    row = Row(record, [position], (record.trace_id, record.span_id), happened_at, day_of(happened_at))
    row.seal()
    return row


def add(row: Row, other: Row) -> None:
    """Note the later version `other` of the same span on `row`; `settle` makes them one.

    A version that came before is only counted: repeated, it is no later one.
    """
    row.positions += other.positions
    row.several = row.several or {row.digest: row.record}
    row.several.setdefault(other.digest, other.record)


def settle(row: Row) -> None:
    """Make the versions that were added one; the place stays, the caller moves it."""
    versions = row.versions()
    if len(versions) > 1:
        row.record = merge.all_merged([*versions.values()])
        row.seal()
        row.digest = remembered(versions)


def remembered(versions: Reversible[bytes], digests: bytes = b"") -> bytes:
    """The digests of versions that a row keeps beside those it has: the newest first, and not more than _MOST."""
    return b"".join([*islice(reversed(versions), _MOST), digests])[: DIGEST_BYTES * _MOST]


def apart(digests: bytes) -> set[bytes]:
    """The digests that a row keeps, one by one."""
    return {digests[start : start + DIGEST_BYTES] for start in range(0, len(digests), DIGEST_BYTES)}


def day_of(moment: datetime) -> date:
    """The date in UTC."""
    return moment.date() if moment.tzinfo is UTC else moment.astimezone(UTC).date()


def by_key(rows: Iterable[Row]) -> list[Row]:
    """In the order of the table's key, in which every writer takes its rows."""
    return sorted(rows, key=lambda row: (row.day, row.key))


def _told(record: SpanRecord, values: tuple[Any, ...]) -> bytes:
    """The columns' values as bytes: the same for what was sent and for what is read back."""
    start = None if record.start_assumed else record.started_at  # an assumed one moves with every repetition
    cost = str(record.cost_usd) if record.cost_source == "sent" else None
    told = (start, cost, values[_TOLD])
    try:
        return orjson.dumps(told) + (record.parent_id or b"")
    except TypeError:  # a number or text that no column can hold: the database will refuse it
        return repr(told).encode("utf-8", "backslashreplace") + (record.parent_id or b"")
