"""Writing: once is once, whatever the order; what one span costs, no other pays."""

import random
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from accounts.keys import digest, make_key
from accounts.models import Key, Project
from tests import make
from traces import partitions, store
from traces.errors import KeyRefused
from traces.group_commit import Job
from traces.queries.spans import payload_of, spans_of
from traces.queries.traces import summaries_of
from traces.records import SpanRecord

pytestmark = pytest.mark.django_db


def stored_span(project: Project, record: SpanRecord) -> SpanRecord:
    """The record as it is read back, payload included."""
    spans = [one for one in spans_of(project.pk, [record.trace_id]) if one.span_id == record.span_id]
    assert len(spans) == 1
    return replace(spans[0].record, payload=payload_of(project.pk, record.trace_id, record.span_id))


def rows(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return int(cursor.fetchone()[0])


def test_every_field_comes_back_as_it_was_written(project):
    record = make.call(
        parent_id=b"12345678", trace_text="ticket 17", status_message="fine", failure="other", fallback="retry",
        finish_reason="stop", attempt=2, retries=1, cache_hit=True, time_to_first_token_us=210_000,
        request_id="r-1", session_id="s-1", user_id="u-1", feature="refund", service="shop", environment="prod",
        release="1.4", tags=["a", "b c", ""], response_id="resp-1", prompt_name="refund", prompt_version="8",
        template_name="t", template_version="1", retriever_name="kb", retriever_version="2", parser_name="p",
        parser_version="3", tool_name="orders", tool_version="4", cache_read_tokens=64, cache_write_tokens=1,
        reasoning_tokens=5, cost_usd=Decimal("0.000123"), cost_source="sent", refused=False, format_valid=True,
        confidence=0.75, input=[{"role": "user", "content": "hi"}], output="yes", parsed_output={"ok": True},
        parameters={"temperature": 0.2}, tools=[{"name": "orders"}], documents=[{"id": "d", "text": "passage"}],
        events=[{"name": "first token"}], links=[{"trace_id": "x"}], attributes={"k": [1, None, "ü"]},
        dropped_attributes=3,
    )  # fmt: skip
    make.stored(project.pk, record)
    assert stored_span(project, record) == record


def test_what_was_not_sent_stays_unknown(project):
    record = make.span(kind="tool")
    make.stored(project.pk, record)
    kept = stored_span(project, record)
    assert kept == record
    assert (kept.input_tokens, kept.cost_usd, kept.payload.input, kept.tags) == (None, None, None, None)


def test_a_span_sent_twice_is_stored_once(project):
    spans = make.trace()
    first, second = make.stored(project.pk, *spans), make.stored(project.pk, *spans)
    assert (first.accepted, second.accepted, second.duplicates, second.updated) == (2, 0, 2, 0)
    assert rows("traces_span") == rows("traces_payload") == 2
    assert rows("traces_summary") == 1


def test_the_same_span_twice_in_one_request_is_stored_once(project):
    record = make.call()
    outcome = make.stored(project.pk, record, replace(record))
    assert (outcome.accepted, outcome.duplicates, outcome.updated) == (1, 1, 0)


@pytest.mark.parametrize("fuller_first", [False, True])
def test_a_fuller_version_is_merged_and_null_never_erases(project, fuller_first):
    begun = make.call(
        duration_us=None, ended=False, status="unset", output_tokens=None, input="hi", attributes={"a": 1}
    )
    ended = replace(
        begun, duration_us=9, ended=True, status="ok", output_tokens=7, name="", model=None,
        payload=replace(begun.payload, input=None, output="yes", attributes={"b": 2}),
    )  # fmt: skip
    versions = [ended, begun] if fuller_first else [begun, ended]
    outcomes = [make.stored(project.pk, version) for version in versions]
    kept = stored_span(project, begun)
    assert (kept.name, kept.model, kept.duration_us, kept.ended, kept.status) == ("chat", begun.model, 9, True, "ok")
    assert (kept.payload.input, kept.payload.output, kept.payload.attributes) == ("hi", "yes", {"a": 1, "b": 2})
    assert [(one.accepted, one.updated) for one in outcomes] == [(1, 0), (0, 1)]
    assert make.stored(project.pk, begun).duplicates == make.stored(project.pk, ended).duplicates == 1


def test_a_late_repetition_of_an_old_version_undoes_nothing(project):
    old = make.call(output="first", name="old")
    new = replace(old, name="new", payload=replace(old.payload, output="second"))
    newest = replace(new, finish_reason="stop")
    for version in (old, new, newest):
        make.stored(project.pk, version)
    outcomes = [make.stored(project.pk, version) for version in (old, new, old)]
    kept = stored_span(project, old)
    assert (kept.name, kept.payload.output, kept.finish_reason) == ("new", "second", "stop")
    assert [one.duplicates for one in outcomes] == [1, 1, 1]


def test_a_later_version_is_priced_by_what_both_tell(project):
    without_model = make.call(model=None, model_requested=None, cost_source="unknown")
    make.stored(project.pk, without_model)
    make.stored(project.pk, replace(without_model, model="gpt-4o-mini", input_tokens=None, output_tokens=None))
    kept = stored_span(project, without_model)
    assert kept.cost_source == "priced"
    assert kept.cost_usd == Decimal("0.000027")  # 100 in at $0.15 and 20 out at $0.60 a million


def test_one_value_that_cannot_be_held_costs_only_its_span(project):
    good, bad = make.call(), make.call(input_tokens=2**63)
    outcome = make.stored(project.pk, good, bad, make.call())
    assert outcome.accepted == 2
    assert [position for position, _ in outcome.refused] == [1]
    assert rows("traces_span") == 2


def test_a_value_past_a_limit_of_postgres_costs_only_its_span(project):
    """Nothing that llmobs indexes can be as long, so the test adds an index of its own."""
    name = "".join(map(chr, random.Random(1).choices(range(0x4E00, 0x9FFF), k=3_000)))  # hard to compress
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX ON traces_span (name)")
    outcome = make.stored(project.pk, make.call(), make.call(name=name), make.call())
    assert outcome.accepted == 2
    (refused,) = outcome.refused
    assert (refused[0], "index row" in refused[1]) == (1, True)
    assert rows("traces_span") == 2


@pytest.mark.parametrize("year", [1970, 2262])
def test_an_implausible_start_is_kept_and_the_span_stands_where_it_came_in(project, year):
    record = make.span(started_at=datetime(year, 1, 2, tzinfo=UTC))
    make.stored(project.pk, record)
    assert make.stored(project.pk, record).duplicates == 1
    (span,) = spans_of(project.pk, [record.trace_id])
    assert span.record.started_at == record.started_at
    assert abs(span.happened_at - timezone.now()) < timedelta(minutes=1)


def test_a_span_without_a_start_is_one_span_on_the_next_day_too(project):
    record = make.span(started_at=None)
    today = timezone.now()
    partitions.make([(today + timedelta(days=1)).date()])
    assert store.write(project.pk, [record], today).accepted == 1
    assert store.write(project.pk, [record], today + timedelta(days=1)).duplicates == 1
    assert rows("traces_span") == 1


def test_a_trace_across_midnight_is_one_trace(project):
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    root = make.span(started_at=midnight - timedelta(seconds=1))
    child = make.call(trace_id=root.trace_id, parent_id=root.span_id, started_at=midnight + timedelta(seconds=1))
    make.stored(project.pk, root, child)
    assert len(spans_of(project.pk, [root.trace_id])) == 2


def test_a_day_of_the_past_is_made_on_demand(project):
    record = make.span(started_at=make.now() - timedelta(days=40))
    make.stored(project.pk, record)
    assert stored_span(project, record) == record


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_the_summary_is_the_same_in_any_order(project, order):
    at = make.now() - timedelta(minutes=2)
    root = make.span(name="refund", started_at=at, request_id="r-1", input={"question": "May I?"}, output="You may.")
    inside = {"trace_id": root.trace_id, "parent_id": root.span_id}
    first = make.call(started_at=at + timedelta(seconds=1), feature="refunds", input="inner", **inside)
    last = make.call(started_at=at - timedelta(seconds=1), user_id="u-9", **inside)  # a clock that is behind
    spans = [root, first, last]
    for place in order:
        make.stored(project.pk, spans[place])
    (summary,) = summaries_of(project.pk, [root.trace_id])
    assert (summary.name, summary.asked, summary.answered) == ("refund", "May I?", "You may.")
    assert (summary.request_id, summary.feature, summary.user_id) == ("r-1", "refunds", "u-9")
    assert summary.happened_at == at - timedelta(seconds=1)
    assert summary.has_root


@pytest.mark.parametrize(
    ("old", "new", "summary"),
    [
        ({}, {"parent_id": b"12345678"}, {"has_root": False}),
        ({"name": "a"}, {"name": "b"}, {"name": "b"}),
        ({"feature": "a"}, {"feature": "b"}, {"feature": "b"}),
        ({"input": "a"}, {"input": "b"}, {"asked": "b"}),
        ({"kind": "llm", "parent_id": b"12345678", "input": "a"}, {"kind": "tool"}, {"asked": None}),
        ({"duration_us": 20_000_000}, {"duration_us": 10_000_000}, {"ended_at": timedelta(seconds=10)}),
    ],
)
def test_a_summary_forgets_what_a_later_version_of_a_span_takes_back(project, old, new, summary):
    before = make.span(**old)
    fields = {name: value for name, value in new.items() if name != "input"}
    contents = {name: value for name, value in new.items() if name == "input"}
    after = replace(before, **fields, payload=replace(before.payload, **contents))
    for version in (before, after, before):
        make.stored(project.pk, version)
    (kept,) = summaries_of(project.pk, [before.trace_id])
    for name, value in summary.items():
        assert getattr(kept, name) == (before.started_at + value if isinstance(value, timedelta) else value)


def test_a_summary_follows_its_span_to_a_later_moment(project):
    early = make.span(start_may_change=True)
    late = replace(early, started_at=early.started_at + timedelta(seconds=30), duration_us=10_000_000)
    other = make.call(trace_id=early.trace_id, parent_id=early.span_id, started_at=late.started_at, input="hm")
    for version in (early, other, late):
        make.stored(project.pk, version)
    (kept,) = summaries_of(project.pk, [early.trace_id])
    assert (kept.happened_at, kept.ended_at) == (late.started_at, late.started_at + timedelta(seconds=10))
    assert (kept.name, kept.asked, kept.has_root) == (early.name, "hm", True)


@pytest.mark.parametrize("turned", [False, True])
def test_of_two_steps_of_one_moment_the_lesser_text_is_told(project, turned):
    at = make.now()
    trace = {"trace_id": b"0123456789abcdef", "parent_id": b"12345678", "started_at": at}
    steps = [make.call(name="a", input="z", output="p", **trace), make.call(name="b", input="y", output="q", **trace)]
    for step in reversed(steps) if turned else steps:
        make.stored(project.pk, step)
    (kept,) = summaries_of(project.pk, [trace["trace_id"]])
    assert (kept.name, kept.asked, kept.answered) == ("a", "y", "p")


def test_projects_do_not_see_each_other(project, other_project):
    record = make.call()
    make.stored(project.pk, record)
    make.stored(other_project.pk, replace(record, name="theirs"))
    assert stored_span(project, record).name == "chat"
    assert stored_span(other_project, record).name == "theirs"


@pytest.mark.django_db(transaction=True)
def test_four_writers_of_the_same_spans_store_each_once(project):
    spans = [make.call() for _ in range(60)]
    outcomes: list[store.Outcome] = []

    def write(turned: bool) -> None:
        try:
            for start in range(0, 60, 20):
                batch = spans[start : start + 40]
                outcomes.append(make.stored(project.pk, *(reversed(batch) if turned else batch)))
        finally:
            connection.close()

    writers = [threading.Thread(target=write, args=(number % 2 == 1,)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(outcomes) == 12
    assert sum(outcome.accepted for outcome in outcomes) == 60
    assert sum(outcome.updated for outcome in outcomes) == 0
    assert rows("traces_span") == rows("traces_payload") == 60


def in_a_group(project, *requests: list, keys: tuple = ()) -> list[Job]:
    """The jobs of requests that were written as one group."""
    now = make.now()
    jobs = []
    for number, records in enumerate(requests):
        key = keys[number] if keys else None
        wanted = store.Wanted(project.pk, records, now, key, store._rows(records, range(len(records)), now))
        jobs.append(Job(wanted, frozenset(row.key for row in wanted.rows)))
    store._write_group(jobs)
    return jobs


@pytest.mark.django_db(transaction=True)
def test_requests_of_a_group_each_learn_what_became_of_their_own_spans(project):
    known, longer = make.call(), make.call()
    make.stored(project.pk, known, longer)
    fuller = replace(longer, output_tokens=99)
    jobs = in_a_group(project, [make.call(), make.call()], [known], [fuller, make.call()])
    outcomes = [(job.what.outcome.accepted, job.what.outcome.duplicates, job.what.outcome.updated) for job in jobs]
    assert outcomes == [(2, 0, 0), (0, 1, 0), (1, 0, 1)]
    assert rows("traces_span") == rows("traces_payload") == 5


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_a_value_that_cannot_be_stored_costs_no_other_request_of_its_group(project, name):
    bad = replace(make.call(), name=name)
    jobs = in_a_group(project, [make.call()], [make.call(), bad], [make.call()])
    assert [job.error for job in jobs] == [None, None, None]
    assert [len(job.what.outcome.refused) for job in jobs] == [0, 1, 0]
    assert rows("traces_span") == 3


@pytest.mark.django_db(transaction=True)
def test_a_mistake_of_ours_costs_no_other_request_of_its_group(project):
    never = replace(make.call(), tags=[1])  # what no wire format lets through
    jobs = in_a_group(project, [make.call()], [never], [make.call()])
    assert [type(job.error) for job in jobs] == [type(None), TypeError, type(None)]
    assert rows("traces_span") == 2
    with pytest.raises(TypeError):
        make.stored(project.pk, never)


@pytest.mark.django_db(transaction=True)
def test_a_revoked_key_costs_no_other_request_of_its_group(project):
    good, revoked = make_key(project), make_key(project)
    Key.objects.filter(digest=digest(revoked)).update(revoked_at=make.now())
    keys = (digest(good), digest(revoked), digest(good))
    jobs = in_a_group(project, [make.call()], [make.call()], [make.call()], keys=keys)
    assert [type(job.error) for job in jobs] == [type(None), KeyRefused, type(None)]
    assert rows("traces_span") == 2


@pytest.mark.django_db(transaction=True)
def test_a_day_without_a_partition_is_made_for_the_request_that_needs_it(project):
    old = make.call(started_at=make.now() - timedelta(days=25, hours=3))
    jobs = in_a_group(project, [make.call()], [old])
    assert [job.error for job in jobs] == [None, None]
    assert rows("traces_span") == 2
