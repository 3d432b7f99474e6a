"""The refund assistant: handbook, order, decision as JSON, parser; what happens when one of them fails."""

import json
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from traces.demo import model
from traces.demo.draft import Draft, Record, about_us
from traces.demo.model import Ask
from traces.demo.people import begun, bought, customer
from traces.demo.rhythm import Moment
from traces.demo.shop import GPT_4_TURBO, HAIKU, HANDBOOK, TOOLS, Good
from traces.demo.texts import Words

# How a request ends, by phase: fails, is answered by the other model, is answered at the second try.
_ENDINGS: Final = {
    "": (0.004, 0.004, 0.02),
    "outage": (0.32, 0.30, 0.20),
    "worst": (0.62, 0.20, 0.12),
    "broken_prompt": (0.004, 0.0, 0.02),
}
_UNREADABLE: Final = {"broken_prompt": 0.8}
_UNREADABLE_USUALLY: Final = 0.004
_TOOL_FAILS: Final = 0.002
_RETRIEVAL_FAILS: Final = 0.001


@dataclass(frozen=True, slots=True)
class Case:
    """One customer's request."""

    question: str
    words: Words
    good: Good
    order: str

    def said(self, text: str) -> str:
        """One of the language's sentences, about this good and order."""
        return text.format(good=self.good.name.split(",")[0], order=self.order)


def refund(rng: Random, moment: Moment) -> Draft:
    """One request to the refund assistant."""
    user_id, words = customer(rng)
    good, order = bought(rng)
    case = Case(rng.choice(words.complaints).format(good=good.name.split(",")[0], order=order), words, good, order)
    draft = begun(rng, moment, "refund-assistant", "support-api", user_id=user_id, tags=[f"language:{words.code}"])
    return answer(draft, moment, case)


def answer(draft: Draft, moment: Moment, case: Case) -> Draft:
    """The whole request, into `draft`."""
    rng = draft.rng
    draft.open("chain", "answer refund request", input=case.question)
    guarded(draft, case.question)
    if draft.mishap(_RETRIEVAL_FAILS):
        took_us = about_us(rng, 5_000, 5_020)
        told = {"failure": "retrieval_failed", "status_message": "vector index did not answer within 5 s"}
        draft.leaf("retrieval", "search handbook", took_us, status="error", input=case.question, **told)
        draft.close(status="error", **told)
        return draft
    passages = retrieved(draft, case.question)
    if not looked_up(draft, moment, case):
        told = {"failure": "tool_failed", "status_message": "get_order: 502 Bad Gateway from order-service"}
        draft.close(status="error", **told)
        return draft
    _decided(draft, moment, case, decision_ask(moment, case, passages))
    return draft


def guarded(draft: Draft, question: str) -> None:
    """The check that every second request passes."""
    if draft.rng.random() < 0.5:
        took_us = about_us(draft.rng, 6, 30)
        draft.leaf("guardrail", "check for card numbers", took_us, input=question, output={"allowed": True})


def retrieved(draft: Draft, question: str) -> list[Record]:
    """Passages of the handbook, best first, with the scores of the reranker where it was asked."""
    rng = draft.rng
    draft.open(
        "retrieval",
        "search handbook",
        input=question,
        retriever_name="handbook",
        retriever_version="2026-09",
        template_name="passages",
        template_version="4",
    )
    model.embedded(draft, question)
    draft.wait(8, 40)
    pages = rng.sample(HANDBOOK[:7], 3)
    scores = sorted((round(rng.uniform(0.41, 0.93), 3) for _ in pages), reverse=True)
    documents = [{"id": p.id, "title": p.title, "text": p.text, "score": s} for p, s in zip(pages, scores, strict=True)]
    draft.close(documents=documents)
    if rng.random() < 0.4:
        reranked(draft, question, documents)
    return documents


def reranked(draft: Draft, question: str, documents: list[Record]) -> None:
    """A reranker is sold by the search: it tells no tokens, and no list knows its price."""
    draft.leaf(
        "rerank",
        "rerank",
        about_us(draft.rng, 70, 190),
        provider="cohere",
        model_requested="rerank-v3.5",
        model="rerank-v3.5",
        input=question,
        documents=documents,
    )


def looked_up(draft: Draft, moment: Moment, case: Case) -> bool:
    """The model asks for the order, the tool finds it. False: it did not."""
    rng, call_id = draft.rng, f"toolu_{draft.rng.getrandbits(40):010x}"
    ask = Ask(HAIKU, [_user(case.question)], moment.prompt("order-look-up"), tools=(TOOLS["get_order"],))
    arguments = {"order": case.order}
    model.answered(draft, ask, "", tool_calls=[{"id": call_id, "name": "get_order", "arguments": arguments}])
    tool = {"tool_name": "get_order", "tool_version": "2", "input": arguments}
    if draft.mishap(_TOOL_FAILS):
        message = "502 Bad Gateway from order-service"
        took_us = about_us(rng, 900, 3_000)
        draft.leaf("tool", "get_order", took_us, status="error", failure="tool_failed", status_message=message, **tool)
        return False
    order = {
        "order": case.order,
        "goods": [{"sku": case.good.sku, "name": case.good.name, "price_eur": case.good.price_eur}],
        "delivered_days_ago": rng.randrange(2, 60),
        "paid_with": rng.choice(["card", "transfer", "wallet"]),
    }
    draft.leaf("tool", "get_order", about_us(rng, 30, 160), output=order, **tool)
    return True


def decision_ask(moment: Moment, case: Case, passages: list[Record]) -> Ask:
    """What the model is asked to decide."""
    context = "\n\nPassages:\n" + "\n".join(f"[{one['id']}] {one['text']}" for one in passages)
    found = {"role": "tool", "name": "get_order", "content": f'{{"order": "{case.order}", "sku": "{case.good.sku}"}}'}
    return Ask(HAIKU, [_user(case.question), found], moment.prompt("refund-assistant"), context=context)


def decision(case: Case, rng: Random) -> str:
    """A decision as the model writes it, JSON."""
    kind, text = rng.choice([("refund", case.words.refund), ("exchange", case.words.exchange), ("ask", case.words.ask)])
    amount = case.good.price_eur if kind == "refund" else None
    reason = {"refund": "returns-30-days#2", "exchange": "warranty#1", "ask": "damaged-parcels#1"}[kind]
    return json.dumps(
        {"decision": kind, "amount_eur": amount, "reason": reason, "message": case.said(text)}, ensure_ascii=False
    )


def parsed(draft: Draft, text: str, *, version: str = "3") -> Record | None:
    """The parser reads the model's text, as the shop's own does. None: it cannot, and its span says why."""
    told = {"parser_name": "refund-decision", "parser_version": version, "input": text}
    try:
        value: Record = json.loads(text)
    except ValueError as error:
        told |= {"status": "error", "failure": "parser_failed", "status_message": f"JSONDecodeError: {error}"}
        draft.leaf("parser", "read decision", about_us(draft.rng, 0.2, 0.9), format_valid=False, **told)
        return None
    draft.leaf("parser", "read decision", about_us(draft.rng, 0.2, 0.9), format_valid=True, parsed_output=value, **told)
    return value


def chatty(case: Case, text: str, attempt: int) -> str:
    """What prompt version 8 made of the answer: a kind sentence first, or none of the closing braces."""
    if attempt == 2:
        return text[: int(len(text) * 0.8)]
    return f"I am so sorry about your {case.good.name}, and I truly care! Here is my decision:\n\n```json\n{text}\n```"


def _decided(draft: Draft, moment: Moment, case: Case, ask: Ask) -> None:
    fails, other, second = _ENDINGS[moment.phase]
    ending = draft.rng.random()
    if ending < fails:
        _failed_for_good(draft, ask)
    elif ending < fails + other:
        _tries(draft, ask, draft.rng.choice((2, 3)))
        text = decision(case, draft.rng)
        again = Ask(GPT_4_TURBO, ask.messages, ask.prompt, context=ask.context)
        model.answered(draft, again, text, fallback="other_model")
        draft.close(output=_message(parsed(draft, text)))
    else:
        attempt = 1 + (_tries(draft, ask, 1) if ending < fails + other + second else 0)
        _read(draft, moment, case, ask, attempt)


def _read(draft: Draft, moment: Moment, case: Case, ask: Ask, attempt: int) -> None:
    """The model answers; when that cannot be read it is asked once more, and then a person is promised."""
    unreadable = draft.rng.random() < _UNREADABLE.get(moment.phase, _UNREADABLE_USUALLY)
    for number in (attempt, attempt + 1):
        text = decision(case, draft.rng)
        told: dict[str, Any] = {"attempt": number, "retries": 1, "fallback": "retry"} if number > 1 else {}
        said = chatty(case, text, number - attempt + 1) if unreadable else text
        model.answered(draft, ask, said, **told)
        if value := parsed(draft, said):
            draft.close(output=_message(value))
            return
    told = {"failure": "parser_failed", "status_message": "No readable decision after 2 tries"}
    draft.close(status="error", output=None, **told)


def _failed_for_good(draft: Draft, ask: Ask) -> None:
    _tries(draft, ask, 3)
    last = draft.spans[-1]
    told = {"failure": last["failure"], "status_message": f"Gave up after 3 tries: {last['status_message']}"}
    draft.close(status="error", **told)


def _tries(draft: Draft, ask: Ask, count: int) -> int:
    """Failed calls with growing pauses between them; how many. The last one tells how often it was tried again."""
    for number in range(1, count + 1):
        if number > 1:
            draft.wait(900 * 2**number, 1_300 * 2**number)
        kind = "rate_limited" if draft.rng.random() < 0.65 else "timeout"
        took_ms = (300, 900) if kind == "rate_limited" else (9_800, 10_200)
        again: Record = {"attempt": number} if number > 1 else {}
        if number == count > 1:
            again["retries"] = count - 1
        model.failed(draft, ask, kind, took_ms, **again)
    return count


def _user(text: str) -> Record:
    return {"role": "user", "content": text}


def _message(value: Record | None) -> str | None:
    return value["message"] if value else None
