"""Random traces and random lines: what is found is what a straight look at every trace finds, in its order."""

import random
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from accounts.models import Project
from llmobs.lib.timerange import TimeRange
from tests import make
from traces.records import SpanRecord
from traces.search import find, grammar, vocabulary
from traces.search.grammar import Term
from traces.search.index import index_marked

WORDS = [
    "refund",
    "refunds",
    "Refundable",
    "fund",
    "order",
    "ORD-7781",
    "ord",
    "late",
    "naïve",
    "a",
    "x_1",
    "12:30",
    "50%",
]
WORDS += [
    "退款",
    "退货",
    "款退",
    "申请",
    "返金",
    "キャンセル",
    "환불을",
    "استرداد",
    "ขอคืนเงิน",
    "คืน",
    "हिन्दी",
    "🙂",
    "ß",
    "手机app",
]
MODELS, FEATURES = ("gpt-4o", "GPT-4o-mini", "claude"), ("billing", "support chat", None)
TRACES, LINES = 70, 120


@dataclass
class Told:
    """A trace as it was sent."""

    spans: list[SpanRecord]
    texts: list[str]

    @property
    def root(self) -> SpanRecord:
        return self.spans[0]

    @property
    def call(self) -> SpanRecord:
        return self.spans[1]


def sentence(rng: random.Random) -> str:
    return "".join(rng.choice(WORDS) + rng.choice([" ", " ", ", ", "\n", "", "-"]) for _ in range(rng.randint(1, 7)))


def told(rng: random.Random, now: datetime) -> Told:
    started_at = now - timedelta(minutes=rng.randint(1, 4 * 24 * 60))
    asked, answered = sentence(rng), sentence(rng)
    failed = rng.random() < 0.3
    shared = {
        "started_at": started_at,
        "feature": rng.choice(FEATURES),
        "duration_us": rng.choice([None, 1_000, 2_000_000, 2_000_000, rng.randint(1, 9_000_000)]),
        "user_id": rng.choice(["u_1", "u_2", "u_11"]),
    }
    root = make.span(input=asked, name="root", status="error" if failed else "ok", **shared)
    call = make.call(
        **{**shared, "duration_us": 500}, trace_id=root.trace_id, parent_id=root.span_id, name="chat",
        model_requested=rng.choice(MODELS), model=None, input_tokens=rng.choice([None, 10, 500]), output_tokens=None,
        cost_usd=rng.choice([None, Decimal("0.01"), Decimal("0.5")]), cost_source="sent",
        input=[{"role": "user", "content": asked}], output=[{"role": "assistant", "content": answered}],
        attributes={"metadata.order_id": str(rng.choice([77, 78, 770]))},
    )  # fmt: skip
    order_id = call.payload.attributes["metadata.order_id"]
    return Told([root, call], [asked, answered, "root", "chat", order_id])


def plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(folded.split())


def in_word(character: str) -> bool:
    """Whether it may be a part of a word, in a script that has words."""
    name = unicodedata.name(character, "")
    if name.startswith(("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "THAI")) or unicodedata.category(character) == "So":
        return False
    return character == "_" or unicodedata.category(character)[0] in "LMN"


def stands_in(term: Term, text: str) -> bool:
    """Whether a text condition holds for a text: tried at every place of it."""
    sought, text = plain(term.sought), plain(text)
    for at in range(len(text) - len(sought) + 1):
        if text[at : at + len(sought)] != sought:
            continue
        before, after = text[at - 1 : at], text[at + len(sought) : at + len(sought) + 1]
        goes_on_left = before and in_word(before) and in_word(sought[0])
        goes_on_right = after and in_word(after) and in_word(sought[-1])
        if term.is_part or (not goes_on_left and (term.is_prefix or not goes_on_right)):
            return True
    return False


def compared(value: Decimal | int | None, term: Term) -> bool:
    amount = term.amount
    if value is None:
        return False
    return {
        ":": value == amount,
        "<": value < amount,
        "<=": value <= amount,
        ">": value > amount,
        ">=": value >= amount,
    }[term.compare]


FIELDS: dict[str, Callable[[Told, Term], bool]] = {
    "model": lambda one, term: worded(one.call.model_requested, term),
    "feature": lambda one, term: worded(one.root.feature, term),
    "user": lambda one, term: worded(one.root.user_id, term),
    "status": lambda one, term: worded(one.root.status, term),
    "metadata.order_id": lambda one, term: worded(one.call.payload.attributes["metadata.order_id"], term),
    "latency": lambda one, term: compared(latency(one), term),
    "cost": lambda one, term: compared(one.call.cost_usd, term),
    "tokens": lambda one, term: compared(one.call.input_tokens, term),
}


def latency(one: Told) -> int | None:
    return one.root.duration_us if one.root.duration_us is not None else one.call.duration_us


def worded(value: str | None, term: Term) -> bool:
    if value is None:
        return False
    return (
        value.casefold().startswith(term.sought.casefold())
        if term.is_prefix
        else value.casefold() == term.sought.casefold()
    )


def fulfils(one: Told, term: Term) -> bool:
    told_of = FIELDS.get(term.field, lambda one, term: any(stands_in(term, text) for text in one.texts))
    return told_of(one, term) is not term.negated


def line(rng: random.Random) -> str:
    return " ".join(condition(rng) for _ in range(rng.choice([1, 1, 2, 3])))


def condition(rng: random.Random) -> str:
    word = rng.choice(WORDS)
    cut = word[rng.randrange(len(word)) :][: rng.randint(1, 6)]
    kinds = [
        f'"{word}"',
        f'"{word} {rng.choice(WORDS)}"',
        f'"{sentence(rng).strip()}"',
        f"*{cut}*",
        f'"{cut}"',
        f"{cut}*" if cut[0] not in "-:%" else '"ord"',
        f"model:{rng.choice(MODELS)}",
        f"user:{rng.choice(['u_1', 'u_2', 'u_1*'])}",
        f"status:{rng.choice(['ok', 'error'])}",
        rng.choice(['feature:"support chat"', "metadata.order_id:77", "metadata.order_id:77*"]),
        rng.choice(["latency:>1s", "latency:<=2s", "cost:>0.05", "tokens:<100", "tokens:500"]),
    ]
    chosen = rng.choice(kinds)
    return f"-{chosen}" if rng.random() < 0.25 else chosen


@pytest.mark.django_db
@pytest.mark.parametrize("most_words", [4_000, 1])
@pytest.mark.parametrize("seed", range(3))
def test_what_is_found_is_what_a_straight_look_finds(
    project: Project, other_project: Project, monkeypatch: pytest.MonkeyPatch, seed: int, most_words: int
) -> None:
    monkeypatch.setattr(find, "MOST_WORDS", most_words)
    rng, now = random.Random(seed), make.now()
    everything = [told(rng, now) for _ in range(TRACES)]
    for one in everything:
        make.stored(project.pk, *one.spans)
        make.stored(other_project.pk, *told(rng, now).spans)
    index_marked()
    ids = {one.root.trace_id for one in everything}
    period = TimeRange(now - timedelta(days=3), now)
    within = [one for one in everything if period.start <= one.root.started_at < period.end]
    fruitful = 0
    for _ in range(LINES):
        terms = grammar.parse(written := line(rng))
        expected = [one for one in within if all(fulfils(one, term) for term in terms)]
        expected.sort(key=lambda one: (one.root.started_at, one.root.trace_id), reverse=True)
        found = [hit.trace_id for hit in find.find(project.pk, period, terms, limit=1_000)]
        assert found == [one.root.trace_id for one in expected], written
        assert set(found) <= ids
        fruitful += 0 < len(found) < len(within)
    assert fruitful > LINES / 3


SORTED_BY: dict[str, Callable[[Told], datetime | Decimal | int | None]] = {
    "time": lambda one: one.root.started_at,
    "latency": latency,
    "cost": lambda one: one.call.cost_usd,
    "tokens": lambda one: one.call.input_tokens,
}


@pytest.mark.django_db
@pytest.mark.parametrize("turned", ["", "-"])
@pytest.mark.parametrize("sort", list(SORTED_BY))
@pytest.mark.parametrize("asked", ["", "status:ok", '"refund"', "*und*", "-model:claude tokens:>1"])
def test_pages_give_each_trace_once_and_in_order(project: Project, sort: str, turned: str, asked: str) -> None:
    rng, now = random.Random(sort), make.now()
    everything = [told(rng, now) for _ in range(40)]
    for one in everything:
        make.stored(project.pk, *one.spans)
    index_marked()
    terms, period = grammar.parse(asked), TimeRange(now - timedelta(days=5), now)
    expected = [one for one in everything if all(fulfils(one, term) for term in terms)]
    known = [one for one in expected if SORTED_BY[sort](one) is not None]
    known.sort(key=lambda one: (SORTED_BY[sort](one), one.root.trace_id), reverse=not turned)
    unknown = [one for one in expected if one not in known]
    unknown.sort(key=lambda one: one.root.trace_id, reverse=not turned)
    found, after = [], None
    while page := find.find(project.pk, period, terms, sort=turned + sort, after=after, limit=7):
        found += [hit.trace_id for hit in page]
        after = page[-1].after
    assert found == [one.root.trace_id for one in [*known, *unknown]]


def test_a_vocabulary_may_be_asked_for_a_part_at_its_edges() -> None:
    words = "\n".join(["able", "fund", "refund"])
    assert list(vocabulary._lines_with(words, "able")) == ["able"]
    assert list(vocabulary._lines_with(words, "fund")) == ["fund", "refund"]
    assert list(vocabulary._lines_with(words, "e")) == ["able", "refund"]
