"""The back office: tickets sorted, e-mails drafted, reviews summarised."""

import json
from random import Random
from typing import Final

from traces.demo import model
from traces.demo.draft import Draft, Record, about_us
from traces.demo.model import Ask
from traces.demo.people import begun, ticket
from traces.demo.rhythm import Moment
from traces.demo.shop import GOODS, GPT_41_MINI, OWN_7B
from traces.demo.texts import DRAFTS, EMAILS, REVIEWS, TICKETS

_FAILS: Final = 0.006
_JUDGED: Final = 0.04
_BY_GATEWAY: Final = 0.4


def triage(rng: Random, moment: Moment) -> Draft:
    """A ticket gets its queue; some are judged afterwards."""
    subject, body, queue, urgency = rng.choice(TICKETS)
    draft = begun(rng, moment, "ticket-triage", "back-office", tags=[f"ticket:{ticket(rng)}"])
    text = f"Subject: {subject}\n\n{body}"
    draft.open("chain", "sort ticket", input=text)
    ask = Ask(GPT_41_MINI, [{"role": "user", "content": text}], moment.prompt("ticket-triage"), (("temperature", 0),))
    if draft.mishap(_FAILS):
        call = model.failed(draft, ask, "rate_limited", (200, 500), retries=2)
        draft.close(status="error", failure="rate_limited", status_message=call["status_message"])
        return draft
    confidence = round(rng.betavariate(9, 1.6), 2)
    sorted_ = {"queue": queue, "urgency": urgency, "confidence": confidence}
    model.answered(draft, ask, json.dumps(sorted_), confidence=confidence)
    draft.leaf(
        "parser",
        "read queue",
        about_us(rng, 0.1, 0.4),
        parser_name="ticket-queue",
        parser_version="1",
        parsed_output=sorted_,
        format_valid=True,
    )
    if rng.random() < _JUDGED:
        draft.leaf("evaluator", "queue is plausible", about_us(rng, 1, 3), input=sorted_, output={"pass": True})
    draft.close(output=queue)
    return draft


def email(rng: Random, moment: Moment) -> Draft:
    """A draft for a member of staff, one streamed call and nothing around it."""
    place = rng.randrange(len(EMAILS))
    draft = begun(rng, moment, "email-draft", "back-office", user_id=f"staff_{rng.randrange(1, 9)}")
    parameters = (("temperature", 0.7), ("max_tokens", 800), ("top_p", 0.95))
    messages = [{"role": "user", "content": EMAILS[place]}]
    ask = Ask(GPT_41_MINI, messages, moment.prompt("email-draft"), parameters, streamed=True)
    if draft.mishap(_FAILS):
        model.failed(draft, ask, "timeout", (14_900, 15_100))
    else:
        model.answered(draft, ask, DRAFTS[place])
    return draft


def review_summary(rng: Random, moment: Moment) -> Draft:
    """Reviews of one good, by the shop's own model, or by a gateway that tells what it charged."""
    good, some = rng.choice(GOODS), [rng.choice(REVIEWS) for _ in range(rng.randrange(12, 60))]
    draft = begun(rng, moment, "review-summary", "back-office")
    draft.open("chain", "summarise reviews", input={"sku": good.sku, "reviews": len(some)})
    gateway = rng.random() < _BY_GATEWAY
    messages = [{"role": "user", "content": f"{good.name}\n\n" + "\n".join(f"- {one}" for one in some)}]
    ask = Ask(GPT_41_MINI if gateway else OWN_7B, messages, moment.prompt("review-summary"))
    text = f"{good.name}: praised for its weight and finish; some miss a clearer manual, and the handle grows hot."
    charged: Record = {"cost_usd": f"{rng.uniform(0.0004, 0.002):.6f}", "service_tier": "flex"} if gateway else {}
    model.answered(draft, ask, text, **charged)
    draft.close(output=text)
    return draft
