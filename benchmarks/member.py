"""What a member asks of llmobs' pages: ids in the box, lists with conditions, words, and the page far behind."""

import html
import random
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Final
from urllib.parse import urlencode

from benchmarks.asking import Answer, Client, Times, Unexpected
from benchmarks.installation import Installation
from benchmarks.questions import RARE_WORDS

HERE: Final = "/p/demo"
WARM_UPS: Final = 5
# Feature and model of a list, and one more condition.
FEATURES: Final = ("support_chat", "product_search", "mail_draft", "contract_review")
MODELS: Final = ("gpt-4o-mini", "gpt-4o", "claude-sonnet-4-5")
THIRDS: Final = ("latency:>3s", "status:error", "env:staging")
WORDS: Final = {
    "rare word": RARE_WORDS,
    "common word": ("parcel", "invoice", "contract", "deposit", "kettle", "urgent"),
    "substring": ("*phyrwoo*", "*llfeath*", "*voic*", "*ontrac*", "*mstoneca*", "*posi*"),
    "two Chinese characters": ("退款", "发货", "抬头", "包裹", "优惠", "取消"),
}
FAR: Final = "feature:support_chat env:prod"
DEPTH: Final = 10_000
_ROW: Final = re.compile(rf'href="{HERE}/traces/([^"?]+)')
_OLDER: Final = re.compile(rf'href="({HERE}/traces\?[^"]*after=[^"]*)"')


def logged_in(llmobs: Installation) -> Client:
    """The first member, who is made at the first start."""
    client = Client(llmobs.port)
    client.log_in("admin@localhost", (llmobs.data_dir / "admin_password").read_text().strip())
    return client


def list_path(line: str) -> str:
    """The list of 30 days with this query line."""
    return f"{HERE}/traces?{urlencode({'q': line, 'period': '30d'})}"


def lists() -> list[str]:
    """Query lines with three conditions."""
    return [
        f"feature:{feature} model:{model} {third}"
        for feature, model, third in product(FEATURES, MODELS, THIRDS)
    ]  # fmt: skip


def looked_up(client: Client, ids: Mapping[str, Sequence[str]]) -> dict[str, tuple[Times, Times]]:
    """For each kind of id what the box took to know where each leads, and what the page there took.

    The kinds are asked in turn, so that seconds in which the machine is slow are shared by all of them. The first
    WARM_UPS of each are only asked. Raises Unexpected when an id does not lead straight to a trace.
    """
    found: dict[str, list[tuple[float, float]]] = {kind: [] for kind in ids}
    for turn in zip(*ids.values(), strict=True):
        for kind, text in zip(ids, turn, strict=True):
            found[kind].append(_look_up(client, text))
    return {kind: _times(seconds[WARM_UPS:]) for kind, seconds in found.items()}


def _times(pairs: Iterable[tuple[float, float]]) -> tuple[Times, Times]:
    boxes, pages = zip(*pairs, strict=True)
    return Times([*boxes]), Times([*pages])


def _look_up(client: Client, text: str) -> tuple[float, float]:
    box = client.ask(f"{HERE}?{urlencode({'q': text})}").expected(302, text)
    there = box.headers["Location"]
    if not there.startswith(f"{HERE}/traces/"):
        raise Unexpected(f"{text} leads to {there}, which is no trace.")
    return box.seconds, client.ask(there).expected(200, there).seconds


def listed(client: Client, lines: Sequence[str], count: int) -> Times:
    """What the first pages of these lists took, asked for in turn, `count` times in all."""
    return pages(client, [list_path(line) for line in lines], count)


def pages(client: Client, paths: Sequence[str], count: int) -> Times:
    """What these pages took, asked for in turn, `count` times in all, each once before."""
    _seconds_of_each(client, paths)
    asked = (paths[number % len(paths)] for number in range(count))
    return Times(_seconds_of_each(client, asked))


def beside(client: Client, paths: Sequence[str], count: int) -> list[Times]:
    """What each of these pages took, `count` times each, each once before: asked for in turn, as the ids are."""
    _seconds_of_each(client, paths)
    turns = [_seconds_of_each(client, paths) for _ in range(count)]
    return [Times([*seconds]) for seconds in zip(*turns, strict=True)]


def _seconds_of_each(client: Client, paths: Iterable[str]) -> list[float]:
    return [client.ask(path).expected(200, path).seconds for path in paths]


def rows(answer: Answer) -> int:
    """How many traces a page lists."""
    return len(set(_ROW.findall(answer.body.decode())))


def far_page(client: Client, depth: int) -> tuple[str, int]:
    """The page of a list at this depth, and how deep it is: the last one when the list ends before."""
    there, passed = list_path(FAR), 0
    while passed < depth:
        page = client.ask(there).expected(200, there)
        older = _OLDER.search(page.body.decode())
        if not older:
            break
        there, passed = html.unescape(older[1]), passed + rows(page)
    return there, passed


def shuffled(lines: Iterable[str], seed: int) -> list[str]:
    """In another order, the same for a seed."""
    found = list(lines)
    random.Random(seed).shuffle(found)
    return found
