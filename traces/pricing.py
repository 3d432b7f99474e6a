"""What a model call cost: as its sender told, else by the dated price lists of `genai-prices`. Decimal only, no Django.

A price that is not known stays unknown: None, never 0. The lists come with the package; nothing is fetched.
`input_tokens` includes cached tokens and `output_tokens` reasoning, as in the package: a subset is taken out of its
whole and charged at its own rate, never added on top. Standard rates: service tiers and batches are not told apart yet.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache

from genai_prices import Usage
from genai_prices.data_snapshot import find_provider_by_id, get_snapshot
from genai_prices.types import ConditionalPrice, ModelInfo, ModelPrice, Provider, TieredPrices, TimeOfDateConstraint

from traces.records import MODEL_KINDS, SpanRecord

# Senders' names for a provider that the package does not recognise by itself.
_ALIASES = {
    **dict.fromkeys(("az.ai.inference", "az.ai.openai", "azure.ai.inference", "azure.ai.openai"), "azure"),
    **dict.fromkeys(("azure_ai", "azure_openai", "azure-openai", "azure.openai"), "azure"),
    **dict.fromkeys(("x_ai", "x.ai"), "x-ai"),
    **dict.fromkeys(("fireworks_ai", "fireworks-ai"), "fireworks"),
    **dict.fromkeys(("togetherai", "together.ai"), "together"),
}
# Machines of one's own: a public list's price for a model of the same name would be wrong.
_SELF_HOSTED = frozenset(
    {"ollama", "vllm", "hosted_vllm", "lmstudio", "lm_studio", "llama.cpp", "llamacpp", "local", "sglang"}
)
# The client of this name speaks to many servers, so the name of the model says more.
_SPEAKS_FOR_OTHERS = "openai"
_DATE_AT_END = re.compile(r"[-@:](20\d{2}-\d{2}-\d{2}|20\d{6})$")
_LONGEST_NAME = 200  # characters; longer names are in no list and would only fill the cache
_OLDEST_PLAUSIBLE_YEAR = 2020  # before it nothing was sold by the token, so such a start is a broken clock
_PER = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class _Rates:
    """US dollars per token. None: the list has no rate of its own; a subset then costs what its whole does."""

    input: Decimal | None
    output: Decimal | None
    cache_read: Decimal | None
    cache_write: Decimal | None
    reasoning: Decimal | None
    request: Decimal  # per request, whatever its tokens


@dataclass(frozen=True, slots=True)
class _PriceList:
    """The rates of one model on one day. `tiers`: highest first, each for more input tokens than its number."""

    tiers: tuple[tuple[int, _Rates], ...]
    # Set where the rate depends on the time of day: the package's own, slower, calculation is asked.
    by_the_hour: tuple[Provider, ModelInfo] | None = None


def priced(record: SpanRecord, when: datetime | None = None) -> SpanRecord:
    """The same record with `cost_usd` and `cost_source` set, by the prices of `when` (default: its start)."""
    record.cost_usd, record.cost_source = price(record, when or _moment_of(record))
    return record


def price(record: SpanRecord, when: datetime) -> tuple[Decimal | None, str | None]:
    """The cost in US dollars and where it comes from: "sent", "priced" or "unknown"; None for what calls no model.

    A cost that was sent wins, on any kind of span. Unknown are: a model in no list, a call without tokens (a failed one
    too: its provider may have charged for it), and tokens that contradict each other.
    """
    if record.cost_usd is not None and record.cost_source != "priced":
        return record.cost_usd, "sent"
    if record.kind not in MODEL_KINDS:
        return None, None
    cost = _cost(record, when)
    return cost, "unknown" if cost is None else "priced"


def _cost(record: SpanRecord, when: datetime) -> Decimal | None:
    if record.input_tokens is None or (record.output_tokens is None and record.kind == "llm"):
        return None
    day = when.astimezone(UTC).date() if when.tzinfo else when.date()
    prices = _price_list(record.provider or "", record.model or "", record.model_requested or "", day)
    return None if prices is None else _by(record, prices, when)


def _by(record: SpanRecord, prices: _PriceList, when: datetime) -> Decimal | None:
    if prices.by_the_hour:
        return _by_the_package(record, prices.by_the_hour, when)
    input_tokens = record.input_tokens or 0
    return next((_by_rates(record, rates) for over, rates in prices.tiers if input_tokens > over), None)


def _by_rates(record: SpanRecord, rates: _Rates) -> Decimal | None:
    """Subsets leave their whole where they have a rate of their own. None when they are larger than it."""
    input_tokens, output_tokens = record.input_tokens or 0, record.output_tokens or 0
    cost = rates.request
    if record.cache_read_tokens and rates.cache_read is not None:
        input_tokens -= record.cache_read_tokens
        cost += record.cache_read_tokens * rates.cache_read
    if record.cache_write_tokens and rates.cache_write is not None:
        input_tokens -= record.cache_write_tokens
        cost += record.cache_write_tokens * rates.cache_write
    if record.reasoning_tokens and rates.reasoning is not None:
        output_tokens -= record.reasoning_tokens
        cost += record.reasoning_tokens * rates.reasoning
    if input_tokens < 0 or output_tokens < 0:
        return None
    for tokens, rate in ((input_tokens, rates.input), (output_tokens, rates.output)):
        if tokens:
            if rate is None:
                return None
            cost += tokens * rate
    return cost


def _by_the_package(record: SpanRecord, found: tuple[Provider, ModelInfo], when: datetime) -> Decimal | None:
    provider, model = found
    usage = Usage(
        input_tokens=record.input_tokens,
        output_tokens=record.output_tokens or 0,
        cache_read_tokens=record.cache_read_tokens,
        cache_write_tokens=record.cache_write_tokens,
        output_reasoning_tokens=record.reasoning_tokens,
    )
    try:
        return model.calc_price(usage, provider, genai_request_timestamp=when).total_price
    except ValueError:  # a subset is larger than its whole
        return None


@lru_cache(maxsize=4096)
def _price_list(provider: str, model: str, model_requested: str, day: date) -> _PriceList | None:
    """The rates of the model that answered, else of the one asked for, else of either without its date."""
    names = [name for name in (model, model_requested) if name and len(name) <= _LONGEST_NAME]
    for name in [*names, *(_DATE_AT_END.sub("", name) for name in names if _DATE_AT_END.search(name))]:
        if found := _found(provider, name):
            return _resolved(*found, day)
    return None


def _found(provider: str, name: str) -> tuple[Provider, ModelInfo] | None:
    """The entry of the price lists for `name`, and whose list it is. The package's own caches grow without bound."""
    name = name.lower()
    prefix, slash, rest = name.partition("/")
    if _SELF_HOSTED & {provider.lower(), prefix if slash else ""}:
        return None
    seller = _seller(provider)
    if seller and (found := _listed(seller, name)):
        return found
    named = _seller(prefix) if slash else None
    if named and (seller is None or seller.id in {named.id, _SPEAKS_FOR_OTHERS}):
        return _listed(named, rest) or _found(prefix, rest)
    if seller and seller.id != _SPEAKS_FOR_OTHERS:
        return None
    makers = (one for one in get_snapshot().providers if one.model_match and one.model_match.is_match(name))
    return next((found for maker in makers if (found := _listed(maker, name))), None)


def _listed(seller: Provider, name: str) -> tuple[Provider, ModelInfo] | None:
    model = seller.find_model(name.removeprefix("models/"), all_providers=get_snapshot().providers)
    return (seller, model) if model else None


def _seller(name: str) -> Provider | None:
    """The price list of a provider by any of the names that senders use, such as `aws.bedrock` or `gcp.vertex_ai`."""
    name = name.lower().strip()
    if not name or len(name) > _LONGEST_NAME:
        return None
    known = get_snapshot().providers
    first_word = name.partition(".")[0]  # xai.chat, deepseek.chat
    return find_provider_by_id(known, _ALIASES.get(name, name)) or find_provider_by_id(
        known, _ALIASES.get(first_word, first_word)
    )


def _resolved(provider: Provider, model: ModelInfo, day: date) -> _PriceList | None:
    conditional: list[ConditionalPrice] = [] if isinstance(model.prices, ModelPrice) else model.prices
    if any(isinstance(one.constraint, TimeOfDateConstraint) for one in conditional):
        return _PriceList((), (provider, model))
    prices = model.get_prices(datetime(day.year, day.month, day.day, 12, tzinfo=UTC))
    if prices.input_mtok is None and prices.output_mtok is None:
        return None  # sold by the page, the hour or the letter, or in no list after all: not free
    starts = {tier.start for one in vars(prices).values() if isinstance(one, TieredPrices) for tier in one.tiers}
    return _PriceList(tuple((start, _rates(prices, start + 1)) for start in sorted(starts | {-1}, reverse=True)))


def _rates(prices: ModelPrice, input_tokens: int) -> _Rates:
    """The rates of a call with so many input tokens. A tier's rate holds for all tokens, not only those above it."""
    return _Rates(
        input=_rate(prices.input_mtok, input_tokens),
        output=_rate(prices.output_mtok, input_tokens),
        cache_read=_rate(prices.cache_read_mtok, input_tokens),
        cache_write=_rate(prices.cache_write_mtok, input_tokens),
        reasoning=_rate(prices.output_reasoning_mtok, input_tokens),
        request=(_rate(prices.requests_kcount, input_tokens) or Decimal(0)) * 1_000,
    )


def _rate(price: Decimal | TieredPrices | None, input_tokens: int) -> Decimal | None:
    """Dollars per token, from dollars per million."""
    if isinstance(price, TieredPrices):
        over = [tier.price for tier in price.tiers if input_tokens > tier.start]
        price = over[-1] if over else price.base
    return None if price is None else price / _PER


def _moment_of(record: SpanRecord) -> datetime:
    if record.started_at is None or record.started_at.year < _OLDEST_PLAUSIBLE_YEAR:
        return datetime.now(UTC)
    return record.started_at
