"""The words of each day, in a few long texts: what holds a part of a word is found there first, then in the index.

Only what is new is added. A worker remembers the words that it has seen; another one may add a word again, which does
no harm and is tidied up when small texts are joined.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import count, groupby
from typing import Any

import psycopg
from django.db import connection

from traces import arrays
from traces.search.words import is_word

# A text that does not hold the part is passed over whole, so the texts are not too long.
CHARACTERS = 65_536
# So many additions, and their small texts are joined.
_MANY = 64
# Words remembered over all days and projects, some 70 bytes each; beyond it all are forgotten and read again.
_MOST_REMEMBERED = 1_000_000

ADD = """
    INSERT INTO traces_vocabulary (project_id, day, words)
    SELECT %(project)s, %(day)s, unnest(%(texts)s::text[])
"""
ALL = "SELECT words FROM traces_vocabulary WHERE project_id = %(project)s AND day = %(day)s"
TAKE_SMALL = """
    DELETE FROM traces_vocabulary
    WHERE project_id = %(project)s AND day = %(day)s AND octet_length(words) < %(small)s
    RETURNING words
"""
HOLDING = """
    SELECT words FROM traces_vocabulary
    WHERE project_id = %(project)s AND day >= %(first)s AND day <= %(last)s AND strpos(words, %(part)s) > 0
    LIMIT %(most)s
"""

Key = tuple[int, date]


class Vocabulary:
    """What a worker remembers of the words that are stored. Not for several threads."""

    def __init__(self) -> None:
        self._known: dict[Key, set[int]] = {}
        self._added: dict[Key, int] = {}

    def add(self, cursor: "psycopg.Cursor[Any]", key: Key, words: Iterable[str]) -> set[int]:
        """Store those of `words` that are new on that day; give back what `remember` is told after the commit."""
        known = self._of(cursor, key)
        fresh = [word for word in words if hash(word) not in known and is_listed(word)]
        if fresh:
            self._insert(cursor, key, fresh)
            self._added[key] = self._added.get(key, 0) + 1
        if self._added.get(key, 0) >= _MANY:
            self._join(cursor, key)
        return set(map(hash, fresh))

    def remember(self, added: dict[Key, set[int]]) -> None:
        """Take in what was added and committed."""
        for key, hashes in added.items():
            self._known.setdefault(key, set()).update(hashes)
        if sum(map(len, self._known.values())) > _MOST_REMEMBERED:
            self._known.clear()
            self._added.clear()

    def _of(self, cursor: "psycopg.Cursor[Any]", key: Key) -> set[int]:
        if key not in self._known:
            cursor.execute(ALL, {"project": key[0], "day": key[1]})
            self._known[key] = {hash(word) for (words,) in cursor.fetchall() for word in words.split("\n")}
        return self._known[key]

    def _join(self, cursor: "psycopg.Cursor[Any]", key: Key) -> None:
        cursor.execute(TAKE_SMALL, {"project": key[0], "day": key[1], "small": CHARACTERS // 2})
        self._insert(cursor, key, {word for (words,) in cursor.fetchall() for word in words.split("\n") if word})
        self._added[key] = 0

    def _insert(self, cursor: "psycopg.Cursor[Any]", key: Key, words: Iterable[str]) -> None:
        texts = arrays.array("text", list(_texts(words)))
        cursor.execute(ADD, {"project": key[0], "day": key[1], "texts": texts})


def is_listed(lexeme: str) -> bool:
    """Whether a lexeme is looked for by its parts: words are, facts and pairs are not."""
    return len(lexeme) > 1 and lexeme[0] != ":" and is_word(lexeme)


def holding(project_id: int, part: str, first: date, last: date, most: int) -> set[str] | None:
    """The words of these days that `part` stands in; None when they are more than `most`."""
    found: set[str] = set()
    # A text is some thousand words, of which one at least holds the part.
    values: dict[str, Any] = {"project": project_id, "part": part, "first": first, "last": last, "most": most + 1}
    with connection.cursor() as cursor:
        cursor.execute(HOLDING, values)
        for (words,) in cursor:
            found.update(_lines_with(words, part))
            if len(found) > most:
                return None
    return found


def _lines_with(words: str, part: str) -> Iterator[str]:
    at = words.find(part)
    while at >= 0:
        end = words.find("\n", at)
        end = len(words) if end < 0 else end
        yield words[words.rfind("\n", 0, at) + 1 : end]
        at = words.find(part, end)


def _texts(words: Iterable[str]) -> Iterator[str]:
    """The words, one a line, in texts of some CHARACTERS."""
    places = count()
    sizes: list[int] = []
    total = 0
    listed = sorted(words)
    for word in listed:
        total += len(word) + 1
        sizes.append(total // CHARACTERS)
    for _, group in groupby(listed, key=lambda _: sizes[next(places)]):
        yield "\n".join(group)
