"""The order of a trace's spans: parents before children, siblings by their moment. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from traces.queries.spans import StoredSpan


@dataclass(frozen=True, slots=True)
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
    ordered = sorted(spans, key=lambda span: (span.happened_at, span.span_id))
    known = {(span.record.trace_id, span.span_id) for span in ordered}
    children: dict[tuple[bytes, bytes], list[StoredSpan]] = {}
    roots: list[StoredSpan] = []
    for span in ordered:
        if span.parent_id is None or span.parent_id == span.span_id:
            roots.append(span)
        elif (key := (span.record.trace_id, span.parent_id)) in known:
            children.setdefault(key, []).append(span)
        else:
            roots.append(span)
    nodes: list[Node] = []
    placed: set[tuple[bytes, bytes]] = set()
    for root in roots:
        _place(root, children, nodes, placed)
    if len(nodes) < len(ordered):  # the rest is what only a cycle holds
        for span in ordered:
            _place(span, children, nodes, placed)
    return nodes


def _place(
    root: StoredSpan,
    children: dict[tuple[bytes, bytes], list[StoredSpan]],
    nodes: list[Node],
    placed: set[tuple[bytes, bytes]],
) -> None:
    """Append `root` and all below it; a stack of our own, because a trace may be deeper than Python's."""
    stack = [(root, 0)]
    while stack:
        span, depth = stack.pop()
        key = (span.record.trace_id, span.span_id)
        if key in placed:
            continue
        placed.add(key)
        below = children.get(key, [])
        nodes.append(Node(span, depth, len(below), orphan=depth == 0 and span.parent_id is not None))
        stack.extend((child, depth + 1) for child in reversed(below))
