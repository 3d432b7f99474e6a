"""Marlow & Reed, a shop for kitchen and garden: what it sells, promises, asks its models and rolls out."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Good:
    """One thing that is sold; `price_eur` in whole euros."""

    sku: str
    name: str
    price_eur: int


GOODS: Final = tuple(
    Good(sku, name, price_eur)
    for sku, name, price_eur in (
        ("KT-1180", "Halden cast-iron casserole, 5.2 l", 149),
        ("KT-2044", "Orsa hand-blender 900 W", 79),
        ("KT-2310", "Bellavia espresso machine", 429),
        ("KT-0715", "Kumo rice cooker 1.8 l", 119),
        ("KT-0938", "Set of three santoku knives", 96),
        ("KT-4402", "Glass storage jars, set of six", 38),
        ("GD-3127", "Raised bed in larch, 120 × 80 cm", 134),
        ("GD-3350", "Terra drip irrigation for balconies", 58),
        ("GD-5021", "Folding greenhouse Luma", 219),
        ("GD-5508", "Bypass secateurs No. 7", 44),
        ("GD-6119", "Seed box: twelve old tomatoes", 27),
        ("GD-7003", "Solar string lights, 12 m", 33),
    )
)


@dataclass(frozen=True, slots=True)
class Page:
    """One passage of the shop's handbook, as retrieval returns it."""

    id: str
    title: str
    text: str


HANDBOOK: Final = tuple(
    Page(id, title, text)
    for id, title, text in (
        (
            "returns-30-days#2",
            "Returns: thirty days",
            "Unused goods may be sent back within 30 days of delivery, in their box, with the slip or the order "
            "number. "
            "We refund the price and the cheapest way of sending within five working days of arrival. Sending back is "
            "free in the EU; elsewhere it costs the buyer what the post charges.",
        ),
        (
            "returns-30-days#5",
            "Returns: what cannot come back",
            "Seeds, seedlings and food cannot be returned once the bag is open. Knives must be in their sheath. Pots "
            "that have been on a stove count as used: offer 40 % of the price or the exchange of the lid.",
        ),
        (
            "warranty#1",
            "Warranty: two years, five on iron",
            "A fault that shows within two years is ours to mend, whoever caused the dent in the box. Cast iron "
            "has five "
            "years; rust is care, not a fault. Ask for one photo. First offer a part, then an exchange, then the "
            "money.",
        ),
        (
            "warranty#4",
            "Warranty: machines with water",
            "Espresso machines and irrigation are checked for lime before an exchange. When the pump hums and no water "
            "comes, send the descaling sheet first; four of five machines run again. If not, exchange without "
            "further questions.",
        ),
        (
            "damaged-parcels#1",
            "Parcels that arrive broken",
            "Glass or enamel that arrives broken is replaced the same day when the customer writes within 14 days. No "
            "return is needed under 60 euros. Above that ask for two photos, of the parcel and of the thing itself.",
        ),
        (
            "delivery#3",
            "Late parcels",
            "A parcel that has not moved for four working days is searched for by us, not by the customer. After ten "
            "days we send it again or give the money back, as the customer prefers. Offer a voucher of 5 euros.",
        ),
        (
            "refund-ways#1",
            "Where the money goes",
            "Refunds go back the way they came: card, transfer or wallet. A card takes three to seven days. "
            "Never ask for "
            "a card number or an IBAN in a chat. Over 300 euros a person has to agree.",
        ),
        (
            "gardening-help#8",
            "Tomatoes on a balcony",
            "A tomato wants 40 litres of earth, six hours of sun and a roof against rain on its leaves. Water "
            "the earth, "
            "not the leaf, and take out side shoots weekly. Below 10 °C at night bring young plants in.",
        ),
        (
            "coffee-help#2",
            "Descaling an espresso machine",
            "Fill the tank with a litre of water and 50 g of citric acid, draw half through the group and half through "
            "the wand, wait 15 minutes, repeat, then rinse with two tanks of clear water.",
        ),
    )
)

# Prompts by name and version. A new version is a new text, so that what a trace shows is what was sent.
_REFUND = (
    "You are the refund assistant of Marlow & Reed, a shop for kitchen and garden. Decide one request at a time. "
    "Use only the passages of the handbook below and the order that get_order returns; when they do not answer, say so "
    "and hand over to a person. Never promise more than the handbook does. Never ask for a card number. Write to the "
    "customer in the customer's own language, in at most four sentences, friendly and without excuses.\n\n"
)
_REFUND_FORM = (
    "Answer with one JSON object and nothing else: "
    '{"decision": "refund" | "exchange" | "part" | "ask" | "refuse" | "human", "amount_eur": number or null, '
    '"reason": string, "message": string}.'
)
PROMPTS: Final = {
    ("refund-assistant", "7"): _REFUND + _REFUND_FORM,
    # The edit that broke the parser: it invites a sentence before the object.
    ("refund-assistant", "8"): _REFUND
    + "Begin by telling the customer in one warm sentence that you care. "
    + _REFUND_FORM,
    ("refund-assistant", "9"): _REFUND + "Name the passage that you rely on in `reason`. " + _REFUND_FORM,
    ("order-look-up", "3"): (
        "You prepare refund requests for Marlow & Reed. Find the order that the message is about and call get_order "
        "with its number. When there is no number, call find_orders with the customer's id. Never answer the customer."
    ),
    ("email-draft", "3"): (
        "Draft an answer to the e-mail below for a member of our staff to send. Plain, warm, short. Leave gaps "
        "in square "
        "brackets where a fact is missing."
    ),
    ("email-draft", "4"): (
        "Draft an answer to the e-mail below for a member of our staff to send. Plain, warm, short. Leave gaps "
        "in square "
        "brackets where a fact is missing.\n\nHouse rules.\n"
        + "\n".join(f"- {page.title}: {page.text}" for page in HANDBOOK)
    ),
    ("ticket-triage", "12"): (
        'Sort the ticket. Answer with JSON: {"queue": "returns" | "delivery" | "garden" | "kitchen" | "invoice" '
        '| "spam", '
        '"urgency": 1 to 5, "language": ISO 639-1, "confidence": 0.0 to 1.0}.'
    ),
    ("search-answer", "2"): "Answer the shopper's search in one sentence from the goods listed. Name no other goods.",
    ("review-summary", "5"): (
        "Summarise the reviews of one good for its page: three strengths, three weaknesses, in words that "
        "reviewers used. "
        "Leave out names, orders and insults."
    ),
    ("sage-chat", "21"): (
        "You are Sage, the garden and kitchen adviser of Marlow & Reed, in chat and by voice. Answer what was "
        "asked, at "
        "most three sentences, then ask one question that helps you to help. Use the tools for weather, stock "
        "and plants."
    ),
    ("sage-chat", "22"): (
        "You are Sage, the garden and kitchen adviser of Marlow & Reed, in chat and by voice. Answer what was "
        "asked, at "
        "most two sentences. Use the tools for weather, stock and plants. Speak no lists aloud."
    ),
}

TOOLS: Final = {
    "get_order": {
        "name": "get_order",
        "description": "One order of the shop by its number",
        "parameters": {"type": "object", "properties": {"order": {"type": "string"}}, "required": ["order"]},
    },
    "get_weather": {
        "name": "get_weather",
        "description": "Tonight's lowest temperature and rain at a place",
        "parameters": {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
    },
    "get_stock": {
        "name": "get_stock",
        "description": "How many of a good are in stock, and when more come",
        "parameters": {"type": "object", "properties": {"sku": {"type": "string"}}, "required": ["sku"]},
    },
}


@dataclass(frozen=True, slots=True)
class Model:
    """A model as it is asked for and as it names itself, and how fast it is."""

    provider: str
    requested: str
    answered: str
    first_token_ms: int
    tokens_per_second: int
    id_prefix: str


HAIKU: Final = Model("anthropic", "claude-haiku-4-5", "claude-haiku-4-5-20251001", 420, 120, "msg_01")
GPT_4_TURBO: Final = Model("openai", "gpt-4-turbo", "gpt-4-turbo-2024-04-09", 900, 35, "chatcmpl-")
GPT_41_MINI: Final = Model("openai", "gpt-4.1-mini", "gpt-4.1-mini-2025-04-14", 380, 95, "chatcmpl-")
O4_MINI: Final = Model("openai", "o4-mini", "o4-mini-2025-04-16", 2_100, 110, "resp_")
GEMINI_FLASH: Final = Model("gcp.vertex_ai", "gemini-2.5-flash", "gemini-2.5-flash", 310, 170, "gen-")
MISTRAL_SMALL: Final = Model("mistral_ai", "mistral-small-latest", "mistral-small-2506", 350, 90, "cmpl-")
# Run on a machine of the shop's own: in no price list.
OWN_7B: Final = Model("vllm", "marlow-summary-7b", "marlow-summary-7b", 240, 48, "cmpl-")
EMBEDDING: Final = Model("openai", "text-embedding-3-small", "text-embedding-3-small", 45, 0, "emb-")
RERANKER: Final = Model("cohere", "rerank-v3.5", "rerank-v3.5", 90, 0, "rr-")

# What each service ran, newest last: (days before the end, release).
RELEASES: Final = {
    "support-api": ((99.0, "2.31.0"), (5.2, "2.31.1"), (3.1, "2.32.0"), (2.4, "2.32.1"), (0.9, "2.33.0")),
    "shop-web": ((99.0, "118"), (4.3, "119"), (1.6, "120")),
    "back-office": ((99.0, "0.9.14"), (3.5, "0.10.0")),
    "sage": ((99.0, "1.4.2"), (2.0, "1.5.0")),
}
# Versions of prompts that changed during the week, the same way.
PROMPT_VERSIONS: Final = {
    "refund-assistant": ((99.0, "7"), (2.4, "9")),
    "email-draft": ((99.0, "3"), (3.5, "4")),
    "sage-chat": ((99.0, "21"), (2.0, "22")),
    "order-look-up": ((99.0, "3"),),
    "ticket-triage": ((99.0, "12"),),
    "search-answer": ((99.0, "2"),),
    "review-summary": ((99.0, "5"),),
}


def at(history: tuple[tuple[float, str], ...], days_before: float) -> str:
    """What held `days_before` the end."""
    return next(name for since, name in reversed(history) if days_before <= since)
