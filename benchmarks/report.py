"""What was measured, as one table in Markdown: against the bars, the peers and the limit of the same run."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.measure import Measured, Shape

BEGIN, END = "<!-- measured: written by benchmarks/ingest.py -->", "<!-- end of measured -->"


@dataclass(frozen=True, slots=True)
class Bar:
    """What must be reached and what is aimed at. `most` tells that less is better."""

    must: float
    goal: float
    most: bool = False

    def reached(self, value: float) -> str:
        for name, bar in (("goal", self.goal), ("must", self.must)):
            if value <= bar if self.most else value >= bar:
                return name
        return "no"


@dataclass(frozen=True, slots=True)
class Bars:
    """Of one shape of load. None: only reported."""

    speed: Bar
    cpu_us: Bar | None = None


PACED_P99_MS = Bar(60, 60, most=True)
STORED_BYTES = Bar(2000, 1400, most=True)
WORKER_BYTES = Bar(250e6, 150e6, most=True)


@dataclass(slots=True)
class PeerFound:
    """A peer under the same loads."""

    name: str
    version: str
    loads: dict[Shape, Measured] = field(default_factory=dict)


@dataclass(slots=True)
class Found:
    """All of a run."""

    machine: str
    loads: dict[Shape, Measured]
    paced: Measured
    stored_bytes: float  # a span
    worker_bytes: int
    limit: float | None = None  # spans a second
    peers: list[PeerFound] = field(default_factory=list)


def text(found: Found, bars: dict[Shape, Bars]) -> str:
    """The sentence about the machine, the table, and what disturbed it."""
    peers = [f"{peer.name} {peer.version}" for peer in found.peers]
    heads = ["", "llmobs", "must", "goal", "reached", *peers, *(["of raw COPY"] if found.limit else [])]
    lines = [line(heads), line(["---", *["---:"] * 3, "---", *["---:"] * (len(heads) - 5)])]
    for shape, one in found.loads.items():
        lines += _lines_of(found, shape, one, bars[shape])
    paced = f"at 60 % of that speed ({found.paced.spans_per_second:,.0f} spans/s): p99, ms"
    lines.append(_bar_line(found, paced, found.paced.p99_ms, PACED_P99_MS, "{:.0f}".format))
    lines.append(
        _bar_line(found, "stored, KB a span", found.stored_bytes / 1e3, _thousands(STORED_BYTES, 1e3), "{:.2f}".format)
    )
    lines.append(
        _bar_line(
            found, "web worker, MB at most", found.worker_bytes / 1e6, _thousands(WORKER_BYTES, 1e6), "{:.0f}".format
        )
    )
    return "\n".join([found.machine, "", *lines, "", _remarks(found)])


def _lines_of(found: Found, shape: Shape, one: Measured, bars: Bars) -> list[str]:
    """Speed, CPU and latency under one shape of load."""
    in_peers = [peer.loads.get(shape) for peer in found.peers]
    faster = [
        f"{peer.spans_per_second:,.0f} ({one.spans_per_second / peer.spans_per_second:.0f} ×)" if peer else ""
        for peer in in_peers
    ]
    share = [f"{one.spans_per_second / found.limit:.0%}"] if found.limit else []
    speed, cpu = bars.speed, bars.cpu_us
    cells = [f"**{shape.title}**: spans/s", f"{one.spans_per_second:,.0f}", f"{speed.must:,.0f}", f"{speed.goal:,.0f}"]
    lines = [line([*cells, speed.reached(one.spans_per_second), *faster, *share])]
    cheaper = [f"{peer.server_us:,.0f} ({peer.server_us / one.server_us:.0f} ×)" if peer else "" for peer in in_peers]
    parts = f"CPU, µs a span (web {one.cpu_us['web']:.0f}, Postgres {one.cpu_us['postgres']:.0f})"
    bar = [f"{cpu.must:.0f}", f"{cpu.goal:.0f}", cpu.reached(one.server_us)] if cpu else ["", "", ""]
    lines.append(line([parts, f"{one.server_us:.0f}", *bar, *cheaper, *[""] * len(share)]))
    answers = [f"{peer.p50_ms:,.0f} / {peer.p99_ms:,.0f}" if peer else "" for peer in in_peers]
    latency = f"{one.p50_ms:.0f} / {one.p99_ms:.0f}"
    return [*lines, line(["until the answer, p50 / p99 ms", latency, "", "", "", *answers, *[""] * len(share)])]


def _bar_line(found: Found, title: str, value: float, bar: Bar, shown: Callable[[float], str]) -> str:
    empty = [""] * (len(found.peers) + (found.limit is not None))
    return line([title, shown(value), shown(bar.must), shown(bar.goal), bar.reached(value), *empty])


def _thousands(bar: Bar, unit: float) -> Bar:
    return Bar(bar.must / unit, bar.goal / unit, bar.most)


def _remarks(found: Found) -> str:
    """What else was going on, without which the figures cannot be compared."""
    sizes = ", ".join(f"{one.spans:,}" for one in found.loads.values())
    others = max(one.others_cores for one in found.loads.values())
    remarks = f"Spans sent to llmobs: {sizes}. Other work on the machine took up to {others:.1f} cores meanwhile."
    if found.limit:
        remarks += f" Raw COPY: {found.limit:,.0f} spans/s."
    if found.peers:
        sizes = ", ".join(f"{one.spans:,}" for one in found.peers[0].loads.values())
        remarks += f" Spans sent to each peer: {sizes}."
    return remarks


def line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def write(page: Path, table: str, mark: str = BEGIN) -> None:
    """Put the table between the line `mark` of the page and the next END. Raises ValueError when there are none."""
    before, begin, rest = page.read_text().partition(mark)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} does not hold the lines {mark} and {END}.")
    page.write_text(f"{before}{mark}\n{table}\n{END}{after}")
