"""What members say of an answer: yes or no, with a note. Kept as scores, one for each member and target.

Saying it again changes it, and it can be taken back.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Final

from accounts.models import User
from traces import ids, scores
from traces.queries.scores import StoredScore
from traces.wire.scores import Score

NAME: Final = "feedback"
LONGEST_NOTE: Final = 2_000  # characters


@dataclass(frozen=True, slots=True)
class Target:
    """What is judged: a trace, or one of its steps. The texts are the senders' spellings, where they differ."""

    project_id: int
    trace_id: bytes
    trace_text: str | None = None
    span_id: bytes | None = None
    span_text: str | None = None


def give(member: User, target: Target, *, right: bool, note: str, now: datetime) -> None:
    """Keep what `member` says of `target`, in place of what they said before. Raises StoreUnavailable."""
    score = Score(
        index=0,
        score_id=score_id(member, target),
        name=NAME,
        data_type="boolean",
        number=float(right),
        source="member",
        trace_id=target.trace_id,
        trace_text=target.trace_text,
        span_id=target.span_id,
        span_text=target.span_text,
        comment=note[:LONGEST_NOTE].strip() or None,
        given_at=now,
        metadata={"member_id": member.pk, "member": member.name or member.email},
    )
    scores.write(target.project_id, [score], now)


def take_back(member: User, target: Target) -> None:
    """Forget what `member` said of `target`. Safe to repeat."""
    scores.take_back(target.project_id, score_id(member, target))


def said_by(member: User, target: Target, given: Iterable[StoredScore]) -> StoredScore | None:
    """What `member` said of `target` before, among the scores `given`; None where they said nothing."""
    own = score_id(member, target)
    return next((score for score in given if score.score_id == own), None)


def score_id(member: User, target: Target) -> bytes:
    """The id of the one score that this member can give to this target."""
    of = b"/".join((target.trace_id, target.span_id or b""))
    return blake2b(b"member %d " % member.pk + of, digest_size=len(ids.trace_key(""))).digest()
