"""What a call costs, and when nobody can say."""

import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from genai_prices import Usage, calc_price
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, ModelPrice, Provider

from traces import pricing
from traces.records import KINDS, MODEL_KINDS, SpanRecord

WHEN = datetime(2026, 11, 10, 12, tzinfo=UTC)
SONNET_ON_BEDROCK = "anthropic.claude-sonnet-4-5-20250929-v1:0"


def call(**fields: object) -> SpanRecord:
    known = {"kind": "llm", "provider": "openai", "model": "gpt-4o-mini", "input_tokens": 1000, "output_tokens": 100}
    return SpanRecord(trace_id=b"t" * 16, span_id=b"s" * 8, **{**known, **fields})  # type: ignore[arg-type]


def cost(**fields: object) -> Decimal | None:
    return pricing.price(call(**fields), WHEN)[0]


@pytest.mark.parametrize(
    ("provider", "model", "same_as"),
    [
        ("openai", "gpt-4o-mini", ("openai", "gpt-4o-mini")),
        ("OpenAI", "GPT-4o-mini", ("openai", "gpt-4o-mini")),
        ("openai", "gpt-4o-mini-2024-07-18", ("openai", "gpt-4o-mini")),
        ("openai", "gpt-4o-mini-2024-08-06", ("openai", "gpt-4o-mini")),  # a date that no list knows
        (None, "gpt-4o-mini", ("openai", "gpt-4o-mini")),
        (None, "openai/gpt-4o-mini", ("openai", "gpt-4o-mini")),
        ("litellm", "openai/gpt-4o-mini", ("openai", "gpt-4o-mini")),
        ("openai", "openai/gpt-4o-mini", ("openai", "gpt-4o-mini")),
        ("openai.responses", "gpt-4o-mini", ("openai", "gpt-4o-mini")),
        ("langchain", "claude-haiku-4-5", ("anthropic", "claude-haiku-4-5")),
        ("anthropic", "claude-sonnet-4-5-20250929", ("anthropic", "claude-sonnet-4-5")),
        ("anthropic.messages", "claude-sonnet-4-5", ("anthropic", "claude-sonnet-4-5")),
        ("google", "gemini-2.5-flash", ("google", "gemini-2.5-flash")),
        ("gemini", "models/gemini-2.5-flash", ("google", "gemini-2.5-flash")),
        ("gcp.gemini", "gemini-2.5-flash", ("google", "gemini-2.5-flash")),
        ("gcp.vertex_ai", "gemini-2.5-flash", ("google", "gemini-2.5-flash")),
        (None, "vertex_ai/gemini-2.5-flash", ("google", "gemini-2.5-flash")),
        ("azure", "gpt-4o", ("azure", "gpt-4o")),
        ("az.ai.inference", "gpt-4o", ("azure", "gpt-4o")),
        ("azure.ai.openai", "gpt-4o", ("azure", "gpt-4o")),
        ("mistral_ai", "mistral-small-latest", ("mistral", "mistral-small-latest")),
        ("xai.chat", "grok-3", ("x-ai", "grok-3")),
        ("x_ai", "grok-3", ("x-ai", "grok-3")),
        ("cohere", "command-r", ("cohere", "command-r")),
        ("openrouter", "openai/gpt-4o-mini", ("openrouter", "openai/gpt-4o-mini")),
        (None, "openrouter/openai/gpt-4o-mini", ("openrouter", "openai/gpt-4o-mini")),
        ("aws.bedrock", f"us.{SONNET_ON_BEDROCK}", ("aws", f"us.{SONNET_ON_BEDROCK}")),
        ("bedrock", f"eu.{SONNET_ON_BEDROCK}", ("aws", f"eu.{SONNET_ON_BEDROCK}")),
        (None, f"bedrock/us.{SONNET_ON_BEDROCK}", ("aws", f"us.{SONNET_ON_BEDROCK}")),
    ],
)
def test_senders_names_for_a_model_find_its_price(provider: str | None, model: str, same_as: tuple[str, str]) -> None:
    usage = Usage(input_tokens=1000, output_tokens=100)
    expected = calc_price(usage, same_as[1], provider_id=same_as[0], genai_request_timestamp=WHEN).total_price
    assert pricing.price(call(provider=provider, model=model), WHEN) == (expected, "priced")


@pytest.mark.parametrize(
    "fields",
    [
        {"model": "garden-sage-7b", "provider": "vllm"},
        {"model": "mixtral-8x7b", "provider": "ollama"},  # on one's own machine: a public price would be wrong
        {"model": "ollama/mixtral-8x7b", "provider": None},
        {"model": "claude-haiku-4-5", "provider": "groq"},  # its list has no such model
        {"model": "no-such-model"},
        {"model": None},
        {"model": "m" * 5000},
        {"model": "whisper-1"},  # sold by the hour
        {"model": "rerank-v3.5", "provider": "cohere", "kind": "rerank", "output_tokens": None},
        {"input_tokens": None},
        {"output_tokens": None},
        {"input_tokens": None, "output_tokens": None, "status": "error", "failure": "rate_limited"},
        {"cache_read_tokens": 1001},  # more cached than there were
    ],
)
def test_what_nobody_can_price_is_unknown_and_not_zero(fields: dict[str, object]) -> None:
    assert pricing.price(call(**fields), WHEN) == (None, "unknown")


def test_the_model_that_answered_decides_then_the_one_asked_for() -> None:
    assert cost(model="gpt-4o", model_requested="gpt-4o-mini") == cost(model="gpt-4o")
    assert cost(model=None, model_requested="gpt-4o") == cost(model="gpt-4o")
    assert cost(model="deployment-7", model_requested="gpt-4o") == cost(model="gpt-4o")


def test_a_cost_that_was_sent_wins() -> None:
    assert pricing.price(call(cost_usd=Decimal("0.5")), WHEN) == (Decimal("0.5"), "sent")
    assert pricing.price(call(cost_usd=Decimal(0)), WHEN) == (Decimal(0), "sent")
    assert pricing.price(call(cost_usd=Decimal("0.5"), kind="agent"), WHEN) == (Decimal("0.5"), "sent")


@pytest.mark.parametrize("kind", sorted(set(KINDS) - MODEL_KINDS))
def test_only_calls_of_a_model_are_priced(kind: str) -> None:
    assert pricing.price(call(kind=kind), WHEN) == (None, None)


def test_an_embedding_needs_no_output_tokens() -> None:
    fields = {"kind": "embedding", "model": "text-embedding-3-small", "output_tokens": None}
    assert cost(**fields) == Decimal("0.00002")


def test_cached_and_reasoning_tokens_are_parts_of_their_whole() -> None:
    assert cost(cache_read_tokens=400) == Decimal("0.00018")  # 600 at 0.15, 400 at 0.075, 100 at 0.60 dollars a million
    assert cost(reasoning_tokens=40) == cost()
    everything = {"cache_read_tokens": 600, "cache_write_tokens": 400}
    sonnet = {"provider": "anthropic", "model": "claude-sonnet-4-5"}
    assert cost(**sonnet, **everything) == Decimal("0.00318")  # 600 at 0.30, 400 at 3.75, 100 at 15


def test_pricing_again_gives_the_same_and_keeps_the_source() -> None:
    record = pricing.priced(call(started_at=WHEN))
    assert pricing.priced(record).cost_source == "priced"
    assert record.cost_usd == Decimal("0.00021")


def test_a_broken_clock_is_priced_by_todays_list() -> None:
    assert pricing.priced(call(started_at=datetime(1970, 1, 1, tzinfo=UTC))).cost_usd == Decimal("0.00021")


USAGES = (
    {"input_tokens": 1000, "output_tokens": 100},
    {"input_tokens": 0, "output_tokens": 0},
    {"input_tokens": 3001, "output_tokens": 77, "cache_read_tokens": 2000, "reasoning_tokens": 33},
    {"input_tokens": 5000, "output_tokens": 9, "cache_write_tokens": 1234, "cache_read_tokens": 1},
    {"input_tokens": 128_001, "output_tokens": 2000, "cache_read_tokens": 100_000},
    {"input_tokens": 450_000, "output_tokens": 2000, "cache_read_tokens": 100_000, "cache_write_tokens": 9},
)


def priced_models() -> list[tuple[Provider, ModelInfo]]:
    return [(seller, model) for seller in get_snapshot().providers for model in seller.models]


def the_packages_price(seller: Provider, model: ModelInfo, usage: dict[str, int], when: datetime) -> Decimal:
    named = {("output_" + key if key == "reasoning_tokens" else key): value for key, value in usage.items()}
    return model.calc_price(Usage(**named), seller, genai_request_timestamp=when).total_price


@pytest.mark.parametrize("when", [WHEN, WHEN.replace(hour=2), datetime(2025, 6, 1, 20, tzinfo=UTC)])
def test_every_price_list_gives_what_the_package_gives(when: datetime) -> None:
    compared = 0
    for seller, model in priced_models():
        prices = pricing._resolved(seller, model, when.date())
        for usage in USAGES:
            if prices is None:
                continue
            given = pricing._by(call(**usage), prices, when)
            if given is None:  # output of a model that sells none: the package would give it for nothing
                assert not isinstance(model.prices, ModelPrice) or model.prices.output_mtok is None
                continue
            assert given == the_packages_price(seller, model, usage, when), (seller.id, model.id, usage)
            compared += 1
    assert compared > 5_000


def test_a_price_holds_from_its_date() -> None:
    dated = [
        (seller, model, condition.constraint.start_date)
        for seller, model in priced_models()
        if isinstance(model.prices, list)
        for condition in model.prices[1:]
        if hasattr(condition.constraint, "start_date")
    ]
    assert dated
    for seller, model, day in dated:
        before, after = (pricing._resolved(seller, model, day + timedelta(days=n)) for n in (-1, 0))
        usage, midnight = USAGES[0], datetime.combine(day, datetime.min.time(), UTC)
        for prices, when in ((before, midnight - timedelta(seconds=1)), (after, midnight)):
            if prices and (given := pricing._by(call(**usage), prices, when)) is not None:
                assert given == the_packages_price(seller, model, usage, when), (seller.id, model.id)


def test_the_day_of_a_price_is_that_of_utc() -> None:
    east = datetime.fromisoformat("2026-11-11T00:30:00+02:00")
    pricing._price_list.cache_clear()
    pricing.price(call(), east)
    pricing.price(call(), datetime(2026, 11, 10, 23, tzinfo=UTC))
    assert pricing._price_list.cache_info().currsize == 1
    assert east.astimezone(UTC).date() == date(2026, 11, 10)


def test_names_that_senders_make_up_do_not_fill_the_memory() -> None:
    snapshot = get_snapshot()
    before = len(snapshot._lookup_cache), len(snapshot._provider_cache), len(snapshot._provider_misses)
    for number in range(200):
        pricing.price(call(model=f"made-up-{number}", provider=f"seller-{number}"), WHEN)
    assert (len(snapshot._lookup_cache), len(snapshot._provider_cache), len(snapshot._provider_misses)) == before
    assert pricing._price_list.cache_info().maxsize is not None


def test_a_known_model_is_priced_in_a_few_microseconds() -> None:
    record, rounds = call(cache_read_tokens=400), 5_000
    pricing.price(record, WHEN)
    started = time.process_time()
    for _ in range(rounds):
        pricing.price(record, WHEN)
    assert (time.process_time() - started) / rounds < 20e-6  # measured 3; the package's own way takes 100 and more


def test_importing_starts_no_thread_and_opens_no_connection() -> None:
    script = """
import socket, threading
def refuse(*arguments): raise AssertionError("a connection")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
from datetime import UTC, datetime
from traces import pricing
from traces.records import SpanRecord
record = SpanRecord(b"t" * 16, b"s" * 8, kind="llm", model="gpt-4o-mini", input_tokens=1, output_tokens=1)
print(pricing.price(record, datetime.now(UTC))[1], threading.active_count())
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["priced", "1"]
