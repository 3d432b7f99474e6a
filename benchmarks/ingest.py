"""How fast llmobs takes spans in, and what that costs; beside others on request.

    python benchmarks/ingest.py                                  llmobs alone, about two minutes
    python benchmarks/ingest.py --limit --peers phoenix,mlflow   all, ten minutes and the installing
    python benchmarks/ingest.py --quick                          a few hundred spans: does it run?

Linux only: what processes cost comes from /proc.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [] if str(ROOT) in sys.path else [str(ROOT)]

from benchmarks import installation, limit, machine, measure, peers, processes, report  # noqa: E402
from benchmarks.folders import folder  # noqa: E402
from benchmarks.measure import Measured, Shape  # noqa: E402
from benchmarks.report import Bar, Bars, Found, PeerFound  # noqa: E402

HUNDRED = Shape("100 spans a request, gzip, 4 connections", 100, True, 4)
MANY = Shape("512 spans a request, gzip, 4 connections", 512, True, 4)
TRACE = Shape("1 trace a request, 32 connections", None, False, 32)
BARS = {
    HUNDRED: Bars(Bar(8_000, 12_000), Bar(160, 110, most=True)),
    MANY: Bars(Bar(10_000, 15_000)),
    TRACE: Bars(Bar(3_000, 4_500)),
}
# How many of the spans of --spans each load has, so that all take about as long.
SHARES = {HUNDRED: 1.0, MANY: 1.0, TRACE: 0.5}
PACE = 0.6  # of the measured maximum
# Sent by many new connections each time, so that every process of a server gets some: imports, statements, prices.
WARM_UPS, WARM_UP_SPANS = 3, 300
QUICK_SPANS = 300
LIMIT_SPANS = 100_000


def main() -> None:
    chosen = options().parse_args()
    if chosen.quick:
        chosen.spans, chosen.peer_spans, chosen.rounds = QUICK_SPANS, QUICK_SPANS, 1
    found = of_llmobs(chosen)
    with folder(chosen.work) as work:
        for name in filter(None, chosen.peers.split(",")):
            found.peers.append(of_peer(name, work, chosen))
    table = report.text(found, BARS)
    print(f"\n{table}")
    if chosen.write:
        report.write(chosen.write, table)


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spans", type=int, default=100_000, help="of each load (half of it at 1 trace a request)")
    parser.add_argument("--rounds", type=int, default=1, help="run each load so often and take the middle one")
    parser.add_argument("--hours", type=float, default=168.0, help="the spans began within these hours before now")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", action="store_true", help="measure raw COPY of the same rows too")
    parser.add_argument("--peers", default="", help=f"of {', '.join(peers.PEERS)}, with commas")
    parser.add_argument("--peer-spans", type=int, default=4_000)
    parser.add_argument("--work", type=Path, help="where peers are installed and kept; a folder of /tmp without it")
    parser.add_argument("--quick", action="store_true", help="a few hundred spans, to see that it runs")
    parser.add_argument("--write", type=Path, help="the page that the table is put into")
    return parser


def of_llmobs(chosen: argparse.Namespace) -> Found:
    """All loads, one after the other, into one installation; jobs have ended before each."""
    with installation.running() as llmobs:
        warm_up(llmobs, chosen)
        bytes_before, spans_before = llmobs.stored_bytes(), llmobs.spans()
        loads = {shape: of_shape(llmobs, shape, chosen) for shape in BARS}
        paced = at_pace(llmobs, loads[TRACE], chosen)
        stored = (llmobs.stored_bytes() - bytes_before) / (llmobs.spans() - spans_before)
        found = Found(machine.description(), loads, paced, stored, processes.peak_bytes(llmobs.pid("web")))
        if chosen.limit:
            settle(llmobs, chosen)
            found.limit = limit.spans_per_second(llmobs, LIMIT_SPANS)
            print(f"Raw COPY: {found.limit:,.0f} spans/s", flush=True)
    return found


def warm_up(server: measure.Server, chosen: argparse.Namespace) -> None:
    """Send a little that is not measured."""
    for number in range(1 if chosen.quick else WARM_UPS):
        what = measure.prepared(TRACE, WARM_UP_SPANS, seed(chosen, TRACE, -2 - number), chosen.hours)
        measure.measured(server, what)


def settle(llmobs: installation.Installation, chosen: argparse.Namespace) -> None:
    """Let the jobs end what the load before left them to do."""
    if not chosen.quick:
        llmobs.settle()


def of_shape(llmobs: installation.Installation, shape: Shape, chosen: argparse.Namespace) -> Measured:
    rounds = []
    for number in range(chosen.rounds):
        what = measure.prepared(shape, int(chosen.spans * SHARES[shape]), seed(chosen, shape, number), chosen.hours)
        settle(llmobs, chosen)
        rounds.append(measure.measured(llmobs, what))
        say("llmobs", shape.title, rounds[-1])
    return measure.middle(rounds)


def at_pace(llmobs: installation.Installation, fastest: Measured, chosen: argparse.Namespace) -> Measured:
    """One trace a request at a share of the measured maximum, where latency is what a client feels."""
    what = measure.prepared(TRACE, int(chosen.spans * SHARES[TRACE]), seed(chosen, TRACE, chosen.rounds), chosen.hours)
    settle(llmobs, chosen)
    paced = measure.measured(llmobs, what, per_second=PACE * fastest.requests / fastest.seconds)
    say("llmobs", f"the same at {PACE:.0%}", paced)
    return paced


def of_peer(name: str, work: Path, chosen: argparse.Namespace) -> PeerFound:
    """The same loads, shorter, each into a database with nothing in it."""
    peer = peers.PEERS[name]
    programs = peers.install(peer, work)
    found = PeerFound(peer.name, "")
    for shape in BARS:
        with peers.running(peer, programs) as server:
            found.version = server.version
            warm_up(server, chosen)
            what = measure.prepared(shape, chosen.peer_spans, seed(chosen, shape, 0), chosen.hours)
            found.loads[shape] = measure.measured(server, what)
            say(peer.name, shape.title, found.loads[shape])
    return found


def seed(chosen: argparse.Namespace, shape: Shape, number: int) -> int:
    """Another one for each load of a run, since a span that comes twice is not stored twice."""
    return int(chosen.seed * 1000 + list(BARS).index(shape) * 100 + number + 1)


def say(name: str, load: str, one: Measured) -> None:
    used = ", ".join(f"{part} {spent:.0f}" for part, spent in one.cpu_us.items() if spent >= 0.5)
    times = f"p50 {one.p50_ms:.0f} ms, p99 {one.p99_ms:.0f} ms"
    disturbed = f"client {one.client_us:.0f}; others on {one.others_cores:.1f} cores"
    print(
        f"{name}, {load}: {one.spans_per_second:,.0f} spans/s, {times}; µs of CPU a span: {used}, {disturbed}",
        flush=True,
    )


if __name__ == "__main__":
    main()
