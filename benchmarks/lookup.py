"""How fast llmobs finds: any id, lists, text, and pages far behind, while spans come in; beside others on request.

    python benchmarks/lookup.py                            llmobs alone: fills 2,000,000 spans first
    python benchmarks/lookup.py --grow 300                 then with ten times the hot rows in 300 partitions too
    python benchmarks/lookup.py --peers phoenix,mlflow     the same questions to others, at a size they can load
    python benchmarks/lookup.py --store /tmp/month         the same, in a folder that is kept for the next run
    python benchmarks/lookup.py --quick                    a few thousand spans: does it run?

Linux only.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [] if str(ROOT) in sys.path else [str(ROOT)]

from benchmarks import (  # noqa: E402
    facets,
    growing,
    installation,
    machine,
    meanwhile,
    member,
    others,
    peers,
    report,
    sending,
    store,
    wanted,
)
from benchmarks.answers import MARK, Factor, Found, Row  # noqa: E402
from benchmarks.asking import Client, Times  # noqa: E402
from benchmarks.folders import folder  # noqa: E402
from benchmarks.installation import Installation  # noqa: E402
from benchmarks.report import Bar  # noqa: E402

PAGE, STATEMENT, LIST = Bar(40, 25, most=True), Bar(inf, 3, most=True), Bar(100, 60, most=True)
TEXTS = {
    "rare word": Bar(100, 50, most=True),
    "common word": Bar(150, 60, most=True),
    "substring": Bar(300, 150, most=True),
    "two Chinese characters": Bar(300, 150, most=True),
}
AS_THE_FIRST = Bar(1.2, 1.0, most=True)  # of the first page: what two runs of the same differ by
GROWTH = Bar(1.5, 1.2, most=True)
DAYS = 30
SEED_OF_WANTED, SEED_OF_COMING, SEED_OF_LATER = 7_000, 8_000_000, 9_000_000  # no span may come twice
QUICK_SPANS, QUICK_COUNT, QUICK_PARTITIONS = 3_000, 6, 60
UNINDEXED = "SELECT count(*) FROM traces_unindexed"


@dataclass(frozen=True, slots=True)
class Looked:
    """What any id took: the box and the page, in sum, and the statements alone."""

    whole: Times
    statements: Times


def main() -> None:
    chosen = options().parse_args()
    if chosen.quick:
        chosen.spans, chosen.peer_spans, chosen.count, chosen.ready = QUICK_SPANS, QUICK_SPANS, QUICK_COUNT, 5
        chosen.grow = QUICK_PARTITIONS if chosen.grow else 0
    found = of_llmobs(chosen)
    with folder(chosen.work) as work:
        for name in filter(None, chosen.peers.split(",")):
            of_peer(found, peers.PEERS[name], work, chosen)
    table = found.text()
    print(f"\n{table}")
    if chosen.write:
        report.write(chosen.write, table, MARK)


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spans", type=int, default=2_000_000, help="in the store, over 30 days")
    parser.add_argument("--count", type=int, default=100, help="how many questions of each kind")
    parser.add_argument("--grow", type=int, default=0, help="copy the hot rows into so many partitions, and ask again")
    parser.add_argument("--ready", type=int, default=180, help="for so many seconds spans to come are made before")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--peers", default="", help=f"of {', '.join(peers.PEERS)}, with commas")
    parser.add_argument("--peer-spans", type=int, default=10_000)
    parser.add_argument("--peer-count", type=int, default=20, help="how many questions of each kind to each peer")
    parser.add_argument("--work", type=Path, help="where peers are installed and kept; a folder of /tmp without it")
    parser.add_argument("--store", type=Path, help="a short path: the installation to ask, filled if empty, and kept")
    parser.add_argument("--quick", action="store_true", help="a few thousand spans, to see that it runs")
    parser.add_argument("--write", type=Path, help="the page that the table is put into")
    return parser


def of_llmobs(chosen: argparse.Namespace) -> Found:
    """All questions, one after the other, to one installation that is filled first."""
    found = Found(machine.description())
    if chosen.grow:
        os.environ["SPAN_RETENTION_DAYS"] = str(chosen.grow + DAYS)  # or the days that are made are dropped
    with installation.running(chosen.store) as llmobs:
        full = llmobs.spans() >= chosen.spans
        seconds = 0.0 if full else store.fill(llmobs.data_dir, "demo", chosen.spans, DAYS, chosen.seed)
        ids = send_wanted(llmobs, chosen)
        settle(llmobs, chosen)
        stored = llmobs.spans()
        say(f"{stored:,} spans in {seconds:,.0f} s")
        client = member.logged_in(llmobs)
        with asked(llmobs, found, chosen, SEED_OF_COMING):
            before = ask_ids(llmobs, client, ids, found)
            ask_lists(client, found, chosen)
            for row in facets.asked(client, chosen.count, chosen.seed):
                add(found, row)
        found.remarks.append(f"The store held {stored:,} spans in {DAYS} days.")
        if chosen.grow:
            grow(llmobs, client, ids, before, found, chosen)
    return found


def send_wanted(llmobs: Installation, chosen: argparse.Namespace) -> dict[str, list[str]]:
    """Send the traces that are looked up; their ids by kind."""
    count = wanted.KINDS * (chosen.count + member.WARM_UPS)
    traces = wanted.wanted(count, SEED_OF_WANTED + chosen.seed, DAYS)
    headers = llmobs.headers()
    requests = [sending.request_of(body, llmobs.port, headers, zipped=True) for body in wanted.bodies(traces)]
    sending.send(llmobs.port, requests, 1)
    return wanted.ids(traces, random.Random(chosen.seed))


def settle(llmobs: Installation, chosen: argparse.Namespace) -> None:
    """Wait until everything is counted and indexed, and let Postgres know what it has, as it does by itself in time.

    What that wrote is then on the disk too: gigabytes that still go there made the first questions wait for seconds.
    """
    deadline = time.monotonic() + (20 if chosen.quick else 1_800)
    while llmobs.number(UNINDEXED) and time.monotonic() < deadline:
        time.sleep(0.5)
    llmobs.settle(1 if chosen.quick else 600)
    with llmobs.database() as connection:
        connection.execute("VACUUM (ANALYZE)")
    os.sync()


@contextmanager
def asked(llmobs: Installation, found: Found, chosen: argparse.Namespace, seed: int) -> Iterator[None]:
    """Spans come in meanwhile; how fast, and how busy the machine was, is noted."""
    with meanwhile.coming(llmobs.port, llmobs.headers(), seed + chosen.seed, chosen.ready) as sent:
        before = llmobs.cpu_seconds()
        begun, busy = time.monotonic(), machine.busy_seconds()
        yield
        seconds, after = time.monotonic() - begun, llmobs.cpu_seconds()
        ours = sum(after[part] - before[part] for part in after)
        cores = (machine.busy_seconds() - busy) / seconds  # the clients too, which use 0.1 to 0.2
    words = f"Meanwhile {sent.words()}; llmobs used {ours / seconds:.1f} cores, everything together {cores:.1f}."
    found.remarks.append(words)
    say(words)


def ask_ids(llmobs: Installation, client: Client, ids: dict[str, list[str]], found: Found) -> Looked:
    """Every kind of id: the page, then the box before it, then the statements behind that."""
    boxes, pages = list[float](), list[float]()
    for kind, (box, page) in member.looked_up(client, ids).items():
        add(found, Row(f"{kind} → trace page of {wanted.SPANS} spans", page, PAGE))
        boxes, pages = boxes + box.seconds, pages + page.seconds
        if kind == others.REQUEST:
            whole = Times([sum(pair) for pair in zip(box.seconds, page.seconds, strict=True)])
            both = Row(others.BOTH, whole)
    statements = timed(llmobs, ids)
    add(found, Row(f"any of these → trace page of {wanted.SPANS} spans", Times(pages), PAGE))
    add(found, Row("box, any id → where it leads", Times(boxes)))
    add(found, both)
    for kind, times in statements.items():
        add(found, Row(f"look-up statement, {kind}", times, STATEMENT))
    return looked(Times(boxes), Times(pages), statements)


def looked(boxes: Times, pages: Times, statements: dict[str, Times]) -> Looked:
    whole = [sum(pair) for pair in zip(boxes.seconds, pages.seconds, strict=True)]
    return Looked(Times(whole), Times([one for times in statements.values() for one in times.seconds]))


def timed(llmobs: Installation, ids: dict[str, list[str]]) -> dict[str, Times]:
    """The statements alone, by a process that has llmobs' settings."""
    environment = os.environ | {"DATA_DIR": str(llmobs.data_dir), "DJANGO_SETTINGS_MODULE": "llmobs.settings"}
    command = [sys.executable, str(ROOT / "benchmarks" / "statements.py"), "demo"]
    done = subprocess.run(
        command, input=json.dumps(ids), env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    return {kind: Times(seconds) for kind, seconds in json.loads(done.stdout).items()}


def ask_lists(client: Client, found: Found, chosen: argparse.Namespace) -> None:
    """Lists with conditions, texts, and the page far behind."""
    lines = member.shuffled(member.lists(), chosen.seed)
    add(found, Row(others.LISTED, member.listed(client, lines, chosen.count), LIST))
    for kind, bar in TEXTS.items():
        add(found, Row(others.text_title(kind), member.listed(client, member.WORDS[kind], chosen.count), bar))
    far, depth = member.far_page(client, member.DEPTH)
    first, there = member.beside(client, [member.list_path(member.FAR), far], chosen.count)
    add(found, Row(f"the list “{member.FAR}”, first page", first))
    add(found, Row(f"the same at depth {depth:,}", there))
    add(found, Factor(f"depth {depth:,} against the first page", there, first, AS_THE_FIRST))


def grow(
    llmobs: Installation, client: Client, ids: dict[str, list[str]], before: Looked, found: Found,
    chosen: argparse.Namespace,
) -> None:  # fmt: skip
    """The ids again, when there are so many times the hot rows."""
    begun = time.monotonic()
    times = growing.grow(llmobs, chosen.grow)
    say(f"hot rows × {times} in {time.monotonic() - begun:,.0f} s")
    boxes, pages = list[float](), list[float]()
    with asked(llmobs, found, chosen, SEED_OF_LATER):
        for box, page in member.looked_up(client, ids).values():
            boxes, pages = boxes + box.seconds, pages + page.seconds
        after = looked(Times(boxes), Times(pages), timed(llmobs, ids))
    title = f"hot rows × {times} in {chosen.grow} partitions"
    add(found, Factor(f"{title}: growth of any id, box and page", after.whole, before.whole, GROWTH))
    add(found, Factor(f"{title}: growth of its statement", after.statements, before.statements, GROWTH))


def of_peer(found: Found, peer: peers.Peer, work: Path, chosen: argparse.Namespace) -> None:
    """The same questions to another, as far as it has them."""
    programs = peers.install(peer, work)
    with peers.running(peer, programs) as server:
        found.peers.append(f"{peer.name} {server.version}")
        spans, answers = others.ask_all(server, chosen.peer_spans, chosen.peer_count, chosen.seed)
    for title, times in answers.items():
        found.row(title).peers[peer.name] = times
        say(f"{peer.name}, {title}: {times.words() if times else 'nothing found'}")
    found.remarks.append(f"{peer.name} held {spans:,} spans, and nothing came in.")


def add(found: Found, row: Row | Factor) -> None:
    found.rows.append(row)
    say(row.text([]))


def say(sentence: str) -> None:
    print(sentence, flush=True)


if __name__ == "__main__":
    main()
