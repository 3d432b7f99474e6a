"""The hits of a look-up, put together by the id that they carry: what there is to choose from, and whether there is.

Pure. Ids of one text are often of one thing: the request id of a mail, and the address of the user who wrote it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from traces.queries.lookup import Hit

# Kinds that name one trace, or a part of it; the others name any number.
_OF_ONE = ("request", "trace", "span", "response")


@dataclass(frozen=True, slots=True)
class Match:
    """An id in one sense, and the traces that carry it, newest first; at least one."""

    kind: str
    text: str
    hits: tuple[Hit, ...]

    @property
    def newest(self) -> Hit:
        return self.hits[0]

    @property
    def traces(self) -> int:
        """How many traces carry it, of those that were looked for."""
        return len({hit.summary.trace_id for hit in self.hits})

    @property
    def names_many(self) -> bool:
        """Whether it leads to several traces: to a conversation or a list."""
        return self.kind not in _OF_ONE and self.traces > 1


def matches(hits: Sequence[Hit]) -> list[Match]:
    """The hits by kind and id, in their order: the surest kind first."""
    groups: dict[tuple[str, str], list[Hit]] = {}
    for hit in hits:
        groups.setdefault((hit.kind, hit.text), []).append(hit)
    return [Match(kind, text, tuple(group)) for (kind, text), group in groups.items()]


def only_one(found: Sequence[Match]) -> Match | None:
    """The match that is meant when there is nothing to choose: it lies within all others. None when there is."""
    if not found:
        return None
    smallest = min(found, key=lambda match: (match.names_many, match.traces))
    return smallest if all(_covers(other, smallest) for other in found) else None


def span_of(found: Sequence[Match], hit: Hit) -> bytes | None:
    """The span to open in the trace of `hit`: its own, else one that another id of the same text names."""
    of_trace = [one for match in found for one in match.hits if one.summary.trace_id == hit.summary.trace_id]
    return hit.span_id or next((one.span_id for one in of_trace if one.span_id), None)


def _covers(match: Match, smaller: Match) -> bool:
    """Whether the traces of `smaller` are all among those of `match`. A user may have more than were looked for."""
    if match.kind == "user":
        return all(hit.summary.user_id == match.text for hit in smaller.hits)
    if match.kind == "session":
        return all(hit.summary.session_id == match.text for hit in smaller.hits)
    return {hit.summary.trace_id for hit in smaller.hits} <= {hit.summary.trace_id for hit in match.hits}
