"""The views of the trace page: steps, conversation, model calls, JSON. The address says which."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from accounts.models import Project
from traces import whole
from traces.model_call_rows import call_rows
from traces.queries.spans import StoredSpan, payloads_of
from traces.queries.traces import Trace
from traces.records import Payload
from traces.reproduce import can_be_asked, request_of
from traces.snippets import as_curl, as_json, as_python, indented
from traces.transcript import sources, transcript
from traces.waterfall import steps

Query = Mapping[str, str]
WORDS = {"steps": "Steps", "conversation": "Conversation", "calls": "Model calls", "json": "JSON"}
# How a call may be said again: the name in the address, what it is called, a hint, the text.
COPIES: dict[str, tuple[str, str, Callable[..., str]]] = {
    "curl": ("cURL", "key as $OPENAI_API_KEY", as_curl),
    "python": ("Python", "openai", as_python),
    "body": ("Request body", "JSON", as_json),
}
MOST_COPIED = 200_000  # characters on the page; the file has all
MOST_JSON = 200_000  # bytes of payloads that are shown as one text
PAGE_SPANS = 100  # of a trace that is larger
_KEPT = ("path", "list")  # what the links of the page's steps hand on


@dataclass(frozen=True, slots=True)
class Tab:
    """One view and the way to it."""

    name: str
    word: str
    url: str
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Copy:
    """A call as text to paste. `text` is cut where it is too much for a page."""

    name: str
    word: str
    text: str
    cut: bool
    remarks: list[str]


def view_of(query: Query) -> str:
    """The view that an address asks for; what it does not name is the steps."""
    asked = query.get("view", "")
    return asked if asked in WORDS else "steps"


def shown(
    project: Project, trace: Trace, opened: tuple[StoredSpan, Payload], query: Query, *, step_alone: bool = False
) -> dict[str, Any]:
    """What the templates of the chosen view are given. `opened`: the selected step and its payload.

    `step_alone`: only that step is shown, so that no rows are drawn.
    """
    view, span = view_of(query), opened[0]
    kept = {name: query[name] for name in _KEPT if query.get(name)}
    if kept.get("path") != "critical":
        kept.pop("path", None)
    keep = f"{urlencode(kept)}&" if kept else ""
    here = f"?{keep}span={quote(span.shown_id, safe='')}"
    counts = {"steps": len(trace.nodes), "calls": len(trace.call_ids)}
    return {
        "view": view,
        "tabs": [
            Tab(name, word, here if name == "steps" else f"?{keep}view={name}", counts.get(name))
            for name, word in WORDS.items()
        ],
        "here": here,
        "on_path": "path" in kept,
        "keep": keep,
        "path_url": here.replace("path=critical&", "") if "path" in kept else f"{here}&path=critical",
        "copies": _copies(opened),
        **(_copy(opened, query) if step_alone else _VIEWS[view](project, trace, opened, query, keep)),
    }


def place(said: str | None) -> int | None:
    """A place in a list, as an address says it; None for what is none."""
    return int(said) if said and re.fullmatch(r"[0-9]{1,9}", said) else None


def copied(span: StoredSpan, payload: Payload, name: str) -> Copy | None:
    """The call of a step as the text `name`, whole; None where it is no call, or there is no such text."""
    request = request_of(span.record, payload) if name in COPIES else None
    if request is None:
        return None
    word, _, say = COPIES[name]
    return Copy(name, word, say(request), False, request.remarks)


def _copies(opened: tuple[StoredSpan, Payload]) -> list[tuple[str, str, str]]:
    if not can_be_asked(opened[0].record, opened[1]):
        return []
    return [(name, word, hint) for name, (word, hint, _) in COPIES.items()]


def _steps(
    project: Project, trace: Trace, opened: tuple[StoredSpan, Payload], query: Query, keep: str
) -> dict[str, Any]:
    first = place(query.get("from"))
    if first is None and not query.get("span"):
        first = 0
    return {"steps": steps(trace, opened[0].span_id, first, keep), **_copy(opened, query)}


def _copy(opened: tuple[StoredSpan, Payload], query: Query) -> dict[str, Copy | None]:
    copy = copied(*opened, query.get("as", ""))
    if copy and len(copy.text) > MOST_COPIED:
        copy = Copy(copy.name, copy.word, copy.text[:MOST_COPIED], True, copy.remarks)
    return {"copy": copy}


def _conversation(
    project: Project, trace: Trace, opened: tuple[StoredSpan, Payload], query: Query, keep: str
) -> dict[str, Any]:
    told = sources(trace)
    payloads = payloads_of(project.pk, {one.record.trace_id for one in told}, [one.span_id for one in told])
    sent = [(one, payloads.get((one.record.trace_id, one.span_id)) or Payload()) for one in told]
    return {"turns": transcript(sent, not told[0].failed), "unanswered": told[0].failed}


def _calls(
    project: Project, trace: Trace, opened: tuple[StoredSpan, Payload], query: Query, keep: str
) -> dict[str, Any]:
    return {"calls": call_rows(trace, place(query.get("from")) or 0, keep)}


def _json(
    project: Project, trace: Trace, opened: tuple[StoredSpan, Payload], query: Query, keep: str
) -> dict[str, Any]:
    if sum(span.payload_bytes for span in trace.spans) <= MOST_JSON and len(trace.nodes) <= PAGE_SPANS:
        return {"json_text": whole.text(project, trace)}
    first = place(query.get("from")) or 0
    spans = trace.spans[first : first + PAGE_SPANS]
    following = first + PAGE_SPANS if first + PAGE_SPANS < len(trace.nodes) else None
    return {
        "json_text": indented(whole.head(project, trace)),
        "json_spans": list(enumerate(spans, first + 1)),
        "json_next": following,
    }


_VIEWS = {"steps": _steps, "conversation": _conversation, "calls": _calls, "json": _json}
