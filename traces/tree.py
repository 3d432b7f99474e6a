"""The order of a trace's spans: parents before children, siblings by their moment. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from traces.queries.spans import StoredSpan


@dataclass(slots=True)  # not frozen, as StoredSpan is not
class Node:
    """A span and its place in the tree. `orphan`: it names a parent that is not here."""

    span: StoredSpan
    depth: int
    children: int
    orphan: bool


def pre_order(spans: Iterable[StoredSpan]) -> list[Node]:
    """Every span once, in tree pre-order, siblings by (moment, id). Spans whose parent is missing stand as roots.

    Cycles, which only a broken sender makes, are cut at their earliest span.
    """
    ordered = sorted(spans, key=lambda span: (span.happened_us, span.record.span_id))
    places = {(span.record.trace_id, span.record.span_id): place for place, span in enumerate(ordered)}
    below: dict[int, list[int]] = {}
    roots: list[int] = []
    for place, span in enumerate(ordered):
        record = span.record
        above = None if record.parent_id is None else places.get((record.trace_id, record.parent_id))
        (roots if above is None or above == place else below.setdefault(above, [])).append(place)
    nodes: list[Node] = []
    placed = bytearray(len(ordered))
    for root in roots:
        _place(root, ordered, below, nodes, placed)
    if len(nodes) < len(ordered):  # the rest is what only a cycle holds
        for place in range(len(ordered)):
            _place(place, ordered, below, nodes, placed)
    return nodes


def _place(
    root: int, ordered: list[StoredSpan], below: dict[int, list[int]], nodes: list[Node], placed: bytearray
) -> None:
    """Append `root` and all below it; a stack of our own, because a trace may be deeper than Python's."""
    stack, depths = [root], [0]
    while stack:
        place, depth = stack.pop(), depths.pop()
        if placed[place]:
            continue
        placed[place] = 1
        span, children = ordered[place], below.get(place, ())
        nodes.append(Node(span, depth, len(children), orphan=depth == 0 and span.record.parent_id is not None))
        if children:
            stack.extend(reversed(children))
            depths.extend([depth + 1] * len(children))
