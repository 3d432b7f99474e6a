"""From what somebody pasted to the traces that it names: whole ids, each by an index.

The statements are our own, so that Postgres keeps their plans: over 300 days planning takes 20 ms and running 2. Ids
travel as one text instead of an array, because for an array Postgres makes a new plan each time.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.db import connection

from traces import ids
from traces.arrays import Statement
from traces.queries import planned
from traces.queries.traces import Summary, summary_row

EVER: Final = date(1, 1, 1)
SEPARATOR: Final = "\x1f"  # in no text that was pasted: control characters became blanks
_HEX_16: Final = re.compile(r"[0-9a-f]{16}", re.IGNORECASE)
_DECIMAL: Final = re.compile(r"[0-9]{1,39}")

_SAID = """
    said AS (
        SELECT text, decode(trace_key, 'hex') AS trace_key, decode(span_key, 'hex') AS span_key
        FROM ROWS FROM (
            string_to_table(%(texts)s::text, chr(31)), string_to_table(%(trace_keys)s::text, ','),
            string_to_table(%(span_keys)s::text, ',')
        ) AS one (text, trace_key, span_key)
    )"""
# Each is one index look-up an id, and a day. An id such as "None" may stand in a million rows: so many are enough.
_OF_SPANS = """
    SELECT '{kind}', {rank}, s.trace_id, {span}, s.{column} FROM said CROSS JOIN LATERAL (
        SELECT trace_id, span_id, {column} FROM traces_span
        WHERE project_id = %(project)s AND left({column}, 200) = left(said.text, 200) AND {column} = said.text
            AND day >= %(since)s
        LIMIT 1000
    ) s"""
_OF_SUMMARIES = """
    SELECT '{kind}', {rank}, t.trace_id, NULL, t.{column} FROM said CROSS JOIN LATERAL (
        SELECT trace_id, {column} FROM traces_summary
        WHERE project_id = %(project)s AND left({column}, 200) = left(said.text, 200) AND {column} = said.text
        ORDER BY happened_at DESC LIMIT 100
    ) t"""
_ARMS: Final = {
    "request": _OF_SPANS.format(kind="request", rank=0, span="NULL::bytea", column="request_id"),
    "trace": """
    SELECT 'trace', 1, t.trace_id, NULL, coalesce(t.trace_text, encode(t.trace_id, 'hex'))
    FROM said CROSS JOIN LATERAL (
        SELECT * FROM traces_summary WHERE project_id = %(project)s AND trace_id = said.trace_key OFFSET 0
    ) t""",
    "span": """
    SELECT 'span', 2, s.trace_id, s.span_id, coalesce(s.span_text, encode(s.span_id, 'hex'))
    FROM said CROSS JOIN LATERAL (
        SELECT trace_id, span_id, span_text FROM traces_span
        WHERE project_id = %(project)s AND span_id = said.span_key AND day >= %(since)s LIMIT 1000
    ) s""",
    "response": _OF_SPANS.format(kind="response", rank=3, span="s.span_id", column="response_id"),
    "session": _OF_SUMMARIES.format(kind="session", rank=4, column="session_id"),
    "user": _OF_SUMMARIES.format(kind="user", rank=5, column="user_id"),
}
# What is shown of each hit: whatever statement ends with this names its hits `hit`.
HITS = """
    SELECT hit.kind, hit.text, hit.span_id, t.trace_id, t.trace_text, t.happened_at, t.ended_at, t.has_root, t.name,
        t.asked, t.answered, t.request_id, t.session_id, t.user_id, t.feature, t.service, t.environment, t.release
    FROM hit CROSS JOIN LATERAL (
        SELECT * FROM traces_summary WHERE project_id = %(project)s AND trace_id = hit.trace_id OFFSET 0
    ) t
    ORDER BY hit.rank, t.happened_at DESC, t.trace_id DESC
    LIMIT 2000
"""


def _exact(*kinds: str) -> Statement:
    arms = " UNION ".join(_ARMS[kind] for kind in kinds)
    return Statement.of(f"WITH {_SAID}, hit (kind, rank, trace_id, span_id, text) AS ({arms}) {HITS}")


# By one id alone the kinds are asked for in turn: the summaries are one table, the spans one for each day.
WHOLES = _exact("request", "trace", "session", "user")
SPAN = _exact("span")
RESPONSE = _exact("response")
ANYTHING = _exact(*_ARMS)

# One look-up an id, whatever the number of days. OFFSET, or Postgres joins and reads the whole table.
REQUESTS_OF_TRACES = Statement.of("""
    SELECT EXISTS (
        SELECT FROM string_to_table(%(texts)s::text, chr(31)) AS said (text) CROSS JOIN LATERAL (
            SELECT FROM traces_summary
            WHERE project_id = %(project)s AND left(request_id, 200) = left(said.text, 200) AND request_id = said.text
            OFFSET 0
        ) t
    )
""")

# As ids and not as hits: a span's summary may be in the making.
TRACES_OF_SPANS = """
    SELECT DISTINCT ON (span_id) span_id, coalesce(trace_text, encode(trace_id, 'hex'))
    FROM traces_span WHERE project_id = %(project)s AND span_id = ANY(%(spans)s) ORDER BY span_id, received_at
"""


@dataclass(frozen=True, slots=True)
class Hit:
    """A trace that the pasted text names. `kind` says how: request, trace, span, response, session or user.

    `text` is the id that matched, as its sender wrote it; `span_id` the span that carries it, where only that does.
    """

    kind: str
    text: str
    span_id: bytes | None
    summary: Summary


def exact(
    project_id: int, texts: Sequence[str], kinds: Sequence[str] = tuple(_ARMS), *, since: date = EVER
) -> list[Hit]:
    """The traces that carry one of `texts` as an id of one of `kinds`, the surest kind first, newest first.

    Ids that stand on spans alone are looked for on the days since `since`.
    """
    if not texts:
        return []
    values = {"project": project_id, "since": since, **_keys(texts)}
    if len(texts) > 1:
        statements: tuple[Statement, ...] = (ANYTHING,)
    else:
        statements = (SPAN, WHOLES, RESPONSE) if _HEX_16.fullmatch(texts[0]) else (WHOLES, RESPONSE, SPAN)
    found = (hits_of(statement, values) for statement in statements)
    return next((wanted for hits in found if (wanted := [hit for hit in hits if hit.kind in kinds])), [])


def is_request_of_any(project_id: int, texts: Sequence[str]) -> bool:
    """Whether one of `texts` is, whole, the request id that a trace goes by, of whatever day."""
    ((is_there,),) = planned.rows(REQUESTS_OF_TRACES, {"project": project_id, "texts": SEPARATOR.join(texts)})
    return bool(is_there)


def traces_of_spans(project_id: int, span_ids: Sequence[str]) -> dict[str, str]:
    """The ids of the traces that these spans are of, by the spans' ids, both as their senders spell them."""
    keys = {spelled: ids.span_key(spelled) for spelled in span_ids}
    with connection.cursor() as cursor:
        cursor.execute(TRACES_OF_SPANS, {"project": project_id, "spans": list(keys.values())})
        found = {bytes(span_id): trace for span_id, trace in cursor.fetchall()}
    return {spelled: found[key] for spelled, key in keys.items() if key in found}


def _keys(texts: Iterable[str]) -> dict[str, str]:
    said = [(text, ids.trace_key(text), ids.span_key(text)) for text in texts]
    said += [("", trace, span) for text in texts for trace, span in _other_spellings(text)]
    return {
        "texts": SEPARATOR.join(text for text, _, _ in said),
        "trace_keys": ",".join(trace.hex() for _, trace, _ in said),
        "span_keys": ",".join(span.hex() for _, _, span in said),
    }


def _other_spellings(text: str) -> list[tuple[bytes, bytes]]:
    """The keys of a trace and a span that `text` is another spelling of: a number, or 64 bits of 128."""
    if _DECIMAL.fullmatch(text) and (number := int(text)) < 2**128:
        key = number.to_bytes(16, "big")
        return [(key, key[8:] if number < 2**64 else b"")]
    if _HEX_16.fullmatch(text):
        return [(bytes(8) + bytes.fromhex(text), b"")]
    return []


def hits_of(statement: Statement, values: dict[str, Any]) -> list[Hit]:
    """The rows of a statement that ends with HITS, whose spans are of the days since `since`."""
    found = planned.rows(planned.since(statement, values["since"]), values)
    return [Hit(kind, text, span_id, summary_row(tuple(line))) for kind, text, span_id, *line in found]
