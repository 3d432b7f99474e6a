"""Scores into Postgres. Writing twice is writing once, and what was given later wins, in whatever order it comes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

import orjson
from django.db import Error as DatabaseProblem
from django.db import connection, transaction

from llmobs.lib.postgres import in_trouble
from traces import rerun
from traces.errors import StoreUnavailable
from traces.records import Receipt
from traces.wire.scores import Score

_COLUMNS = {
    "score_id": "bytea",
    "given_at": "timestamptz",
    "digest": "bytea",
    "number": "double precision",
    **dict.fromkeys(("trace_id", "span_id"), "bytea"),
    **dict.fromkeys(("id_text", "trace_text", "span_text", "session_id", "request_id"), "text"),
    **dict.fromkeys(("name", "data_type", "source", "text", "comment", "metadata"), "text"),
}
_NAMES = ", ".join(_COLUMNS)
_ARRAYS = ", ".join(f"%({name})s::{kind}[]" for name, kind in _COLUMNS.items())
_SETS = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS if name != "score_id")

# In the order of the key, so that two writers cannot deadlock. A row that is not returned was there, or is newer.
UPSERT_SCORES = f"""
    INSERT INTO traces_score AS kept (project_id, received_at, {_NAMES})
    SELECT %(project)s, %(now)s, {_NAMES} FROM unnest({_ARRAYS}) AS sent ({_NAMES})
    ORDER BY score_id
    ON CONFLICT (project_id, score_id) DO UPDATE SET {_SETS}, revision = kept.revision + 1
        WHERE excluded.given_at > kept.given_at AND excluded.digest <> kept.digest
    RETURNING score_id, revision = 0
"""


_AHEAD = timedelta(days=1)  # that a clock may be, as for spans

TAKE_BACK = "DELETE FROM traces_score WHERE project_id = %(project)s AND score_id = %(score)s"


@dataclass(slots=True)
class _Row:
    """The newest version of a score among those of one request; the others are counted already.

    `given_at` is when it came, where the sender says nothing else, or what cannot be yet.
    """

    score: Score
    given_at: datetime
    digest: bytes


def write(project_id: int, scores: Sequence[Score], now: datetime) -> Receipt:
    """Store `scores`; what became of each is counted. Safe to repeat.

    A version given later than what is stored takes its place (updated); the same one, or one given earlier or at the
    same moment, changes nothing (duplicates). Without a moment of its own a score is given when it comes, those of
    one request in their order. Raises StoreUnavailable; nothing is stored then.
    """
    receipt = Receipt()
    rows = _newest(scores, now, receipt)
    if not rows:
        return receipt
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(UPSERT_SCORES, {"project": project_id, "now": now, **_columns(rows)})
            written = [is_new for _, is_new in cursor.fetchall()]
    except DatabaseProblem as error:
        if not in_trouble(error):
            raise
        raise StoreUnavailable("The database did not take the scores; send them again.") from error
    receipt.accepted += sum(written)
    receipt.updated += len(written) - sum(written)
    receipt.duplicates += len(rows) - len(written)
    rerun.note(receipt.accepted + receipt.updated, receipt.duplicates)
    return receipt


def take_back(project_id: int, score_id: bytes) -> None:
    """Forget a score. Safe to repeat."""
    with connection.cursor() as cursor:
        cursor.execute(TAKE_BACK, {"project": project_id, "score": score_id})


def _newest(scores: Sequence[Score], now: datetime, receipt: Receipt) -> list[_Row]:
    """One row per score, because a statement may touch a row only once; older versions are counted in `receipt`."""
    rows: dict[bytes, _Row] = {}
    for place, score in enumerate(scores):
        believed = None if _is_to_come(score, now) else score.given_at
        row = _Row(score, believed or now + timedelta(microseconds=place), _digest(score))
        before = rows.setdefault(score.score_id, row)
        if before is row:
            continue
        if row.given_at > before.given_at and row.digest != before.digest:
            rows[score.score_id] = row
            receipt.updated += 1
        else:
            receipt.duplicates += 1
    return list(rows.values())


def _digest(score: Score) -> bytes:
    """Of all that was sent, its moment included, but not of where in the request it stood."""
    said = [getattr(score, name) for name in Score.__slots__ if name != "index"]
    return blake2b(repr(said).encode(), digest_size=16).digest()


def _columns(rows: list[_Row]) -> dict[str, list[Any]]:
    values: dict[str, list[Any]] = {name: [getattr(row.score, name, None) for row in rows] for name in _COLUMNS}
    values["given_at"] = [row.given_at for row in rows]
    values["digest"] = [row.digest for row in rows]
    values["metadata"] = [_json(row) for row in rows]
    return values


def _is_to_come(score: Score, now: datetime) -> bool:
    return score.given_at is not None and score.given_at > now + _AHEAD


def _json(row: _Row) -> str | None:
    """As text and not as jsonb, which takes no NUL. A moment that was not believed is kept here."""
    metadata = row.score.metadata
    if _is_to_come(row.score, row.given_at):
        metadata = {"timestamp": row.score.given_at, **metadata}
    return orjson.dumps(metadata, option=orjson.OPT_UTC_Z).decode() if metadata else None
