"""From what somebody pasted to the traces that it names: exact ids by index, then the beginning of an id."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from traces import ids

MOST_HITS = 100
_SHORTEST_PREFIX = 4
_MOST_WORDS = 40
_MOST_PASTED = 50_000  # characters, of a mail with all that it answers to

# Each branch is one index look-up. The summaries know the days, the spans know the ids that only one of them carries.
EXACT = """
    WITH hit (kind, rank, trace_id, span_id, text) AS (
        SELECT 'request', 0, s.trace_id, NULL::bytea, s.request_id FROM traces_span s
        WHERE s.project_id = %(project)s AND left(s.request_id, 200) = ANY(%(beginnings)s)
            AND s.request_id = ANY(%(texts)s)
        UNION
        SELECT 'trace', 1, t.trace_id, NULL, coalesce(t.trace_text, encode(t.trace_id, 'hex')) FROM traces_summary t
        WHERE t.project_id = %(project)s AND t.trace_id = ANY(%(trace_keys)s)
        UNION
        SELECT 'span', 2, s.trace_id, s.span_id, coalesce(s.span_text, encode(s.span_id, 'hex')) FROM traces_span s
        WHERE s.project_id = %(project)s AND s.span_id = ANY(%(span_keys)s)
        UNION
        SELECT 'response', 3, s.trace_id, s.span_id, s.response_id FROM traces_span s
        WHERE s.project_id = %(project)s AND left(s.response_id, 200) = ANY(%(beginnings)s)
            AND s.response_id = ANY(%(texts)s)
        UNION
        (SELECT 'session', 4, t.trace_id, NULL, t.session_id FROM traces_summary t
        WHERE t.project_id = %(project)s AND left(t.session_id, 200) = ANY(%(beginnings)s)
            AND t.session_id = ANY(%(texts)s) ORDER BY t.happened_at DESC LIMIT %(limit)s)
        UNION
        (SELECT 'user', 5, t.trace_id, NULL, t.user_id FROM traces_summary t
        WHERE t.project_id = %(project)s AND left(t.user_id, 200) = ANY(%(beginnings)s)
            AND t.user_id = ANY(%(texts)s) ORDER BY t.happened_at DESC LIMIT %(limit)s)
    )
    SELECT hit.kind, hit.text, t.trace_id, t.trace_text, hit.span_id, t.happened_at, t.name, t.asked
    FROM hit JOIN traces_summary t ON t.project_id = %(project)s AND t.trace_id = hit.trace_id
    ORDER BY hit.rank, t.happened_at DESC, t.trace_id DESC
    LIMIT %(limit)s
"""

BEGINNING = """
    SELECT DISTINCT ON (t.happened_at, t.trace_id)
        'request', s.request_id, t.trace_id, t.trace_text, NULL::bytea, t.happened_at, t.name, t.asked
    FROM traces_span s JOIN traces_summary t ON t.project_id = s.project_id AND t.trace_id = s.trace_id
    WHERE s.project_id = %(project)s AND left(s.request_id, 200) >= %(text)s
        AND left(s.request_id, 200) < %(text)s || chr(1114111)
    ORDER BY t.happened_at DESC, t.trace_id DESC
    LIMIT 20
"""


@dataclass(frozen=True, slots=True)
class Hit:
    """A trace that the pasted text names. `kind` says how: request, trace, span, response, session or user."""

    kind: str
    text: str  # the id that matched, as its sender wrote it
    trace_id: str
    address: str  # the trace's id as it stands in addresses
    span_id: bytes | None
    happened_at: datetime
    name: str | None
    asked: str | None


def look_up(project_id: int, pasted: str) -> list[Hit]:
    """The traces that `pasted` names, the surest kind first, newest first. Empty when nothing does.

    The whole text is tried as an id, then each word of it (a log line), then it as the beginning of a request id.
    """
    text = pasted[:_MOST_PASTED].replace("\0", " ").strip()
    whole = text[: ids.MAX_ID_CHARACTERS]
    if not whole:
        return []
    return _exact(project_id, [whole]) or _exact(project_id, _words(text)) or _beginning(project_id, whole)


def _words(text: str) -> list[str]:
    """What might be an id in a log line or a mail: words without quotes, brackets, `name=` and a sentence's full stop.

    Of many words those with a digit come first, as ids have one more often than not.
    """
    words = re.split(r"[\s\"'`,;()\[\]{}<>|]+", text)
    parts = [part for word in words for part in {word, *re.split(r"[=:]", word)}]
    cleaned = dict.fromkeys(part.strip(".:=") for part in parts)
    words = [part for part in cleaned if _SHORTEST_PREFIX <= len(part) <= ids.MAX_ID_CHARACTERS and part != text]
    return sorted(words, key=lambda word: not any(letter.isdigit() for letter in word))[:_MOST_WORDS]


def _exact(project_id: int, texts: list[str]) -> list[Hit]:
    if not texts:
        return []
    return _hits(
        EXACT,
        {
            "project": project_id,
            "texts": texts,
            "beginnings": [text[:200] for text in texts],
            "trace_keys": [ids.trace_key(text) for text in texts],
            "span_keys": [ids.span_key(text) for text in texts],
            "limit": MOST_HITS,
        },
    )


def _beginning(project_id: int, text: str) -> list[Hit]:
    if len(text) < _SHORTEST_PREFIX:
        return []
    return _hits(BEGINNING, {"project": project_id, "text": text[:200]})


def _hits(sql: str, values: dict[str, Any]) -> list[Hit]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [
            Hit(
                kind,
                text,
                ids.shown(trace, sent),
                ids.address(trace, sent),
                bytes(span) if span else None,
                at,
                name,
                asked,
            )
            for kind, text, trace, sent, span, at, name, asked in cursor.fetchall()
        ]
