"""From the first characters of an id to the traces that carry one which begins so, each kind by its index.

No number in a statement depends on a parameter that Postgres would guess from: it would plan 300 days anew each time.
"""

import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone

from traces.arrays import Statement
from traces.queries.lookup import EVER, HITS, SEPARATOR, Hit, hits_of

_HEX: Final = re.compile(r"[0-9a-f]{6,32}", re.IGNORECASE)

_BEGINNINGS = """
    said AS (
        SELECT text, text || chr(1114111) AS above, decode(from_key, 'hex') AS from_key, decode(to_key, 'hex') AS to_key
        FROM ROWS FROM (
            string_to_table(%(texts)s::text, chr(31)), string_to_table(%(from_keys)s::text, ',', ''),
            string_to_table(%(to_keys)s::text, ',', '')
        ) AS one (text, from_key, to_key)
    )"""
# Day by day, the newest first, until there are enough: "chatcmpl-" begins every id of a provider.
_BEGIN_IN_SPANS = """
    SELECT '{kind}', {rank}, s.trace_id, {span}, s.text FROM said CROSS JOIN LATERAL (
        SELECT of_day.* FROM generate_series(0, (SELECT %(days)s::int)) AS ago CROSS JOIN LATERAL (
            SELECT DISTINCT trace_id, {span} AS span_id, text FROM (
                SELECT trace_id, span_id, {text} AS text FROM traces_span
                WHERE project_id = %(project)s AND day = %(last_day)s::date - ago AND day >= %(since)s AND {alike}
                LIMIT 500
            ) found
        ) of_day LIMIT 20
    ) s"""
_TEXT_ALIKE = "left({0}, 200) >= said.text AND left({0}, 200) < said.above"
# From one value to the next one through the index: a session of 20,000 traces is one step.
_BEGIN_IN_SUMMARIES = """
    SELECT '{kind}', {rank}, t.trace_id, NULL, t.{column} FROM said CROSS JOIN LATERAL (
        WITH RECURSIVE value (text) AS (
            (SELECT left({column}, 200) FROM traces_summary
            WHERE project_id = %(project)s AND {column} IS NOT NULL AND {alike} ORDER BY left({column}, 200) LIMIT 1)
            UNION ALL
            SELECT (SELECT left({column}, 200) FROM traces_summary
                WHERE project_id = %(project)s AND {column} IS NOT NULL AND left({column}, 200) > value.text
                    AND left({column}, 200) < said.above ORDER BY left({column}, 200) LIMIT 1)
            FROM value WHERE value.text IS NOT NULL
        ) SELECT text FROM value WHERE text IS NOT NULL LIMIT 20
    ) value CROSS JOIN LATERAL (
        SELECT trace_id, {column} FROM traces_summary
        WHERE project_id = %(project)s AND left({column}, 200) = value.text ORDER BY happened_at DESC LIMIT 20
    ) t"""


def _begin(kind: str, rank: int, column: str, span: str = "NULL::bytea") -> str:
    alike = _TEXT_ALIKE.format(column)
    arm = _BEGIN_IN_SUMMARIES if kind in ("session", "user") else _BEGIN_IN_SPANS
    return arm.format(kind=kind, rank=rank, column=column, text=column, span=span, alike=alike)


_SPAN_ALIKE = "said.from_key IS NOT NULL AND span_id >= said.from_key AND span_id < said.to_key"
_BEGINNING_ARMS: Final = (
    _begin("request", 0, "request_id"),
    """
    SELECT 'trace', 1, t.trace_id, NULL, coalesce(t.trace_text, encode(t.trace_id, 'hex'))
    FROM said CROSS JOIN LATERAL (
        SELECT trace_id, trace_text FROM traces_summary
        WHERE project_id = %(project)s AND trace_id >= said.from_key AND trace_id < said.to_key LIMIT 20
    ) t""",
    _BEGIN_IN_SPANS.format(
        kind="span", rank=2, span="span_id", text="coalesce(span_text, encode(span_id, 'hex'))", alike=_SPAN_ALIKE
    ),
    _begin("response", 3, "response_id", "span_id"),
    _begin("session", 4, "session_id"),
    _begin("user", 5, "user_id"),
)
BEGINNINGS = Statement.of(
    f"WITH {_BEGINNINGS}, hit (kind, rank, trace_id, span_id, text) AS ({' UNION '.join(_BEGINNING_ARMS)}) {HITS}"
)


def beginnings(project_id: int, texts: Sequence[str], *, since: date = EVER) -> list[Hit]:
    """The traces that carry an id which begins with one of `texts`, at most 20 ids of each kind.

    Ids that stand on spans alone are looked for on the days since `since`.
    """
    if not texts:
        return []
    ranges = [_hex_range(text) for text in texts]
    last_day = timezone.now().date() + timedelta(days=2)
    values = {
        "project": project_id,
        "texts": SEPARATOR.join(text[:200] for text in texts),
        "from_keys": ",".join(first for first, _ in ranges),
        "to_keys": ",".join(after for _, after in ranges),
        "last_day": last_day,
        "since": since,
        "days": min((last_day - since).days, settings.SPAN_RETENTION_DAYS + 5),
    }
    return hits_of(BEGINNINGS, values)


def _hex_range(text: str) -> tuple[str, str]:
    """The first key that begins with these hex digits, and the first after all that do; empty for other texts."""
    digits = text.lower().removeprefix("0x").replace("-", "")
    if not _HEX.fullmatch(digits):
        return "", ""
    after = f"{int(digits, 16) + 1:0{len(digits)}x}"
    after = "ff" * 17 if len(after) > len(digits) else after
    return digits + "0" * (len(digits) % 2), after + "0" * (len(after) % 2)
