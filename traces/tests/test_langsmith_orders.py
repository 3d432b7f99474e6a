"""Posts, patches and feedback of LangSmith's client in any order, grouping and repetition leave the same trace."""

import json
from itertools import count

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from accounts.keys import make_key
from accounts.models import Key
from accounts.projects import create_project
from tests.langsmith import BEGAN, CHILD, ENDED, MULTIPART, TRACE, feedback, multipart, parts, run, send
from tests.test_random_ingest import LENGTHS, property_test

_numbers = count(1)
ORDER = f"20261121T021043446119Z{TRACE}.20261121T021043551237Z{CHILD}"
CALL = {
    "start_time": BEGAN.replace("446119", "551237"),
    "id": CHILD,
    "parent_run_id": TRACE,
    "dotted_order": ORDER,
    "run_type": "llm",
    "name": "ChatOpenAI",
}
ASKED = {"messages": [{"role": "user", "content": "Capital?"}], "model": "gpt-4o-mini", "temperature": 0.2}
USED = {"input_tokens": 120, "output_tokens": 17, "input_token_details": {"cache_read": 64}}
ANSWER = {
    "choices": [{"message": {"role": "assistant", "content": "Paris"}, "finish_reason": "stop"}],
    "model": "gpt-4o",
}
ERROR = "ValueError('x')\n\nTraceback (most recent call last):"
LATER, LATEST = ENDED.replace("43.9", "44.9"), ENDED.replace("43.9", "45.9")


def patch(**members):
    """A patch as update_run writes it: null where it was not told."""
    return {
        **dict.fromkeys(("name", "run_type", "tags", "extra", "session_name", "trace_id", "dotted_order")),
        **members,
    }


VERSIONS = [
    ("post", run(inputs={"q": "Capital?"}, outputs={}, events=[], tags=["prod"])),
    ("patch", patch(id=TRACE, trace_id=TRACE, end_time=LATER, outputs={"output": "Paris"})),
    ("patch", patch(id=TRACE, trace_id=TRACE, end_time=LATEST, outputs={"output": "Paris!"}, tags=["late"])),
    ("post", run(**CALL, inputs=ASKED, outputs={}, extra={"metadata": {"user_id": "u", "n": 1}})),
    ("patch", patch(id=CHILD, dotted_order=ORDER, end_time=ENDED, outputs={**ANSWER, "usage_metadata": USED},
                    events=[{"name": "new_token", "time": "2026-11-21T02:10:43.600000Z"}])),
    ("patch", patch(id=CHILD, dotted_order=ORDER, end_time=LATER, extra={"metadata": {"n": 2, "session_id": "s"}})),
    ("patch", patch(id=CHILD, dotted_order=ORDER, end_time=LATER, error=ERROR)),
    ("feedback", feedback(score=0.1, modified_at=ENDED)),
    ("feedback", feedback(score=0.9, modified_at=LATER)),
]  # fmt: skip


def send_some(key, some):
    """Versions in one request, in one of the forms that a client may choose."""
    if all(op != "feedback" for op, _ in some) and len(some) % 2:
        runs = {op: [one for name, one in some if name == op] for op in ("post", "patch")}
        answer = send(Client(), key, "/runs/batch", runs)
    else:
        written = [
            part
            for op, one in some
            for part in (parts(op, one) if op != "feedback" else [("feedback.x", "", json.dumps(one).encode())])
        ]
        answer = send(Client(), key, "/runs/multipart", multipart(*written), MULTIPART)
    assert (answer.status_code, answer.json()) == (202, {"rejected": []})


def stored(project):
    """The trace as it can be read, without what it says of when it came in."""
    answer = Client().get(f"/api/v1/traces/{TRACE}", headers={"x-api-key": make_key(project, Key.Scope.READ)}).json()
    for span in answer["spans"]:
        del span["received_at"]
    return {name: answer[name] for name in ("spans", "totals", "scores", "complete")}


@pytest.mark.django_db
@LENGTHS
def test_any_order_leaves_the_same_trace(examples):
    @property_test(examples)
    @given(st.permutations(VERSIONS), st.lists(st.sampled_from(VERSIONS), max_size=4), st.data())
    def check(order, again, data):
        project = create_project(f"order-{next(_numbers)}", "Order")
        key, left = make_key(project), [*order, *again]
        while left:
            size = data.draw(st.integers(1, len(left)))
            send_some(key, left[:size])
            left = left[size:]
        root, call = stored(project)["spans"]
        assert (root["name"], root["kind"], root["input"], root["output"]) == (
            "answer", "chain", {"q": "Capital?"}, "Paris!",
        )  # fmt: skip
        assert (root["tags"], root["duration_ms"]) == (["late", "prod"], 2500.0)
        assert (call["name"], call["kind"], call["parent_id"], call["duration_ms"]) == (
            "ChatOpenAI",
            "llm",
            TRACE,
            1394.882,
        )
        assert (call["input"][0]["content"], call["output"][0]["content"]) == ("Capital?", "Paris")
        assert (call["input_tokens"], call["cache_read_tokens"], call["model"]) == (120, 64, "gpt-4o")
        assert (call["status"], call["status_message"]) == ("error", "ValueError('x')")
        assert (call["user_id"], call["session_id"]) == ("u", "s")
        assert call["attributes"]["langsmith.metadata.n"] == 2
        assert call["time_to_first_token_ms"] == pytest.approx(48.763)
        assert [score["value"] for score in stored(project)["scores"]] == [0.9]
        kept.append(stored(project))
        assert kept[0] == kept[-1]

    kept = []
    check()


def test_the_begin_of_a_run_alone_is_open_and_says_what_it_knows(client, ingest_key, project):
    assert send(client, ingest_key, "/runs", run(inputs={"q": 1}, start_time=BEGAN)).status_code == 202
    (span,) = stored(project)["spans"]
    assert (span["ended"], span["input"], span["duration_ms"]) == (False, {"q": 1}, None)
