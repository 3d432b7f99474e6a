"""A row of a list of traces as JSON and as cells: for the API and for exports. Unknown is null, never 0. Pure."""

import re
from typing import Any, Final

from traces.answers import milliseconds, moment, money
from traces.listing import TraceRow

# What a spreadsheet takes for a formula: it skips what no eye sees before looking for one.
_FORMULA: Final = re.compile(
    r"[\s\x00-\x1f\x7f-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]*[=+\-@＝＋－＠]|[ \xa0]*[\t\r\n]"
)


# Of the columns of a table, in the order of `row_answer`.
NAMES: Final = (
    "trace_id", "request_id", "happened_at", "outcome", "failed", "name", "feature", "user_id", "session_id",
    "environment", "release", "model", "prompt", "duration_ms", "spans", "calls", "input_tokens", "output_tokens",
    "cost_usd", "calls_without_price", "asked", "answered", "found_span_id",
)  # fmt: skip


def row_answer(row: TraceRow, span_id: bytes | None) -> dict[str, Any]:
    """One trace. `span_id` is the step that the text was found in; `outcome` is the page's word for how it went."""
    return {
        "trace_id": row.trace_id,
        "request_id": row.request_id,
        "happened_at": moment(row.happened_at),
        "outcome": row.state_word,
        "failed": row.failed,
        "name": row.sent_name,
        "feature": row.feature,
        "user_id": row.user_id,
        "session_id": row.session_id,
        "environment": row.environment,
        "release": row.release,
        "model": row.model,
        "prompt": row.prompt,
        "duration_ms": milliseconds(row.duration_us),
        "spans": row.spans,
        "calls": row.calls,
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
        "cost_usd": money(row.cost_usd),
        "calls_without_price": row.calls_without_price,
        "asked": row.asked,
        "answered": row.answered,
        "found_span_id": span_id.hex() if span_id else None,
    }


def cells(answer: dict[str, Any]) -> list[str]:
    """The values of `row_answer` as the cells of a table; unknown ones are empty, and no text is a formula."""
    return [_cell(answer[name]) for name in NAMES]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        # An apostrophe says that a text follows; spreadsheets do not show it.
        return f"'{value}" if _FORMULA.match(value) else value
    return str(value)
