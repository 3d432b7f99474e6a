"""The demo's week: the same every time, never in the future, and with everything in it that it is there to show."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise

import pytest

from traces.demo.cases import GUIDE
from traces.demo.rhythm import BROKEN_PROMPT
from traces.demo.scripts import SESSION
from traces.demo.week import FEATURES, week
from traces.records import FAILURES, FALLBACKS, KINDS

NOON = datetime(2026, 11, 18, 12, 0, 7, tzinfo=UTC)
ENDS = [NOON, NOON.replace(hour=0, minute=31), NOON.replace(hour=5, minute=58), NOON.replace(day=22, hour=18)]
at_any_hour = pytest.mark.parametrize("end", ENDS, ids=lambda end: f"{end:%a %H:%M}")


@cache
def traces(end=NOON):
    return list(week(end))


def spans_of(trace):
    return trace.get("spans", [trace])


@cache
def spans(end=NOON):
    return [span for trace in traces(end) for span in spans_of(trace)]


def root_of(trace):
    return next((span for span in spans_of(trace) if not span.get("parent_id")), {})


def began_at(trace):
    return datetime.fromisoformat(spans_of(trace)[0]["started_at"])


def within(end, since, until=0):
    """Traces that began from `since` to `until` minutes before the end."""
    first, last = end - timedelta(minutes=since), end - timedelta(minutes=until)
    return [trace for trace in traces(end) if first <= began_at(trace) < last]


def error_rate(some):
    return sum(root_of(trace).get("status") == "error" for trace in some) / len(some)


def p95_seconds(some):
    took = sorted(root_of(trace).get("duration_us") or 0 for trace in some)
    return took[int(len(took) * 0.95)] / 1e6


def texts():
    return [json.dumps(span.get("input"), ensure_ascii=False) for span in spans() if span.get("input")]


def test_the_same_arguments_give_the_same_week():
    assert list(week(NOON)) == traces()
    assert list(week(NOON, days=2, seed=8)) != list(week(NOON, days=2, seed=9))


@at_any_hour
def test_nothing_lies_in_the_future_or_before_the_week(end):
    for span in spans(end):
        start = datetime.fromisoformat(span["started_at"])
        ended = start + timedelta(microseconds=span.get("duration_us") or 0)
        assert end - timedelta(days=7, minutes=1) <= start <= ended <= end


@at_any_hour
def test_it_is_a_week_of_a_small_shop(end):
    assert 5_000 < len(traces(end)) < 8_000
    assert 22_000 < len(spans(end)) < 34_000
    assert all(within(end, day * 1440, (day - 1) * 1440) for day in range(1, 8))


def test_ids_are_unique():
    ids = [(trace["trace_id"], span["span_id"]) for trace in traces() if "spans" in trace for span in trace["spans"]]
    assert len(set(ids)) == len(ids)


@at_any_hour
def test_an_incident_is_live_when_it_ends(end):
    worst, hour_before_it = within(end, 15), within(end, 100, 36)
    assert len(worst) >= 60
    assert 0.15 < error_rate(worst) < 0.45
    assert error_rate(hour_before_it) < 0.05
    assert p95_seconds(worst) > 2 * p95_seconds(hour_before_it)
    assert error_rate(within(end, 7 * 1440, 1440)) < 0.02


@at_any_hour
def test_the_incident_is_still_seen_minutes_after_the_end(end):
    assert len(within(end, 8)) >= 50
    assert error_rate(within(end, 8)) > 0.1


@at_any_hour
def test_there_is_enough_to_judge_in_the_last_hour(end):
    assert len(within(end, 60)) >= 300
    assert all(len(within(end, since, since - 15)) >= 40 for since in (15, 30, 45, 60))


@at_any_hour
def test_the_usual_of_this_hour_is_known_from_each_day_before(end):
    for day in range(1, 7):
        same_time = within(end, day * 1440 + 15, day * 1440)
        assert len(same_time) >= 25
        assert error_rate(same_time) < 0.15
        assert p95_seconds(within(end, 15)) > 2 * p95_seconds(within(end, day * 1440 + 60, day * 1440))


def test_nights_are_quieter_than_noons():
    nights = Counter(began_at(trace).hour for trace in within(NOON, 7 * 1440, 1440))
    assert nights[3] * 4 < nights[15]


def test_three_days_ago_a_prompt_broke_the_parser_for_41_minutes():
    began, lasted = (part / timedelta(minutes=1) for part in BROKEN_PROMPT)
    broken = [trace for trace in within(NOON, began, began - lasted) if trace["feature"] == "refund-assistant"]
    failed = [trace for trace in broken if root_of(trace).get("failure") == "parser_failed"]
    assert len(failed) >= 4
    assert {span["prompt_version"] for trace in failed for span in trace["spans"] if span.get("format_valid")} == set()
    used = {s.get("prompt_version") for s in spans() if s.get("prompt_name") == "refund-assistant"}
    assert used == {"7", "8", "9"}


def test_the_request_that_support_asks_about_tells_its_story():
    [trace] = [trace for trace in traces() if trace["request_id"] == GUIDE]
    kinds = Counter(span["kind"] for span in trace["spans"])
    assert kinds["parser"] == 2
    assert kinds["retrieval"] == 1
    assert kinds["tool"] == 1
    failures = [span for span in trace["spans"] if span.get("failure") == "parser_failed"]
    assert len(failures) == 2
    assert all("JSONDecodeError" in span["status_message"] for span in failures)
    assert root_of(trace)["fallback"] == "default_answer"
    documents = [span["documents"] for span in trace["spans"] if span.get("documents")]
    assert all(one["score"] and one["text"] for found in documents for one in found)


def test_a_session_has_turns_that_remember_each_other():
    turns = [trace for trace in traces() if trace.get("session_id") == SESSION]
    assert len(turns) == 5
    assert len({trace["user_id"] for trace in turns}) == 1
    calls = [next(span for span in trace["spans"] if span["kind"] == "llm") for trace in turns]
    assert all(len(before["input"]) < len(after["input"]) for before, after in pairwise(calls))
    many = Counter(trace.get("session_id") for trace in traces())
    assert sum(count > 1 for session, count in many.items() if session) > 50


@pytest.mark.parametrize(
    ("what", "words", "without"),
    [
        ("kind", KINDS, set()),
        ("failure", FAILURES, set()),
        ("fallback", FALLBACKS, {"none"}),
        ("status", ("ok", "error"), set()),
        ("finish_reason", ("stop", "tool_calls"), set()),
    ],
)
def test_every_word_of_the_record_occurs(what, words, without):
    assert {span.get(what) for span in spans()} >= set(words) - without


FOUND = {
    "every feature": lambda: {trace["feature"] for trace in traces()} >= set(FEATURES),
    "several providers": lambda: len({span.get("provider") for span in spans()}) >= 6,
    "a model without a price": lambda: any(span.get("provider") == "vllm" for span in spans()),
    "a rerank without tokens": lambda: any(s["kind"] == "rerank" and not s.get("input_tokens") for s in deep()),
    "a cost that was sent": lambda: any(span.get("cost_usd") for span in spans()),
    "both environments": lambda: {trace.get("environment") for trace in traces()} >= {"production", "staging"},
    "releases that change": lambda: len({t.get("release") for t in traces() if t.get("service") == "support-api"}) == 5,
    "a prompt that changes": lambda: used_versions("email-draft") == {"3", "4"},
    "streaming": lambda: any(span.get("time_to_first_token_us") for span in spans()),
    "cached tokens": lambda: any(span.get("cache_read_tokens") for span in spans()),
    "reasoning tokens": lambda: any(span.get("reasoning_tokens") for span in spans()),
    "an answer from a cache": lambda: any(span.get("cache_hit") for span in spans()),
    "tool calls": lambda: any(m.get("tool_calls") for s in deep() if s["kind"] == "llm" for m in s.get("output") or ()),
    "a retry inside the client": lambda: any(span.get("retries") for span in spans()),
    "three attempts": lambda: any(span.get("attempt") == 3 for span in spans()),
    "a refusal": lambda: any(span.get("refused") for span in spans()),
    "an image": lambda: any('"image/png"' in text for text in texts()),
    "a voice message": lambda: any('"audio/ogg"' in text for text in texts()),
    "confidence": lambda: any(span.get("confidence") for span in spans()),
    "an agent in a loop": lambda: any(sum(s["kind"] == "tool" for s in spans_of(t)) > 10 for t in traces()),
    "300 KB in one prompt": lambda: any(len(text) >= 300_000 for text in texts()),
    "a trace whose root never came": lambda: any(not root_of(trace) for trace in traces()),
    "a span that never ended": lambda: any("duration_us" in s and s["duration_us"] is None for s in spans()),
    "a flat record": lambda: any("spans" not in trace for trace in traces()),
    "long names": lambda: any(len(span.get("name", "")) > 250 for span in spans()),
    "right-to-left writing": lambda: any("א" <= letter <= "ي" for text in texts() for letter in text[:40]),
    "Chinese and Japanese": lambda: any("订单" in text for text in texts()) and any("注文" in text for text in texts()),
    "emoji": lambda: any("🍋" in text for text in texts()),
    "markup of a customer": lambda: any("<script>" in text for text in texts()),
    "customers who come back": lambda: Counter(t.get("user_id") for t in traces()).most_common(3)[-1][1] > 10,
    "tags": lambda: any(trace.get("tags") for trace in traces()),
}


def deep():
    return [span for span in spans() if "kind" in span]


def used_versions(prompt):
    return {span.get("prompt_version") for span in spans() if span.get("prompt_name") == prompt}


@pytest.mark.parametrize("what", FOUND)
def test_the_week_has(what):
    assert FOUND[what]()


def test_parts_of_tokens_are_never_more_than_their_whole():
    for span in spans():
        assert (span.get("cache_read_tokens") or 0) <= (span.get("input_tokens") or 0)
        assert (span.get("reasoning_tokens") or 0) <= (span.get("output_tokens") or 0)


def test_longer_answers_take_longer():
    calls = [s for s in deep() if s["kind"] == "llm" and s["status"] == "ok" and s["model_requested"] == "gpt-4.1-mini"]
    calls = [span for span in calls if span.get("output_tokens") and span["input_tokens"] < 2_000]
    calls.sort(key=lambda span: span["output_tokens"])
    tenth = len(calls) // 10
    assert sum(s["duration_us"] for s in calls[-tenth:]) > 1.5 * sum(s["duration_us"] for s in calls[:tenth])
