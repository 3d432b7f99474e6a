"""What a project has sent, to be suggested while a query is typed: values, names of scores, keys of metadata."""

from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection

from traces.queries.values import score_names, values_of
from traces.search import facts

_READ: Final = 200  # of the latest entries, whose words are unpacked
_DAYS: Final = 7

FACTS: Final = """
    SELECT lexeme FROM (
        SELECT words FROM traces_entry
        WHERE project_id = %(project)s AND day >= %(first_day)s
        ORDER BY happened_at DESC LIMIT %(read)s
    ) latest CROSS JOIN LATERAL unnest(latest.words) AS fact (lexeme, positions, weights)
    WHERE starts_with(lexeme, %(beginning)s)
    GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 100
"""


def known_values(project_id: int, field: str, beginning: str, now: datetime) -> list[str]:
    """Values of a field that the project sent lately, the commonest first; those of `score.` and `metadata.` are names.

    Values of metadata are in small letters, as the index has them.
    """
    if field == "score.":
        return score_names(project_id, now)
    if field == "metadata.":
        return _keys(_facts(project_id, ":metadata.", now))
    if field.startswith("metadata."):
        start = facts.beginning(field, "")
        return [lexeme.removeprefix(start) for lexeme in _facts(project_id, start, now)]
    return values_of(project_id, field, beginning, now)


def _keys(lexemes: list[str]) -> list[str]:
    names = [lexeme.removeprefix(":metadata.").partition(":")[0] for lexeme in lexemes]
    return sorted(dict.fromkeys(names), key=names.count, reverse=True)


def _facts(project_id: int, beginning: str, now: datetime) -> list[str]:
    values: dict[str, Any] = {
        "project": project_id,
        "beginning": beginning,
        "first_day": (now - timedelta(days=_DAYS)).date(),
        "read": _READ,
    }
    with connection.cursor() as cursor:
        cursor.execute(FACTS, values)
        return [lexeme for (lexeme,) in cursor.fetchall()]
