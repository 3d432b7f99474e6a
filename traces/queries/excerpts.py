"""The pieces of text that a search found, from the payloads of the steps that hold them."""

from collections.abc import Mapping
from typing import Any

from django.db import connection

from traces import day_by_day, payload
from traces.logged import with_contents
from traces.records import Payload

MOST_BYTES = 256_000  # of a payload as it is stored: a longer one is not opened for a list

_SHORT = "span_id = hit.span_id AND octet_length(body) <= %(most)s"
HITS = f"""
    SELECT p.trace_id, p.codec, p.body
    FROM unnest(%(traces)s::bytea[], %(spans)s::bytea[]) AS hit (trace_id, span_id)
    JOIN traces_summary t ON t.project_id = %(project)s AND t.trace_id = hit.trace_id
    CROSS JOIN LATERAL {day_by_day.rows("traces_payload", "p", only=_SHORT)}
"""


def payloads_of_hits(project_id: int, hits: Mapping[bytes, bytes]) -> dict[bytes, Payload]:
    """The payloads of these steps (trace id → span id) by the id of their trace; very large ones are left out."""
    if not hits:
        return {}
    values: dict[str, Any] = {"project": project_id, "traces": list(hits), "spans": list(hits.values())}
    with connection.cursor() as cursor:
        cursor.execute(HITS, {**values, "most": MOST_BYTES})
        return {
            bytes(trace_id): with_contents(payload.decode(payload.decompress(codec, body)))
            for trace_id, codec, body in cursor.fetchall()
        }
