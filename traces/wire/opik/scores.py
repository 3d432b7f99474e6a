"""Opik's feedback scores, to Score: of a trace, a span or a thread, which is a session. Each has one of a name."""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Final

from traces.errors import Unreadable
from traces.records import Json, Rejection
from traces.wire import scores
from traces.wire.jsontext import loads
from traces.wire.opik.entities import identity
from traces.wire.plain_values import Refused, text

TARGETS: Final = {"traces": "trace_id", "spans": "span_id", "traces/threads": "session_id"}
_SOURCES: Final = {"ui": "member", "online_scoring": "judge"}  # "sdk" and what is newer: code
_TAKEN: Final = ("id", "thread_id", "name", "value", "category_name", "reason", "source")
_ASSERTION: Final = "suite_assertion"  # names where a number comes from, and not what it stands for


def decode(body: bytes, of: str) -> tuple[list[scores.Score], list[Rejection]]:
    """`{"scores": […]}` of what the address names: traces, spans or traces/threads. Raises Unreadable."""
    found = loads(body)
    items = found.get("scores") if isinstance(found, dict) else None
    if not isinstance(items, list):
        raise Unreadable('The body has no list "scores".')
    return scores.taken(_plain(item, of) for item in items)


def decode_one(body: bytes, of: str, id_: str) -> tuple[list[scores.Score], list[Rejection]]:
    """One score of the trace or span `id_`. Raises Unreadable."""
    item = loads(body)
    return scores.taken([_plain({**item, "id": id_} if isinstance(item, dict) else item, of)])


def taken_back(body: bytes, of: str, id_: str | None) -> Iterator[bytes]:
    """The keys of the scores to forget: `{"name"}` of `id_`, or `{"thread_id", "names": […]}`. Raises Unreadable."""
    said = loads(body)
    if not isinstance(said, dict):
        raise Unreadable("The body is no JSON object.")
    names = said.get("names", [said.get("name")])
    owner = id_ or said.get("thread_id")
    if not isinstance(names, list) or not isinstance(owner, str):
        raise Unreadable('The body says not which; write "name", or "thread_id" and a list "names".')
    for name in names:
        if isinstance(name, str):
            yield bytes.fromhex(_score_id(of, owner, name))


def _plain(item: Json, of: str) -> Json | Refused:
    """The score as `POST /api/v1/scores` has it; Refused for what is none."""
    if not isinstance(item, dict):
        return Refused("this is no JSON object.")
    said = {name: value for name, value in item.items() if value is not None}
    try:
        owner = identity("thread_id" if "thread_id" in said and of == "traces/threads" else "id", said)
        name = text("name", said.get("name"))
    except Refused as problem:
        return problem
    if owner is None:
        return Refused('it says not what it is of; write its "id".')
    plain: dict[str, Json] = {"id": _score_id(of, owner, name), TARGETS[of]: owner, "name": name}
    category, value = said.get("category_name"), said.get("value")
    more = {name: one for name, one in said.items() if name not in _TAKEN}
    if isinstance(category, str) and category not in ("", _ASSERTION):
        plain |= {"value": category, "data_type": "categorical"}
        more["value"] = value
    else:
        plain["value"] = value
        if category:
            more["category_name"] = category
    plain["comment"] = said["reason"] if isinstance(said.get("reason"), str) else None
    plain["source"] = _SOURCES.get(str(said.get("source")), "code")
    return {**plain, "metadata": more}


def _score_id(of: str, owner: str, name: str) -> str:
    """Of what it is of and its name: given again it takes the place of what was given before."""
    told = f"opik\0{of}\0{owner.strip().lower()}\0{name.strip()}"
    return blake2b(told.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
