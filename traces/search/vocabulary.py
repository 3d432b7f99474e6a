"""The words of each day, in a few long texts: what holds a part of a word is found there first, then in the index.

A worker adds the words that it does not remember. One that has forgotten a word, or a new or another worker, adds it
again, which does no harm and is tidied up when small texts are joined. What is stored is never read for this: most
words of a busy day are numbers and ids that come once, and soon there are more of them than a process should hold.
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
# Words remembered over all days and projects, some 70 bytes each.
MOST_REMEMBERED = 1_000_000

ADD = """
    INSERT INTO traces_vocabulary (project_id, day, words)
    SELECT %(project)s, %(day)s, unnest(%(texts)s::text[])
"""
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
_NONE: frozenset[int] = frozenset()


class Vocabulary:
    """What a worker remembers of the words that are stored. Not for several threads.

    There are two halves. When the newer one is full the older one is forgotten, and it becomes the older: words that
    come again are taken into the newer half again and stay, what came once goes.
    """

    def __init__(self, most: int = MOST_REMEMBERED) -> None:
        self._most = most
        self._newer: dict[Key, set[int]] = {}
        self._older: dict[Key, set[int]] = {}
        self._added: dict[Key, int] = {}

    def __len__(self) -> int:
        return sum(map(len, [*self._newer.values(), *self._older.values()]))

    def add(self, cursor: "psycopg.Cursor[Any]", key: Key, words: Iterable[str]) -> set[int]:
        """Store those of `words` that are not remembered of that day; give back what `remember` is told after the
        commit."""
        newer, older = self._newer.get(key, _NONE), self._older.get(key, _NONE)
        missing = [word for word in words if hash(word) not in newer]
        fresh = [word for word in missing if hash(word) not in older and is_listed(word)]
        if fresh:
            self._insert(cursor, key, fresh)
            self._added[key] = self._added.get(key, 0) + 1
        if self._added.get(key, 0) >= _MANY:
            self._join(cursor, key)
        return {*older.intersection(map(hash, missing)), *map(hash, fresh)}

    def remember(self, added: dict[Key, set[int]]) -> None:
        """Take in what was added and committed."""
        for key, hashes in added.items():
            self._newer.setdefault(key, set()).update(hashes)
        if sum(map(len, self._newer.values())) > self._most // 2:
            self._newer, self._older = {}, self._newer
            self._added = {key: count for key, count in self._added.items() if key in self._older}

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
