"""The fields of the query language: what each is called, means and takes. Pure.

A condition on a field holds for a trace when one of its steps says so (`model`, `failure`, `tool`), or the trace as a
whole (`status`, `latency`, `cost`, `tokens`). What is unknown fulfils no condition, and so fulfils every negated one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import get_close_matches
from typing import Final, Literal

from traces.records import FAILURES, FALLBACKS, KINDS

# word: any text, whole and as it was sent. choice: one of a closed list. number: a score, which may be a word too.
Kind = Literal["word", "choice", "duration", "money", "count", "number"]

MOST: Final = 10**15  # of any amount: µs (31 years), dollars or tokens; far from what a bigint holds
_UNITS_US: Final = {"us": 1, "µs": 1, "ms": 10**3, "s": 10**6, "m": 60 * 10**6, "min": 60 * 10**6, "h": 3600 * 10**6}
_NUMBER: Final = r"(?:[0-9]{1,15}(?:\.[0-9]{0,15})?|\.[0-9]{1,15})"
_DURATION: Final = re.compile(rf"(?:{_NUMBER}(?:us|µs|ms|min|s|m|h))+")
_DURATION_PART: Final = re.compile(rf"({_NUMBER})(us|µs|ms|min|s|m|h)")
_MONEY: Final = re.compile(rf"\$?({_NUMBER})\$?")
_COUNT: Final = re.compile(rf"((?:[0-9]{{1,3}}(?:,[0-9]{{3}}){{1,4}})|{_NUMBER})([kKmM]?)")
_SIGNED: Final = re.compile(rf"-?{_NUMBER}")
_TIMES: Final = {"": 1, "k": 10**3, "m": 10**6}


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `keyed` ones are written with a key of the sender's after a dot: `metadata.order_id`.

    `choices` maps each value of a closed list to its meaning. `example` is a whole condition.
    """

    name: str
    label: str
    kind: Kind
    example: str
    choices: Mapping[str, str] = field(default_factory=dict)
    keyed: bool = False

    @property
    def is_amount(self) -> bool:
        """Whether it can be compared with < and >."""
        return self.kind in ("duration", "money", "count", "number")

    @property
    def cure(self) -> str:
        """What to write instead of a value that cannot be read: `write 2s, 250ms or 1.5m`."""
        return _CURES.get(self.kind) or f"write {_one_of(list(self.choices))}"

    @property
    def noun(self) -> str:
        """What its value is: `a time`."""
        return _NOUNS.get(self.kind, f"a value of {self.name}")


_NOUNS: Final = {"duration": "a time", "money": "an amount of money", "count": "a number", "number": "a number"}
_CURES: Final = {
    "duration": "write 2s, 250ms or 1.5m",
    "money": "write 0.05 or $0.05",
    "count": "write 8000 or 8k",
    "number": "write 0.5 or -1",
}

STATUS_CHOICES: Final = {"ok": "the request was answered", "error": "the request failed"}
HAS_CHOICES: Final = {
    "error": "a step that failed",
    "retry": "a step that was tried again",
    "fallback": "something else stepped in",
    "refusal": "the model refused",
    "cached": "an answer out of a cache",
    "tool": "a tool was called",
    "retrieval": "documents were looked up",
    "score": "it was judged",
    "media": "a picture, sound or file",
    "feature": "a feature was sent",
    "session": "it belongs to a session",
    "user": "it belongs to a user",
    "prompt": "a prompt was named",
    "release": "a release was sent",
    "root": "the first step has arrived",
    "orphan": "a step whose parent has not arrived",
    "end": "every step has ended",
    "price": "the cost of every call is known",
}

_ALL: Final = (
    Field("feature", "what of your product asked", "word", "feature:billing"),
    Field("model", "model asked for, or that answered", "word", "model:gpt-4o"),
    Field("status", "how the whole request ended", "choice", "status:error", STATUS_CHOICES),
    Field("failure", "what went wrong in a step", "choice", "failure:parser_failed", dict.fromkeys(FAILURES, "")),
    Field("latency", "time the whole request took", "duration", "latency:>2s"),
    Field("cost", "cost of the whole request, in dollars", "money", "cost:>0.05"),
    Field("tokens", "tokens of all its calls, in and out", "count", "tokens:>8k"),
    Field("prompt", "prompt, alone or with its version", "word", "prompt:refund@12"),
    Field("user", "your customer's id", "word", "user:u_9"),
    Field("session", "session or conversation", "word", "session:s_41"),
    Field("request", "request id", "word", "request:req_7f3a"),
    Field("env", "environment", "word", "env:prod"),
    Field("release", "release of your service", "word", "release:1.4.2"),
    Field("service", "service that sent it", "word", "service:shop-api"),
    Field("tag", "tag", "word", "tag:vip"),
    Field("has", "what there is of it", "choice", "has:retry", HAS_CHOICES),
    Field("score", "a score by its name", "number", "score.helpful:<0.5", keyed=True),
    Field("metadata", "a value that your service sent along", "word", "metadata.order_id:77", keyed=True),
    Field("provider", "who runs the model", "word", "provider:openai"),
    Field("kind", "kind of one of its steps", "choice", "kind:retrieval", dict.fromkeys(KINDS, "")),
    Field("fallback", "what stepped in", "choice", "fallback:other_model", dict.fromkeys(FALLBACKS[1:], "")),
    Field("tool", "tool that a step called, alone or with its version", "word", "tool:search_orders"),
    Field("parser", "parser, alone or with its version", "word", "parser:refund_json"),
    Field("retriever", "retriever, alone or with its version", "word", "retriever:handbook@3"),
    Field("template", "template, alone or with its version", "word", "template:greeting"),
    Field("finish", "why the model stopped", "word", "finish:length"),
    Field("response", "the provider's response id", "word", "response:chatcmpl-9x"),
    Field("input_tokens", "tokens that its calls read", "count", "input_tokens:>8k"),
    Field("output_tokens", "tokens that its calls wrote", "count", "output_tokens:>1k"),
    Field("retries", "tries beyond the first", "count", "retries:>2"),
    Field("spans", "how many steps it has", "count", "spans:>100"),
    Field("name", "name of one of its steps", "word", "name:decide"),
)
FIELDS: Final[dict[str, Field]] = {one.name: one for one in _ALL}

# Other words for a field, as people and other tools write them.
ALIASES: Final = {
    "environment": "env",
    "version": "release",
    "user_id": "user",
    "session_id": "session",
    "conversation": "session",
    "request_id": "request",
    "duration": "latency",
    "took": "latency",
    "price": "cost",
    "tags": "tag",
    "scores": "score",
    "meta": "metadata",
    "is": "has",
}


def field_of(name: str) -> Field | None:
    """The field with this name or alias in any case, without its key; None for what is none."""
    word = name.lower()
    return FIELDS.get(ALIASES.get(word, word))


def nearest(name: str) -> str | None:
    """The field that a mistyped name most likely means; None when none is near."""
    close = get_close_matches(name.lower(), [*FIELDS, *ALIASES], n=1, cutoff=0.6)
    return ALIASES.get(close[0], close[0]) if close else None


def amount(kind: Kind, text: str) -> Decimal | None:
    """The amount that `text` says in µs, dollars or pieces; None when it says none, or one beyond MOST."""
    read = {"duration": _duration_us, "money": _money, "count": _count, "number": _signed}.get(kind)
    found = read(text) if read else None
    return found if found is not None and abs(found) <= MOST else None


def wrong_value(known: Field, compare: str, value: str, character: int) -> str | None:
    """What is wrong with a field's value, which stands at this character counted from 1; None where nothing is."""
    if known.kind == "choice":
        wrong = value not in known.choices
    else:  # a score may be a word where it is not compared
        wrong = known.is_amount and (known.kind, compare) != ("number", ":") and amount(known.kind, value) is None
    if wrong:
        return f'"{value}" at character {character} is not {known.noun}; {known.cure}.'
    if known.kind in ("duration", "money") and compare == ":":
        either = f"{known.name}:>{value} or {known.name}:<{value}"
        return f"Say at character {character} whether {known.name} is more or less: {either}."
    return None


def _duration_us(text: str) -> Decimal | None:
    if not _DURATION.fullmatch(text):
        return None
    return sum((Decimal(many) * _UNITS_US[unit] for many, unit in _DURATION_PART.findall(text)), Decimal())


def _money(text: str) -> Decimal | None:
    found = _MONEY.fullmatch(text)
    return Decimal(found[1]) if found else None


def _count(text: str) -> Decimal | None:
    found = _COUNT.fullmatch(text)
    return Decimal(found[1].replace(",", "")) * _TIMES[found[2].lower()] if found else None


def _signed(text: str) -> Decimal | None:
    return Decimal(text) if _SIGNED.fullmatch(text) else None


def _one_of(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else "".join(words)
