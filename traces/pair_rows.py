"""The aligned steps of two traces as rows with two bars on one time scale. Pure.

Each trace begins at the left edge; the scale is as long as the longer of both.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from llmobs.lib.templatetags.figures import count, duration_us
from traces.align import Alignment, Pair
from traces.critical import Scale, scale_of
from traces.ratios import dearer, longer
from traces.records import MODEL_KINDS, SpanRecord
from traces.sentences import visible
from traces.story import PARTS
from traces.tree import Node
from traces.waterfall import DEEPEST, FAMILIES, ticks

PAGE_ROWS: Final = 500  # at a time
_LONGEST_NAME: Final = 200
_LONGEST_MODEL: Final = 40
_NARROW: Final = 1  # percent: a bar that would hardly be seen
_SHORT: Final = 0.02  # of the scale: a difference in time that is not worth saying
_MOST_SAID: Final = 3


@dataclass(frozen=True, slots=True)
class Bar:
    """One side of a row. Lengths are percents of the scale."""

    left: str
    width: str
    narrow: bool
    open: bool
    failed: bool
    is_whole: bool
    took: str
    begins: str


@dataclass(frozen=True, slots=True)
class Row:
    """A pair of steps, or one alone. `said` is what differs about the second, the most telling first."""

    query: str
    depth: int
    name: str
    other_name: str
    kind: str
    family: str
    a: Bar | None
    b: Bar | None
    said: list[str]
    current: bool

    @property
    def failed(self) -> bool:
        return any(bar.failed for bar in (self.a, self.b) if bar)


@dataclass(frozen=True, slots=True)
class Rows:
    """A stretch of the rows. `alone_a` and `alone_b` are how many steps of each side have no counterpart."""

    rows: list[Row]
    first: int
    of: int
    alone_a: int
    alone_b: int
    ticks: list[tuple[str, str]]

    @property
    def next(self) -> int:
        return self.first + len(self.rows)

    @property
    def after(self) -> int:
        """How many rows follow."""
        return self.of - self.next

    @property
    def previous(self) -> int:
        return max(self.first - PAGE_ROWS, 0)


def rows(found: Alignment, current: Pair, keep: dict[str, str], first: int | None = None) -> Rows:
    """The rows from the place `first` on, else those around the pair `current`. `keep` is in the address of each."""
    if first is None:
        place = next(place for place, pair in enumerate(found.pairs) if pair is current)
        first = place // PAGE_ROWS * PAGE_ROWS
    scales = [scale_of([node.span for node in side]) if side else None for side in sides(found.pairs)]
    length = max(scale.length_us for scale in scales if scale)
    drawing = _Drawing(scales[0], scales[1], length, keep)
    return Rows(
        rows=[drawing.row(pair, pair is current) for pair in found.pairs[first : first + PAGE_ROWS]],
        first=first,
        of=len(found.pairs),
        alone_a=sum(pair.b is None for pair in found.pairs),
        alone_b=sum(pair.a is None for pair in found.pairs),
        ticks=ticks(length),
    )


def sides(pairs: Sequence[Pair]) -> tuple[list[Node], list[Node]]:
    """The steps of both traces."""
    return [pair.a for pair in pairs if pair.a], [pair.b for pair in pairs if pair.b]


def opened(pairs: Sequence[Pair], span_a: bytes | None, span_b: bytes | None) -> Pair:
    """The pair of the steps that an address names; else the one that tells most, of which there is one at least.

    That is where one failed and the other did not, then calls with other models or versions, then any call.
    """
    for pair in pairs:
        if (span_a and pair.a and pair.a.span.span_id == span_a) or (
            span_b and pair.b and pair.b.span.span_id == span_b
        ):
            return pair
    return max(pairs, key=_telling)  # of several that tell as much, the first


def ids_of(pair: Pair) -> dict[str, str]:
    """How an address names a pair."""
    named = {"step_a": pair.a, "step_b": pair.b}
    return {name: node.span.shown_id for name, node in named.items() if node}


class _Drawing:
    """What all rows have in common."""

    def __init__(self, a: Scale | None, b: Scale | None, length_us: int, keep: dict[str, str]) -> None:
        self.a, self.b, self.length_us, self.keep = a, b, length_us, keep

    def row(self, pair: Pair, current: bool) -> Row:
        record, other = pair.shown.span.record, pair.b.span.record if pair.b else None
        names = [(one.name or one.kind)[:_LONGEST_NAME] for one in (record, other or record)]
        return Row(
            query=f"?{urlencode({**self.keep, **ids_of(pair)})}",
            depth=min(pair.depth, DEEPEST),
            name=names[0],
            other_name=names[1] if names[1] != names[0] else "",
            kind=record.kind,
            family=FAMILIES[record.kind],
            a=self._bar(pair.a, self.a),
            b=self._bar(pair.b, self.b),
            said=list(self._said(pair))[:_MOST_SAID],
            current=current,
        )

    def _bar(self, node: Node | None, scale: Scale | None) -> Bar | None:
        if node is None or scale is None:
            return None
        record = node.span.record
        start, end = scale.stretch(node.span)
        is_open = not record.ended or record.duration_us is None
        return Bar(
            left=f"{100 * start / self.length_us:.2f}%",
            width=f"{100 * (end - start) / self.length_us:.2f}%",
            narrow=100 * (end - start) < self.length_us * _NARROW,
            open=is_open,
            failed=node.span.failed,
            is_whole=node.children > 0,
            took="" if record.duration_us is None else duration_us(record.duration_us),
            begins=f"begins after {duration_us(start)}" if start else "begins first",
        )

    def _said(self, pair: Pair) -> Iterator[str]:
        """What differs, in few words; amounts of wrappers repeat those of the steps below them."""
        if pair.a is None or pair.b is None:
            yield "only in B" if pair.a is None else "only in A"
            return
        a, b = pair.a.span.record, pair.b.span.record
        yield from _trouble(a, b)
        yield from _ran(a, b)
        if a.duration_us is not None and b.duration_us is not None:
            far = abs(b.duration_us - a.duration_us) > _SHORT * self.length_us
            if far and (words := longer(a.duration_us, b.duration_us)):
                yield words
        if a.kind in MODEL_KINDS:
            yield from _amounts(a, b)


def _trouble(a: SpanRecord, b: SpanRecord) -> Iterator[str]:
    if (a.status == "error") != (b.status == "error"):
        yield "failed only in B" if b.status == "error" else "failed only in A"
    elif a.failure != b.failure:
        yield "failed for another reason"


def _ran(a: SpanRecord, b: SpanRecord) -> Iterator[str]:
    models = [one.model_requested or one.model for one in (a, b)]
    if all(models) and models[0] != models[1]:
        yield " → ".join(_short(model or "") for model in models)
    for part in PARTS:
        old, new = (getattr(one, f"{part}_version") for one in (a, b))
        if old and new and old != new:
            yield f"{part} {_short(old)} → {_short(new)}"


def _amounts(a: SpanRecord, b: SpanRecord) -> Iterator[str]:
    if words := dearer(a.cost_usd, b.cost_usd):
        yield f"cost {words}"
    tokens = [None if one.input_tokens is None and one.output_tokens is None else _tokens(one) for one in (a, b)]
    if tokens[0] is not None and tokens[1] is not None and dearer(*tokens):
        yield f"{'+' if tokens[1] > tokens[0] else '−'}{count(abs(tokens[1] - tokens[0]))} tokens"


def _tokens(record: SpanRecord) -> int:
    return (record.input_tokens or 0) + (record.output_tokens or 0)


def _short(said: str) -> str:
    seen = visible(said[:_LONGEST_MODEL])
    return seen if len(said) <= _LONGEST_MODEL else f"{seen}…"


def _telling(pair: Pair) -> tuple[bool, bool, bool, bool]:
    """How much a pair tells of what differs, the greatest most."""
    leaf = not any(node.children for node in (pair.a, pair.b) if node)
    if pair.a is None or pair.b is None:
        return pair.shown.span.failed and leaf, False, False, False
    a, b = pair.a.span.record, pair.b.span.record
    return any(_trouble(a, b)) and leaf, any(_ran(a, b)), a.kind == "llm", leaf
