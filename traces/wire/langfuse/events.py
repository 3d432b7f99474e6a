"""The body of `POST /api/public/ingestion`: a batch of events, in any order, to spans and scores.

Events of one trace or observation are versions of one span; the later said wins, field by field (`traces.versions`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from traces.errors import Unreadable
from traces.records import Json, RawSpan, Rejection
from traces.wire.jsontext import loads
from traces.wire.langfuse import observations, scores
from traces.wire.plain_values import Refused
from traces.wire.scores import Score

Observed = Callable[[observations.Event], RawSpan]


@dataclass(slots=True)
class Batch:
    """The events of one body. `ids` are theirs, by their place; what is of no use to anybody is in none of the rest."""

    ids: list[str] = field(default_factory=list)
    spans: list[RawSpan] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)


_SPANS: Final[dict[str, Observed]] = {
    "trace-create": observations.trace,
    **{
        f"{kind}-{verb}": observations.observation
        for kind in ("span", "generation", "event", "observation", "agent", "tool", "chain", "retriever", "embedding")
        for verb in ("create", "update")
    },
}
_OF_THE_SDK: Final = "sdk-log"  # what went wrong in the SDK itself: nothing of a trace


def decode(body: bytes) -> Batch:
    """The events of a body, each read for itself. Raises Unreadable where it holds none at all."""
    said = loads(body)
    events = said.get("batch") if isinstance(said, dict) else None
    if not isinstance(events, list):
        raise Unreadable('The body has no list "batch".')
    batch = Batch()
    for index, item in enumerate(events):
        id_ = item.get("id") if isinstance(item, dict) else None
        batch.ids.append(id_ if isinstance(id_, str) else "")
        try:
            _take(batch, index, item)
        except Refused as problem:
            batch.rejected.append(Rejection(index, f"batch[{index}]: {problem}"))
    return batch


def _take(batch: Batch, index: int, item: Json) -> None:
    if not isinstance(item, dict):
        raise Refused("this is no JSON object.")
    kind, body = item.get("type"), item.get("body")
    if kind == _OF_THE_SDK:
        return
    if not isinstance(body, dict):
        raise Refused('it has no object "body".')
    event = observations.Event(index, str(kind), observations.time_ns(item.get("timestamp")), body)
    if kind == "score-create":
        batch.scores.append(scores.score(index, {"id": item.get("id"), **scores.set_members(body)}, event.at_ns))
    elif isinstance(kind, str) and kind in _SPANS:
        batch.spans.append(_SPANS[kind](event))
    else:
        raise Refused(f'llmobs knows no event of the type "{kind}".')
