from datetime import UTC, datetime

import pytest

from traces import partitions
from traces.search import index
from traces.search.vocabulary import Vocabulary, holding

pytestmark = pytest.mark.django_db
DAY = datetime.now(UTC).date()


@pytest.fixture
def key(project):
    partitions.make({DAY})
    return project.pk, DAY


def added(vocabulary, key, *words):
    with index.own_cursor() as cursor:
        vocabulary.remember({key: vocabulary.add(cursor, key, words)})


def times_stored(key, word):
    with index.own_cursor() as cursor:
        cursor.execute("SELECT words FROM traces_vocabulary WHERE project_id = %s AND day = %s", key)
        return sum(words.split("\n").count(word) for (words,) in cursor.fetchall())


def found(key, part):
    return holding(key[0], part, DAY, DAY, most=100)


def test_a_word_is_stored_once_for_each_day_that_it_comes_on(key):
    vocabulary = Vocabulary()
    for _ in range(3):
        added(vocabulary, key, "refund", "parcel")
    assert times_stored(key, "refund") == times_stored(key, "parcel") == 1
    assert found(key, "fun") == {"refund"}


def test_facts_are_no_words(key):
    added(Vocabulary(), key, ":status=error", "refund")
    assert found(key, "status") == set()
    assert found(key, "ref") == {"refund"}


def test_words_that_come_again_are_remembered_among_any_number_that_come_once(key):
    vocabulary = Vocabulary(most=40)
    for number in range(30):
        added(vocabulary, key, "refund", *(f"order{number}x{place}" for place in range(10)))
        assert len(vocabulary) <= 40
    assert times_stored(key, "refund") == 1
    assert found(key, "order29x9") == {"order29x9"}
    assert found(key, "order0x0") == {"order0x0"}


def test_what_was_forgotten_or_another_worker_stored_is_found_once(key):
    added(Vocabulary(), key, "refund")
    added(Vocabulary(), key, "refund")
    assert found(key, "refund") == {"refund"}


def test_many_small_texts_become_one_that_holds_each_word_once(key):
    for worker in (Vocabulary(), Vocabulary()):
        for number in range(70):
            added(worker, key, f"order{number}")
    with index.own_cursor() as cursor:
        cursor.execute("SELECT count(*) FROM traces_vocabulary WHERE project_id = %s AND day = %s", key)
        assert cursor.fetchone()[0] < 20
    assert found(key, "order6") == {"order6", *(f"order6{digit}" for digit in range(10))}
    assert times_stored(key, "order5") == 1


def test_what_is_not_committed_is_not_remembered(key):
    vocabulary = Vocabulary()
    with index.own_cursor() as cursor:
        vocabulary.add(cursor, key, ["refund"])  # and its transaction fails, so that `remember` is not called
        cursor.execute("DELETE FROM traces_vocabulary")
    added(vocabulary, key, "refund")
    assert found(key, "refund") == {"refund"}
