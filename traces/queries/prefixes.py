"""What ids begin with before they differ: `req_`, `chatcmpl-`. Many people copy only what stands behind it."""

import re
from collections import Counter
from typing import Final

from django.db import connection

MOST: Final = 6  # of a project's own
# Of the ids that OpenAI and Anthropic give answers, which stand in no summary.
_OF_PROVIDERS: Final = ("chatcmpl-", "resp_", "msg_")
_PREFIX: Final = re.compile(r"(?:[a-z]{1,16}[-_:.])+", re.IGNORECASE)

NEWEST_IDS = """
    SELECT request_id, session_id, user_id FROM traces_summary
    WHERE project_id = %(project)s ORDER BY happened_at DESC, trace_id DESC LIMIT 50
"""


def prefixes(project_id: int) -> list[str]:
    """The commonest beginnings of the ids of the newest traces, and those of providers."""
    with connection.cursor() as cursor:
        cursor.execute(NEWEST_IDS, {"project": project_id})
        sent = [text for line in cursor.fetchall() for text in line if text]
    found = Counter(begun[0] for text in sent if (begun := _PREFIX.match(text)) and begun[0] != text)
    return list(dict.fromkeys([*(prefix for prefix, _ in found.most_common(MOST)), *_OF_PROVIDERS]))
