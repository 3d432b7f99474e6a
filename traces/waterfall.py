"""A trace's spans as rows with bars on one time scale. Pure.

What a bar shows is also said in words, for those who do not see it. Numbers leave as text that SVG reads.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from urllib.parse import quote

from llmobs.lib.templatetags.figures import duration_us as words_for
from llmobs.lib.templatetags.figures import nth
from traces.critical import Chain, Scale, chain_of, children_of, idle, scale_of
from traces.queries.spans import StoredSpan
from traces.queries.traces import Trace
from traces.tree import Node

FAMILIES = {
    **dict.fromkeys(("llm", "embedding", "rerank"), "model"),
    "retrieval": "find",
    "tool": "tool",
    **dict.fromkeys(("parser", "guardrail", "evaluator"), "check"),
    **dict.fromkeys(("agent", "chain", "other"), "logic"),
}
PAGE_STEPS = 500  # rows at a time
MOST_FAILED = 20  # of those that are not among the rows
DEEPEST = 12  # further in, rows are not indented more
_LONGEST_NAME = 200
_LONGEST_NOTE = 40
_LETTERS = 42  # of a note that the width of all bars holds
_FEWEST_LETTERS = 10
_MOST_TICKS = 5
_MOST_GAPS = 20
_LAST_ROUND_MARK = 0.86  # of the length: further right it would touch the last
_NARROW = 1  # percent: a bar that would hardly be seen


@dataclass(frozen=True, slots=True)
class Step:
    """One row. Lengths are percents of the whole trace's, `first_token` of its own bar; "" where there is none."""

    query: str
    depth: int
    name: str
    kind: str
    family: str
    model: str
    more: str
    failed: bool
    open: bool
    left: str
    width: str
    narrow: bool
    first_token: str
    gaps: list[tuple[str, str]]
    note: str
    note_after: str
    note_before: str
    took: str
    is_whole: bool
    critical: bool
    current: bool
    words: str


@dataclass(frozen=True, slots=True)
class Steps:
    """A stretch of the rows, in tree pre-order. `failed` are those that failed and are not among them."""

    rows: list[Step]
    first: int
    of: int
    failed: list[Step] = field(default_factory=list)
    more_failed: int = 0
    ticks: list[tuple[str, str]] = field(default_factory=list)
    chain_steps: int = 0
    chain_words: str = ""

    @property
    def after(self) -> int:
        """How many rows follow."""
        return self.of - self.first - len(self.rows)

    @property
    def next(self) -> int:
        return self.first + len(self.rows)

    @property
    def previous(self) -> int:
        return max(self.first - PAGE_STEPS, 0)


def steps(trace: Trace, current: bytes | None, first: int | None = None, keep: str = "") -> Steps:
    """The rows from the place `first` on, else those around the span `current`, which is marked.

    `keep` is the part of a row's query that stands before its span.
    """
    drawing = _Drawing(trace, current, keep)
    if first is None:
        first = drawing.place_of_current() // PAGE_STEPS * PAGE_STEPS
    places = range(first, min(first + PAGE_STEPS, len(trace.nodes)))
    failed = [place for place, node in enumerate(trace.nodes) if node.span.failed and place not in places]
    failed = [place for place in failed if place not in drawing.below] or failed
    return Steps(
        rows=[drawing.row(place) for place in places],
        first=first,
        of=len(trace.nodes),
        failed=[drawing.row(place, alone=True) for place in failed[:MOST_FAILED]],
        more_failed=max(len(failed) - MOST_FAILED, 0),
        ticks=ticks(drawing.scale.length_us),
        chain_steps=len(drawing.chain.places),
        chain_words=_chain_words(drawing.chain, drawing.scale),
    )


def ticks(length_us: int) -> list[tuple[str, str]]:
    """Where the scale has marks, and what they say: round lengths, then the whole."""
    step = _round_step(length_us)
    marks = range(0, round(length_us * _LAST_ROUND_MARK), step)
    return [
        *((_percent(mark, length_us), words_for(mark) if mark else "0") for mark in marks),
        ("100%", words_for(length_us)),
    ]


def _round_step(length: int) -> int:
    """The least of 1, 2, 5, 10, 20, 50 … microseconds that cuts `length` into at most five."""
    sizes: Iterator[int] = (digit * 10**power for power in count() for digit in (1, 2, 5))
    return next(size for size in sizes if length <= size * _MOST_TICKS)


def _chain_words(chain: Chain, scale: Scale) -> str:
    words = f"{words_for(chain.covered_us)} of {words_for(scale.length_us)}"
    rest = scale.length_us - chain.covered_us
    return words if rest * 100 < scale.length_us else f"{words}; in the other {words_for(rest)} no step ran"


class _Drawing:
    """What all rows of a trace have in common."""

    def __init__(self, trace: Trace, current: bytes | None, keep: str) -> None:
        self.nodes, self.current, self.keep = trace.nodes, current, keep
        self.scale = scale_of(trace.spans)
        family = children_of(trace.nodes)
        self.below = family[1]
        self.chain = chain_of(trace.nodes, self.scale, family)
        self.marked = self.chain.places if len(self.chain.places) < len(trace.nodes) else frozenset()

    def place_of_current(self) -> int:
        return next((place for place, node in enumerate(self.nodes) if node.span.span_id == self.current), 0)

    def row(self, place: int, *, alone: bool = False) -> Step:
        node, length = self.nodes[place], self.scale.length_us
        record = node.span.record
        start, end = self.scale.stretch(node.span)
        children = [self.nodes[below] for below in self.below.get(place, ())]
        gaps = idle(node, children, self.scale)[:_MOST_GAPS] if children else []
        note, duration = _note(node.span), end - start
        first_token = record.time_to_first_token_us
        is_open = not record.ended or record.duration_us is None
        before, after = _room(start, end, length, is_open)
        return Step(
            query=f"?{self.keep}span={quote(node.span.shown_id, safe='')}",
            depth=0 if alone else min(node.depth, DEEPEST),
            name=(record.name or record.kind)[:_LONGEST_NAME],
            kind=record.kind,
            family=FAMILIES[record.kind],
            model=(record.model_requested or record.model or "")[:_LONGEST_NAME],
            more=_more(node),
            failed=node.span.failed,
            open=is_open,
            left=_percent(start, length),
            width=_percent(duration, length),
            narrow=100 * duration < length * _NARROW,
            first_token=_percent(min(first_token, duration), duration) if first_token and duration else "",
            gaps=[(_percent(since, length), _percent(until - since, length)) for since, until in gaps],
            note=note,
            note_after=_fitted(note, after) if len(note) <= after or after > before else "",
            note_before=_fitted(note, before) if len(note) > after and after <= before else "",
            took="" if record.duration_us is None else words_for(record.duration_us),
            is_whole=node.children > 0,
            critical=place in self.marked,
            current=record.span_id == self.current,
            words=self._words(place, start, sum(until - since for since, until in gaps)),
        )

    def _words(self, place: int, start: int, idle_us: int) -> str:
        first_token = self.nodes[place].span.record.time_to_first_token_us
        said = [f"begins after {words_for(start)}" if start else "begins first"]
        if first_token:
            said.append(f"first token after {words_for(first_token)}")
        if place in self.chain.places:
            said.append("on the critical path")
        if idle_us:
            said.append(f"{words_for(idle_us)} of it in no step")
        return ", ".join(said)


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f}%"


def _room(start: int, end: int, length: int, is_open: bool) -> tuple[int, int]:
    """The letters that find room before and after a bar where the page is narrowest."""
    return int(_LETTERS * start / length), 0 if is_open else int(_LETTERS * (length - end) / length)


def _fitted(note: str, letters: int) -> str:
    if len(note) <= letters:
        return note
    return f"{note[: letters - 1]}…" if letters >= _FEWEST_LETTERS else ""


def _more(node: Node) -> str:
    """What else to know about a step beside its name."""
    attempt = node.span.record.attempt or 1
    said = [f"{nth(attempt)} try"] if attempt > 1 else []
    return ", ".join([*said, "parent missing"] if node.orphan else said)


def _note(span: StoredSpan) -> str:
    record = span.record
    if span.failed:
        words = record.status_message or (record.failure or "failed").replace("_", " ")
        line = words.partition("\n")[0]
        return line[: _LONGEST_NOTE - 1] + "…" if len(line) > _LONGEST_NOTE else line
    if record.fallback and record.fallback != "none":
        return f"fallback: {record.fallback.replace('_', ' ')}"
    return "price unknown" if record.cost_source == "unknown" else ""
