"""What finding took, as one table in Markdown: against the bars and the peers of the same run."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

from benchmarks.asking import Times, figure
from benchmarks.report import Bar, line

MARK = "<!-- measured: written by benchmarks/lookup.py -->"
NOT_ASKED = ""  # of a peer that has no such question
NOTHING_FOUND = "finds nothing"


@dataclass(slots=True)
class Row:
    """One kind of question. The bar, in milliseconds, is for p95; peers' times are by their names."""

    title: str
    times: Times
    bar: Bar | None = None
    peers: dict[str, Times | None] = field(default_factory=dict)  # None: it finds nothing

    def text(self, peers: Sequence[str]) -> str:
        bar = _bar_cells(self.bar, self.times.ms(0.95), "{:g}")
        return line([self.title, self.times.words(), *bar, *(self._beside(name) for name in peers)])

    def _beside(self, name: str) -> str:
        if name not in self.peers:
            return NOT_ASKED
        theirs = self.peers[name]
        return f"{theirs.words()} ({figure(theirs.ms(0.95) / self.times.ms(0.95))} ×)" if theirs else NOTHING_FOUND


@dataclass(slots=True)
class Factor:
    """How many times as long p50 and p95 of something are as those of something else. The bar is for p95."""

    title: str
    times: Times
    before: Times
    bar: Bar

    def text(self, peers: Sequence[str]) -> str:
        middle, most = (self.times.ms(share) / self.before.ms(share) for share in (0.5, 0.95))
        bar = _bar_cells(self.bar, most, "× {:g}")
        return line([self.title, f"× {middle:.2f} / × {most:.2f}", *bar, *(NOT_ASKED for _ in peers)])


@dataclass(slots=True)
class Found:
    """All of a run. `remarks` are sentences."""

    machine: str
    rows: list[Row | Factor] = field(default_factory=list)
    peers: list[str] = field(default_factory=list)  # name and version
    remarks: list[str] = field(default_factory=list)

    def row(self, title: str) -> Row:
        """The row of this kind of question."""
        return next(row for row in self.rows if isinstance(row, Row) and row.title == title)

    def text(self) -> str:
        """The sentence about the machine, the table, and what else was going on."""
        heads = ["", "p50 / p95, ms", "must", "goal", "reached", *self.peers]
        rule = line(["---", *["---:"] * 3, "---", *["---:"] * len(self.peers)])
        names = [name.rpartition(" ")[0] for name in self.peers]
        lines = [line(heads), rule, *(row.text(names) for row in self.rows)]
        return "\n".join([self.machine, "", *lines, "", " ".join(self.remarks)])


def _bar_cells(bar: Bar | None, value: float, shown: str) -> list[str]:
    """What must be reached, what is aimed at, and which was. A bar without an end is none that must be reached."""
    if bar is None:
        return ["", "", ""]
    if bar.must == inf:
        return ["", shown.format(bar.goal), "goal" if value <= bar.goal else "no"]
    return [shown.format(bar.must), shown.format(bar.goal), bar.reached(value)]
