"""What the templates of the comparison are given."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from accounts.models import Project
from traces import pair_rows
from traces.align import MOST_STEPS, Pair, align
from traces.differs import remarks, what_differs
from traces.pair_detail import detail
from traces.queries.scores import scores_of
from traces.queries.spans import StoredSpan, payloads_of
from traces.queries.traces import Trace
from traces.records import Payload
from traces.side_facts import of_traces
from traces.sides import side_of, telling


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks for beside its two traces: the steps to open, the first row, how many others it names."""

    step_a: bytes | None
    step_b: bytes | None
    first: int | None
    others: tuple[int, int]


def compare_page(project: Project, a: Trace, b: Trace, asked: Asked) -> dict[str, Any]:
    """The context of the page of two traces, which both have steps."""
    found = align(a.nodes, b.nodes)
    pair = pair_rows.opened(found.pairs, asked.step_a, asked.step_b)
    keep = {"a": a.summary.address, "b": b.summary.address}
    spans = [node.span for node in (pair.a, pair.b) if node]
    sent = _payloads(project.pk, [*spans, *telling(a), *telling(b)])
    sides = [side_of(trace, sent, scores_of(project.pk, trace)) for trace in (a, b)]
    names = [_name(trace) for trace in (a, b)]
    here = reverse("traces:compare", args=[project.slug])
    shown = [
        sent.get((node.span.record.trace_id, node.span.span_id), Payload()) if node else Payload()
        for node in (pair.a, pair.b)
    ]
    return {
        **_frame(project),
        "sides": [
            _head(trace, letter, others) for trace, letter, others in zip((a, b), "AB", asked.others, strict=True)
        ],
        "sentence": what_differs(*sides),
        "remarks": remarks(*sides),
        "facts": of_traces(*sides),
        "rows": pair_rows.rows(found, pair, keep, asked.first),
        "pair": detail(pair, *shown),
        "left_out": found.left_out,
        "most_steps": MOST_STEPS,
        "rough": found.rough,
        "here": f"?{urlencode({**keep, **pair_rows.ids_of(pair)})}",
        "swap_url": f"{here}?{urlencode(_swapped(keep, pair))}",
        "printed": f"{names[0]} beside {names[1]}, printed from llmobs on {timezone.localtime():%-d %B %Y at %H:%M}",
    }


def asking_page(
    project: Project, said: Sequence[str], traces: Sequence[Trace | None], *, no_good: bool = False, picked: int = 0
) -> dict[str, Any]:
    """The context of the form that asks for what is missing: `said` is what the address named each side by.

    `picked`: how many were selected in a list.
    """
    missing = [text for text, trace in zip(said, traces, strict=True) if text and not trace]
    known = [trace for trace in traces if trace]
    return {
        **_frame(project),
        "said": list(said),
        "missing": missing,
        "twice": len(known) == 2 and known[0].summary.trace_id == known[1].summary.trace_id,
        "no_good": no_good,
        "picked": picked,
        "known": _head(known[0], "", 0) if known else None,
    }


def _frame(project: Project) -> dict[str, Any]:
    return {"project": project, "section": "traces"}


def _head(trace: Trace, letter: str, others: int) -> dict[str, Any]:
    """What stands at the top of one side."""
    summary = trace.summary
    return {
        "letter": letter,
        "name": _name(trace),
        "address": summary.address,
        "happened_at": summary.happened_at,
        "feature": summary.feature or summary.service,
        "others": others,
    }


def _name(trace: Trace) -> str:
    return trace.summary.request_id or trace.summary.shown_id


def _payloads(project_id: int, spans: Sequence[StoredSpan]) -> dict[tuple[bytes, bytes], Payload]:
    """The payloads of these steps, all at once."""
    return payloads_of(project_id, {span.record.trace_id for span in spans}, {span.span_id for span in spans})


def _swapped(keep: dict[str, str], pair: Pair) -> dict[str, str]:
    """The same two traces and steps, each on the other side."""
    other = {"a": "b", "b": "a", "step_a": "step_b", "step_b": "step_a"}
    return dict(sorted((other[name], value) for name, value in {**keep, **pair_rows.ids_of(pair)}.items()))
