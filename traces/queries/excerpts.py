"""The pieces of text that a search found, from the payloads of the steps that hold them."""

from collections.abc import Mapping

from traces import arrays, day_by_day, payload
from traces.arrays import Statement
from traces.logged import with_contents
from traces.queries import planned
from traces.records import Payload

MOST_BYTES = 256_000  # of a payload as it is stored: a longer one is not opened for a list

_SHORT = "span_id = hit.span_id AND octet_length(body) <= %(most)s"
HITS = Statement.of(f"""
    SELECT p.trace_id, p.codec, p.body
    FROM unnest(%(traces)s::bytea[], %(spans)s::bytea[]) AS hit (trace_id, span_id)
    JOIN traces_summary t ON t.project_id = %(project)s AND t.trace_id = hit.trace_id
    CROSS JOIN LATERAL {day_by_day.rows("traces_payload", "p", only=_SHORT, bounded=True)}
""")


def payloads_of_hits(project_id: int, hits: Mapping[bytes, bytes]) -> dict[bytes, Payload]:
    """The payloads of these steps (trace id → span id) by the id of their trace; very large ones are left out."""
    if not hits:
        return {}
    spans = arrays.array("bytea", list(hits.values()))
    lines = planned.rows_of_traces(HITS, project_id, hits, spans=spans, most=MOST_BYTES)
    return {trace_id: with_contents(payload.decode(payload.decompress(codec, body))) for trace_id, codec, body in lines}
