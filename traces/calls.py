"""Which spans are model calls that count: tokens and cost of their wrappers repeat them. Pure.

The rollups say the same in SQL (`traces/rollups.py`), and a test holds them against each other.
"""

from collections.abc import Iterable
from typing import Protocol

from traces.records import MODEL_KINDS


class CallLike(Protocol):
    """What is needed of a span to tell whether it is a call."""

    @property
    def span_id(self) -> bytes: ...

    @property
    def parent_id(self) -> bytes | None: ...

    @property
    def kind(self) -> str: ...

    @property
    def input_tokens(self) -> int | None: ...

    @property
    def output_tokens(self) -> int | None: ...


def call_ids(spans: Iterable[CallLike]) -> set[bytes]:
    """The span ids of the calls among the spans of one trace.

    A call is a span of a model kind, unless a child of a model kind tells tokens (then it is that child's wrapper), or
    it tells no tokens itself and its parent is of a model kind (then the parent speaks for it).
    """
    models = {span.span_id: span for span in spans if span.kind in MODEL_KINDS}
    wrappers = {span.parent_id for span in models.values() if has_tokens(span)}
    return {
        span_id
        for span_id, span in models.items()
        if span_id not in wrappers and (has_tokens(span) or span.parent_id not in models)
    }


def has_tokens(span: CallLike) -> bool:
    """Whether the span tells any tokens; 0 is told, None is not."""
    return span.input_tokens is not None or span.output_tokens is not None
