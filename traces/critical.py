"""What the length of a trace is made of: its critical path, and the stretches in which no step ran. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter

from traces.queries.spans import StoredSpan
from traces.tree import Node


@dataclass(frozen=True, slots=True)
class Scale:
    """The common scale of a trace's bars: its first start, and how long it is until the last end, at least 1."""

    start_us: int  # since 1970
    length_us: int

    def stretch(self, span: StoredSpan) -> tuple[int, int]:
        """Start and end of a span in microseconds of the scale; what has not ended reaches to its end."""
        offset = span.happened_us - self.start_us
        duration = span.record.duration_us
        return offset, self.length_us if duration is None else offset + max(duration, 0)


@dataclass(frozen=True, slots=True)
class Chain:
    """The critical path: the steps without which the trace would have ended earlier, as places among its nodes.

    `covered_us` is the time in which one of them ran that has no steps below it; in the rest nothing ran that was sent.
    """

    places: frozenset[int]
    covered_us: int


def scale_of(spans: Sequence[StoredSpan]) -> Scale:
    """The scale that holds all of `spans`, of which there is one at least."""
    start_us = min(span.happened_us for span in spans)
    end_us = max(span.happened_us + max(span.record.duration_us or 0, 0) for span in spans)
    return Scale(start_us, max(1, end_us - start_us))


def children_of(nodes: Sequence[Node]) -> tuple[list[int], dict[int, list[int]]]:
    """The places of the roots, and by the place of a parent those of its children."""
    roots: list[int] = []
    below: dict[int, list[int]] = {}
    above: list[int] = []  # the places on the way down to where we are
    for place, node in enumerate(nodes):
        del above[node.depth :]
        (below.setdefault(above[-1], []) if above else roots).append(place)
        above.append(place)
    return roots, below


def chain_of(nodes: Sequence[Node], scale: Scale, family: tuple[list[int], dict[int, list[int]]]) -> Chain:
    """Walks back from the end: of the steps that ended last before what followed, and so into each of them."""
    roots, below = family
    found: set[int] = set()
    covered = 0
    waiting = [(roots, scale.length_us)]
    while waiting:
        places, until = waiting.pop()
        for end, start, place in _last_first(places, nodes, scale, until):
            if end > until or start >= until:
                continue
            found.add(place)
            if place in below:
                waiting.append((below[place], until))  # a step may go on after the one that began it has ended
            else:
                covered += end - start
            until = start
    return Chain(frozenset(found), covered)


def _last_first(places: Sequence[int], nodes: Sequence[Node], scale: Scale, until: int) -> list[tuple[int, int, int]]:
    """(end, start, place) of the steps at `places`, their ends cut at `until`; of two alike the first stays first."""
    found = []
    for place in reversed(places):
        start, end = scale.stretch(nodes[place].span)
        found.append((end if end < until else until, start, place))
    found.sort(key=itemgetter(0, 1))
    found.reverse()
    return found


def idle(node: Node, children: Iterable[Node], scale: Scale) -> list[tuple[int, int]]:
    """The stretches of a step in which none of the steps below it ran, those too short to see left out."""
    begin, finish = scale.stretch(node.span)
    least, gaps, at = scale.length_us / 100, [], begin
    for start, end in sorted(scale.stretch(child.span) for child in children):
        if min(start, finish) - at >= least:
            gaps.append((at, min(start, finish)))
        at = max(at, end)
    if finish - at >= least and node.span.record.duration_us is not None:
        gaps.append((at, finish))
    return gaps
