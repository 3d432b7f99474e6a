"""Product search: an embedding, the nearest goods, a reranker, and for every second search a sentence of a model."""

from random import Random
from typing import Final

from traces.demo import model
from traces.demo.draft import Draft, Record
from traces.demo.model import Ask
from traces.demo.people import begun, customer
from traces.demo.refunds import reranked
from traces.demo.rhythm import Moment
from traces.demo.shop import GEMINI_FLASH, GOODS

_CACHE_HITS: Final = 0.08
_FAILS: Final = 0.006
_RETRIED: Final = 0.01


def search(rng: Random, moment: Moment) -> Draft:
    """One search on the shop's site."""
    user_id, words = customer(rng)
    who = {"user_id": user_id} if rng.random() < 0.6 else {}
    draft = begun(rng, moment, "product-search", "shop-web", tags=[f"language:{words.code}"], **who)
    query = rng.choice(words.searches)
    draft.open("chain", "search", input=query)
    if rng.random() < _CACHE_HITS:
        draft.wait(1, 4)
        draft.close(output=[good.name for good in rng.sample(GOODS, 3)], cache_hit=True)
        return draft
    found = _nearest(draft, query)
    if rng.random() < 0.35:
        reranked(draft, query, found)
    if rng.random() < 0.5:
        _sentence(draft, moment, query, found)
    else:
        draft.close(output=[one["title"] for one in found])
    return draft


def _nearest(draft: Draft, query: str) -> list[Record]:
    rng = draft.rng
    draft.open("retrieval", "nearest goods", input=query, retriever_name="goods", retriever_version="58")
    model.embedded(draft, query)
    draft.wait(5, 25)
    scores = sorted((round(rng.uniform(0.3, 0.88), 3) for _ in range(4)), reverse=True)
    goods = rng.sample(GOODS, 4)
    found = [
        {"id": good.sku, "title": good.name, "text": f"{good.name}, {good.price_eur} euros", "score": score}
        for good, score in zip(goods, scores, strict=True)
    ]
    draft.close(documents=found)
    return found


def _sentence(draft: Draft, moment: Moment, query: str, found: list[Record]) -> None:
    context = "\n\nGoods:\n" + "\n".join(one["text"] for one in found)
    ask = Ask(GEMINI_FLASH, [{"role": "user", "content": query}], moment.prompt("search-answer"), context=context)
    chance = draft.rng.random()
    if chance < _FAILS:
        kind = draft.rng.choice(["model_error", "timeout"])
        call = model.failed(draft, ask, kind, (1_500, 4_000))
        draft.close(status="error", failure=kind, status_message=call["status_message"])
        return
    text = f"{found[0]['title']} suits that best; {found[1]['title']} costs less to start with."
    # The client library tried again by itself: one span, two requests on the wire.
    model.answered(draft, ask, text, **({"retries": 1} if chance < _FAILS + _RETRIED else {}))
    draft.close(output=text)
