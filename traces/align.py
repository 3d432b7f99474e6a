"""Two traces laid beside each other, step by step. Pure.

Trees are aligned from the roots down: the steps below a pair are aligned with each other and with no others, so that a
pair always lies within a pair. Among siblings the steps of one kind and name are the anchors, as many as fit in order;
between anchors, model calls and look-ups of other names are paired too; what was called in another order is paired
last. All of it is symmetric: exchanging the traces exchanges the sides of every pair and nothing else.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from traces.critical import children_of
from traces.records import MODEL_KINDS, SpanRecord
from traces.tree import Node

MOST_STEPS: Final = 5_000  # of a trace, in tree order; those after them are not aligned
# Cells of the table of one list of siblings. As the lists of a tree share no step, all tables of two traces of n steps
# have at most n times the root of it: 1,500,000 for the largest.
MOST_CELLS: Final = 90_000
_RENAMED: Final = MODEL_KINDS | {"retrieval"}  # kinds whose steps may have another name: it often holds the model's

Key = tuple[str, str]
Match = tuple[int | None, int | None]


@dataclass(frozen=True, slots=True)
class Pair:
    """A step of the first trace and the one of the second that does the same; None where there is none."""

    a: Node | None
    b: Node | None
    depth: int

    @property
    def shown(self) -> Node:
        """The step of the first trace, else that of the second."""
        return next(node for node in (self.a, self.b) if node)


@dataclass(frozen=True, slots=True)
class Alignment:
    """Every step that was looked at, once, in tree pre-order of the first trace, those of the second between.

    `left_out` are the steps of both that were not. `rough`: somewhere there were so many siblings that only equal names
    were paired, in their order.
    """

    pairs: list[Pair]
    left_out: int
    rough: bool


def align(a: Sequence[Node], b: Sequence[Node]) -> Alignment:
    """The steps of two traces, each in tree pre-order."""
    first, second = a[:MOST_STEPS], b[:MOST_STEPS]
    roots_a, below_a = children_of(first)
    roots_b, below_b = children_of(second)
    keys_a, keys_b = ([key_of(node.span.record) for node in nodes] for nodes in (first, second))
    pairs: list[Pair] = []
    rough = False
    waiting: list[tuple[list[int], list[int]]] = [(roots_a, roots_b)]
    levels: list[Iterator[Match]] = []  # a stack of our own, because a trace may be deeper than Python's
    while waiting or levels:
        if waiting:
            left, right = waiting.pop()
            found, cut = siblings([keys_a[place] for place in left], [keys_b[place] for place in right])
            if not levels and len(left) == len(right) == 1:
                found = {0: 0}  # whatever they are called, they are the whole of it
            rough = rough or cut
            levels.append(_in_order(left, right, found))
        one, other = next(levels[-1], (None, None))
        if one is None and other is None:
            levels.pop()
            continue
        nodes = None if one is None else first[one], None if other is None else second[other]
        pairs.append(Pair(*nodes, len(levels) - 1))
        waiting.append(([] if one is None else below_a.get(one, []), [] if other is None else below_b.get(other, [])))
    return Alignment(pairs, len(a) + len(b) - len(first) - len(second), rough)


def key_of(record: SpanRecord) -> Key:
    """What makes two steps the same one: the kind and the name, for calls without the model's, which may be in it."""
    if record.kind == "tool":
        return record.kind, record.tool_name or record.name
    name = record.name
    if record.kind in MODEL_KINDS:
        for model in filter(None, (record.model_requested, record.model)):
            name = name.replace(model, "")
    return record.kind, " ".join(name.split())


def siblings(a: Sequence[Key], b: Sequence[Key]) -> tuple[dict[int, int], bool]:
    """Places in `a` with their counterparts in `b`, and whether the lists were too long to be aligned well."""
    head = _alike(a, b)
    tail = 0
    if (len(a) - head) * (len(b) - head) > MOST_CELLS:
        tail = _alike(a[head:][::-1], b[head:][::-1])
    rest_a, rest_b = a[head : len(a) - tail], b[head : len(b) - tail]
    rough = len(rest_a) * len(rest_b) > MOST_CELLS
    found = {place: place for place in range(head)}
    found |= {len(a) - place: len(b) - place for place in range(1, tail + 1)}
    if not rough:
        found |= {head + one: head + other for one, other in _aligned(rest_a, rest_b)}
    taken = set(found.values())
    left: dict[Key, list[int]] = {}
    for place, key in enumerate(b):
        if place not in taken:
            left.setdefault(key, []).append(place)
    for place, key in enumerate(a):
        if place not in found and left.get(key):
            found[place] = left[key].pop(0)
    return found, rough


def _alike(a: Sequence[Key], b: Sequence[Key]) -> int:
    """How many are equal from the beginning on."""
    return next(
        (place for place, (one, other) in enumerate(zip(a, b, strict=False)) if one != other), min(len(a), len(b))
    )


def _aligned(a: Sequence[Key], b: Sequence[Key]) -> list[tuple[int, int]]:
    """Needleman and Wunsch's alignment: the most equal keys, then the most renamed ones; of equally good the earliest.

    The lesser list comes first, so that exchanging the lists exchanges the places and nothing else.
    """
    if list(b) < list(a):
        return [(one, other) for other, one in _aligned(b, a)]
    equal = min(len(a), len(b)) + 1  # worth more than all that are renamed
    best = [[0] * (len(b) + 1)]  # of what follows, from the last row up
    for key in reversed(a):
        below, row = best[-1], [0] * (len(b) + 1)
        for place in range(len(b) - 1, -1, -1):
            most = below[place] if below[place] > row[place + 1] else row[place + 1]
            worth = _worth(key, b[place], equal)
            row[place] = max(most, worth + below[place + 1]) if worth else most
        best.append(row)
    best.reverse()
    found, one, other = [], 0, 0
    while one < len(a) and other < len(b):
        worth = _worth(a[one], b[other], equal)
        if worth and best[one][other] == worth + best[one + 1][other + 1]:
            found.append((one, other))
            one, other = one + 1, other + 1
        elif best[one][other] == best[one + 1][other]:
            one += 1
        else:
            other += 1
    return found


def _worth(one: Key, other: Key, equal: int) -> int:
    """What pairing two steps is worth; 0: they are no pair."""
    return equal if one == other else int(one[0] == other[0] and one[0] in _RENAMED)


def _in_order(left: Sequence[int], right: Sequence[int], found: dict[int, int]) -> Iterator[Match]:
    """The siblings `left` with their counterparts among `right`; what has none in `left` before what follows it."""
    taken, reached = set(found.values()), 0
    for place, one in enumerate(left):
        partner = found.get(place)
        if partner is None:
            yield one, None
            continue
        yield from ((None, right[alone]) for alone in range(reached, partner) if alone not in taken)
        reached = max(reached, partner + 1)
        yield one, right[partner]
    yield from ((None, right[alone]) for alone in range(reached, len(right)) if alone not in taken)
