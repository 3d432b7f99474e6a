"""Opik's protocol over HTTP, from the bodies that its SDK sent, and what can then be read."""

import gzip
import json

import orjson
import pytest

from tests.payloads import FOLDER
from tests.web import sent, served
from traces.models import Refusal

CASES = orjson.loads((FOLDER / "opik" / "requests.json").read_bytes())
PRIVATE = "/opik/v1/private"
TRACE = "01a1fbe3-02cc-7002-afe5-dc5ab2bc2f49"
SPAN = "01a1fbe3-02cd-761a-92bc-06f7d76e73ed"
AT = "2026-11-21T02:15:2{}.036Z"


@pytest.fixture
def send(client, ingest_key):
    """Sends one request as the SDK does: the bare key, JSON."""

    def _send(method, path, body, **headers):
        data = body if isinstance(body, bytes) else orjson.dumps(body)
        named = {"Authorization": ingest_key, "Comet-Workspace": "default"} | headers
        return client.generic(method, path, data, "application/json", headers=named)

    return _send


@pytest.fixture
def read(client, read_key):
    """The trace with this id, as it can be read."""

    def _read(trace_id=TRACE):
        return client.get(f"/api/v1/traces/{trace_id}", headers={"x-api-key": read_key}).json()

    return _read


def replay(send, case, order=None):
    """Send a case's requests; gives the statuses and the ids of its traces."""
    requests = CASES[case]["requests"]
    statuses, traces = set(), {}
    for one in order(requests) if order else requests:
        body = (FOLDER / "opik" / one["body"]).read_bytes()
        encoding = {"Content-Encoding": one["encoding"]} if one["encoding"] else {}
        statuses.add(send(one["method"], one["path"], body, **encoding).status_code)
        said = json.loads(gzip.decompress(body) if one["encoding"] else body)
        traces |= dict.fromkeys(span["trace_id"] for span in said.get("spans", []))
        traces |= dict.fromkeys(trace["id"] for trace in said.get("traces", []))
        if one["method"] == "PATCH" and "/traces/" in one["path"]:
            traces[one["path"].rpartition("/")[2]] = None
    return statuses, list(traces)


def by_name(trace):
    return {span["name"]: span for span in trace["spans"]}


@pytest.mark.parametrize("order", [None, reversed], ids=["as sent", "backwards"])
@pytest.mark.parametrize("case", CASES)
def test_every_recorded_body_is_stored_whichever_comes_first(send, read, case, order):
    statuses, ids = replay(send, case, order)
    assert statuses == {204}
    (trace,) = [read(one) for one in ids]
    observed = CASES[case]["observed"]
    assert len(trace["spans"]) == observed.get("runs", 1)
    assert sum(len(span["scores"]) for span in trace["spans"]) + len(trace["scores"]) == observed.get("scores", 0)
    assert trace["complete"]
    (root,) = [span for span in trace["spans"] if span["parent_id"] is None]
    assert (root["span_id"], root["kind"]) == (trace["trace_id"], "chain")
    assert all(span["duration_ms"] is not None and span["duration_ms"] >= 0 for span in trace["spans"])


@pytest.mark.parametrize("order", [None, reversed], ids=["as sent", "backwards"])
def test_a_call_that_was_started_and_completed_is_one_call(send, read, order):
    _, (trace_id,) = replay(send, "chat", order)
    trace = read(trace_id)
    (call,) = [span for span in trace["spans"] if span["kind"] == "llm"]
    assert (call["model_requested"], call["model"]) == ("gpt-4o-mini", "gpt-4o-mini-2024-08-06")
    assert (call["input_tokens"], call["output_tokens"]) == (120, 17)
    assert (call["cache_read_tokens"], call["reasoning_tokens"]) == (64, 5)
    assert float(call["cost_usd"]) == pytest.approx(0.0000234)
    assert [message["role"] for message in call["input"]] == ["system", "user"]
    assert call["output"][0]["content"] == "Paris is the capital of France. [260]"
    assert (call["finish_reason"], call["response_id"], call["user_id"]) == ("stop", "chatcmpl-000260", "user-77")
    assert call["parameters"]["temperature"] == 0.2
    assert (call["service"], call["tags"], call["duration_ms"]) == ("proj-a", ["openai"], 52.652)
    assert trace["totals"]["input_tokens"] == 120


def test_a_trace_with_steps_says_who_asked_and_what_it_cost(send, read):
    replay(send, "rag")
    trace = read()
    steps = by_name({"spans": [span for span in trace["spans"] if span["span_id"] != TRACE]})
    assert {name: span["kind"] for name, span in steps.items()} == {
        "rag": "chain", "retrieve": "chain", "chat_completion_create": "llm", "get_weather": "tool",
    }  # fmt: skip
    assert steps["rag"]["parent_id"] == TRACE
    assert {span["parent_id"] for name, span in steps.items() if name != "rag"} == {SPAN}
    assert (steps["rag"]["cost_usd"], steps["rag"]["cost_source"]) == ("0.01", "sent")
    assert (steps["get_weather"]["tool_name"], steps["get_weather"]["output"]) == ("get_weather", "21C")
    (root,) = [span for span in trace["spans"] if span["span_id"] == TRACE]
    assert (root["session_id"], root["user_id"], root["prompt_version"]) == ("sess-9", "user-77", "v3")
    assert sorted(root["tags"]) == ["prod", "rag"]
    assert root["attributes"]["metadata.tenant"] == "acme"
    (score,) = trace["scores"]
    assert (score["name"], score["value"], score["comment"], score["source"]) == ("helpful", 0.9, "nice", "code")


@pytest.mark.parametrize(("case", "failure"), [("err429", "rate_limited"), ("exc", "other")])
def test_what_was_raised_says_why_it_failed(send, read, case, failure):
    _, (trace_id,) = replay(send, case)
    for span in read(trace_id)["spans"]:
        assert span["status"] == "error"
        (event,) = span["events"]
        assert event["attributes"]["exception.stacktrace"].startswith("Traceback")
    assert failure in {span["failure"] for span in read(trace_id)["spans"]}


def test_a_failed_call_names_the_model_that_was_asked(send, read):
    _, (trace_id,) = replay(send, "err429")
    (call,) = [span for span in read(trace_id)["spans"] if span["kind"] == "llm"]
    assert (call["model_requested"], call["model"], call["cost_usd"]) == ("gpt-4o-mini", None, None)
    assert call["status_message"].startswith("Error code: 429")


def test_an_old_version_that_comes_after_the_new_one_undoes_nothing(send, read):
    old = {"id": SPAN, "trace_id": TRACE, "name": "call", "type": "general", "start_time": AT.format(1)}
    old |= {"last_updated_at": AT.format(2), "metadata": {"model": "asked", "created_from": "openai", "step": "1"}}
    new = old | {"type": "llm", "end_time": AT.format(3), "last_updated_at": AT.format(3), "output": "done"}
    new |= {"model": "answered", "metadata": {"created_from": "openai", "step": "2"}}
    for version in (new, old, new, old):
        assert send("POST", f"{PRIVATE}/spans/batch", {"spans": [version]}).status_code == 204
    (span,) = read()["spans"]
    assert (span["kind"], span["model"], span["model_requested"]) == ("llm", "answered", "asked")
    assert (span["output"], span["duration_ms"], span["attributes"]["metadata.step"]) == ("done", 2000.0, "2")


def test_what_is_patched_before_it_is_posted_keeps_its_values(send, read):
    change = {"end_time": AT.format(4), "output": {"done": 1}, "tags": ["late"], "thread_id": "t-1"}
    assert send("PATCH", f"{PRIVATE}/traces/{TRACE}", change).status_code == 204
    first = {"id": TRACE, "name": "ask", "start_time": AT.format(1), "input": {"q": 1}, "last_updated_at": AT.format(1)}
    assert send("POST", f"{PRIVATE}/traces", first).status_code == 204
    (root,) = read()["spans"]
    assert (root["name"], root["input"], root["output"], root["duration_ms"]) == ("ask", {"q": 1}, {"done": 1}, 3000.0)
    assert (root["session_id"], root["tags"]) == ("t-1", ["late"])


def test_a_change_without_an_end_leaves_a_trace_open(send, read):
    send("POST", f"{PRIVATE}/traces", {"id": TRACE, "name": "ask", "start_time": AT.format(1)})
    assert send("PATCH", f"{PRIVATE}/traces/{TRACE}", {"tags": ["later"]}).status_code == 204
    trace = read()
    assert (trace["complete"], trace["spans"][0]["tags"]) == (False, ["later"])


def test_a_change_of_what_has_ended_is_added_to_it(send, read):
    whole = {"id": TRACE, "name": "ask", "start_time": AT.format(1), "end_time": AT.format(2), "tags": ["a"]}
    change = {"tags": ["b"], "metadata": {"reviewed": True}, "thread_id": "t"}
    send("POST", f"{PRIVATE}/traces", whole | {"metadata": {"tenant": "acme"}})
    assert send("PATCH", f"{PRIVATE}/traces/{TRACE}", change).status_code == 204
    (root,) = read()["spans"]
    assert (root["tags"], root["session_id"], root["duration_ms"]) == (["a", "b"], "t", 1000.0)
    metadata = {name: value for name, value in root["attributes"].items() if name.startswith("metadata.")}
    assert metadata == {"metadata.tenant": "acme", "metadata.reviewed": True}


def test_scores_come_before_their_trace_are_corrected_and_taken_back(send, read):
    score = {"id": TRACE, "name": "good", "value": 0.2, "source": "ui", "reason": "no"}
    for value in (0.2, 0.2, 0.7):
        answer = send("PUT", f"{PRIVATE}/traces/feedback-scores", {"scores": [score | {"value": value}]})
        assert answer.status_code == 204
    of_span = {"name": "tone", "value": 1, "category_name": "kind", "source": "online_scoring"}
    assert send("PUT", f"{PRIVATE}/spans/{SPAN}/feedback-scores", of_span).status_code == 204
    send("POST", f"{PRIVATE}/traces", {"id": TRACE, "start_time": AT.format(1)})
    send("POST", f"{PRIVATE}/spans", {"id": SPAN, "trace_id": TRACE, "start_time": AT.format(1)})
    told = [(one["name"], one["value"], one["source"]) for span in read()["spans"] for one in span["scores"]]
    assert told == [("tone", "kind", "judge")]
    assert [(one["value"], one["source"], one["comment"]) for one in read()["scores"]] == [(0.7, "member", "no")]
    assert send("POST", f"{PRIVATE}/traces/{TRACE}/feedback-scores/delete", {"name": "good"}).status_code == 204
    assert send("POST", f"{PRIVATE}/spans/{SPAN}/feedback-scores/delete", {"name": "tone"}).status_code == 204
    assert (read()["scores"], [span["scores"] for span in read()["spans"]]) == ([], [[], []])


def test_the_score_of_a_thread_is_that_of_its_session(send, read):
    send("POST", f"{PRIVATE}/traces", {"id": TRACE, "start_time": AT.format(1), "thread_id": "t-1"})
    score = {"thread_id": "t-1", "name": "calm", "value": 1.0, "source": "sdk"}
    assert send("PUT", f"{PRIVATE}/traces/threads/feedback-scores", {"scores": [score]}).status_code == 204
    assert [one["name"] for one in read()["scores"]] == ["calm"]
    gone = {"thread_id": "t-1", "names": ["calm"]}
    assert send("POST", f"{PRIVATE}/traces/threads/feedback-scores/delete", gone).status_code == 204
    assert read()["scores"] == []


def test_what_a_guardrail_said_is_kept_with_its_step(send, read):
    said = {"entity_id": TRACE, "secondary_id": SPAN, "name": "PII", "result": "failed", "config": {}, "details": {}}
    assert send("POST", f"{PRIVATE}/guardrails", {"guardrails": [said]}).status_code == 204
    span = {"id": SPAN, "trace_id": TRACE, "name": "check", "type": "guardrail", "start_time": AT.format(1)}
    send("POST", f"{PRIVATE}/spans", span | {"end_time": AT.format(2)})
    (step,) = read()["spans"]
    assert (step["kind"], step["name"], step["parent_id"]) == ("guardrail", "check", TRACE)
    assert step["attributes"]["opik.guardrail.PII"]["result"] == "failed"


HOSTILE = [
    *(1, "x", None, [], {}, [[]], {"id": [1], "start_time": 1}, {"id": "x" * 3_000}, {"id": SPAN}),
    {"id": SPAN, "trace_id": {"a": 1}},
]


def test_an_item_that_cannot_be_taken_costs_only_itself(send, read):
    good = {"id": SPAN, "trace_id": TRACE, "name": "good", "start_time": AT.format(1), "end_time": AT.format(2)}
    body = {"spans": [*HOSTILE, good, *HOSTILE]}
    assert send("POST", f"{PRIVATE}/spans/batch", body).status_code == 204
    assert [span["name"] for span in read()["spans"]] == ["good"]
    assert Refusal.objects.get().items == 2 * len(HOSTILE)


def test_values_of_any_type_are_kept_or_passed_over(send, read, member_client):
    wrong = {"nested": [{"\0": float("inf")}]}
    names = ("name", "type", "start_time", "end_time", "input", "output", "metadata", "model", "provider", "tags")
    more = ("usage", "error_info", "last_updated_at", "total_estimated_cost", "ttft", "environment", "project_name")
    for number, value in enumerate([wrong, [wrong], "\0\ud800", 2**70, True, -1.5, "9" * 5_000]):
        span = dict.fromkeys((*names, *more), value) | {"id": f"span {number}", "trace_id": TRACE}
        body = json.dumps({"spans": [span | {"parent_span_id": SPAN}]}).replace("Infinity", "1e999").encode()
        assert send("POST", f"{PRIVATE}/spans/batch", body).status_code == 204
        assert (
            send("PATCH", f"{PRIVATE}/traces/{TRACE}", json.dumps(dict.fromkeys(names, value)).encode()).status_code
            == 204
        )
        page = member_client.get(f"/p/shop/traces/{TRACE}?span=span {number}")
        assert page.status_code == 200
    assert len(read()["spans"]) == 7 + 1


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"traces": 1}', b'{"spans": [1]}', b'{"spans": [{}]}'])
def test_a_body_with_nothing_in_it_is_refused_and_kept_for_its_sender(send, body):
    answer = send("POST", f"{PRIVATE}/spans/batch", body)
    assert answer.status_code == 400
    assert answer.json()["message"]
    assert Refusal.objects.count() == 1


@pytest.mark.parametrize("body", [b"1", b"{}", b'{"scores": 1}', b'{"scores": [1, {}, {"id": "x", "name": "n"}]}'])
def test_scores_that_are_none_are_refused(send, body):
    assert send("PUT", f"{PRIVATE}/traces/feedback-scores", body).status_code == 400


def test_only_a_key_that_nobody_knows_is_401(send, read_key):
    assert send("POST", f"{PRIVATE}/traces/batch", {"traces": []}, Authorization="unknown").status_code == 401
    assert send("POST", f"{PRIVATE}/traces/batch", {"traces": []}, Authorization=read_key).status_code == 403
    assert send("POST", f"{PRIVATE}/traces/batch", {"traces": []}).status_code == 204


def test_what_it_asks_beside_is_answered(send, client, project):
    assert client.get("/opik/is-alive/ping").json()["healthy"] is True
    assert send("POST", f"{PRIVATE}/auth", {}).status_code == 204
    assert send("GET", f"{PRIVATE}/auth/workspace", b"").json() == {"workspace_name": "shop"}
    assert send("PUT", f"{PRIVATE}/traces/threads/close", {"thread_id": "t"}).status_code == 204
    for method, path in (("GET", "projects"), ("POST", "prompts/versions/retrieve"), ("GET", f"traces/{TRACE}")):
        answer = send(method, f"{PRIVATE}/{path}", b"{}")
        assert (answer.status_code, answer.json()["code"]) == (404, 404)


def test_a_database_that_is_away_makes_it_wait_and_not_give_up(tmp_path):
    headers = {"Authorization": "any", "Content-Type": "application/json"}
    with served(tmp_path, DATABASE_URL="postgres://nobody@127.0.0.1:1/nothing") as address:
        answer = sent(address, "POST", f"{PRIVATE}/traces/batch", b'{"traces": []}', **headers)
        assert answer.status == 429
        assert int(answer.headers["Retry-After"]) == int(answer.headers["RateLimit-Reset"]) > 0
        assert sent(address, "GET", "/opik/is-alive/ping").status == 503


PNG = b"\x89PNG\r\n\x1a\n" + b"\1" * 40
BASE = "aHR0cDovLzEyNy4wLjAuMTo5MTAwL29waWs="  # http://127.0.0.1:9100/opik


@pytest.fixture
def attach(send):
    """Sends a file as the SDK does; gives the status of the first answer that is no 200, else of the upload."""

    def _attach(name, entity, entity_id, data=PNG, path=BASE):
        said = {"file_name": name, "entity_type": entity, "entity_id": entity_id, "mime_type": "image/png"}
        answer = send("POST", f"{PRIVATE}/attachment/upload-start", {**said, "num_of_file_parts": 1, "path": path})
        if answer.status_code != 200:
            return answer.status_code
        assert answer.json()["upload_id"] == "BEMinIO"
        (url,) = answer.json()["pre_sign_urls"]
        assert url.startswith("http://127.0.0.1:9100/opik/v1/" if path == BASE else "http://testserver/opik/v1/")
        return send("PUT", url[url.index("/opik/") :], data).status_code

    return _attach


@pytest.mark.parametrize("file_first", [True, False])
def test_a_file_that_was_taken_out_of_a_message_is_shown_with_it(send, read, attach, member_client, file_first):
    name = "input-attachment-8261-1795227312247-sdk.png"
    image = {"type": "image_url", "image_url": {"url": f"[{name}]"}}
    call = {"id": SPAN, "trace_id": TRACE, "type": "llm", "start_time": AT.format(1), "end_time": AT.format(2)}
    call["input"] = {"messages": [{"role": "user", "content": [{"type": "text", "text": "See"}, image]}]}
    steps = [lambda: attach(name, "span", SPAN), lambda: send("POST", f"{PRIVATE}/spans", call).status_code]
    assert {step() for step in (steps if file_first else reversed(steps))} == {204}
    (shown,) = [part for part in read()["spans"][0]["input"][0]["content"] if part["type"] == "image"]
    assert (shown["media_type"], shown["name"]) == ("image/png", name)
    assert b"".join(member_client.get(shown["url"]).streaming_content) == PNG


def test_a_file_of_a_trace_is_there_before_it_and_leaves_it_open(send, read, attach, member_client):
    assert attach("plan a/b?.png", "trace", TRACE, path="no address") == 204
    send("POST", f"{PRIVATE}/traces", {"id": TRACE, "name": "ask", "start_time": AT.format(1)})
    trace = read()
    (root,) = trace["spans"]
    assert (trace["complete"], root["name"], root["kind"]) == (False, "ask", "chain")
    part = root["attributes"]["opik.attachment.plan a/b?.png"]
    assert (part["type"], part["name"]) == ("image", "plan a/b?.png")
    assert b"".join(member_client.get(f"/p/shop/media/{part['media']}").streaming_content) == PNG


def test_a_file_of_a_span_that_is_not_there_yet_is_sent_again(send, read, attach):
    assert attach("plan.png", "span", SPAN) == 429
    send("POST", f"{PRIVATE}/spans", {"id": SPAN, "trace_id": TRACE, "name": "step", "start_time": AT.format(1)})
    assert attach("plan.png", "span", SPAN) == 204
    assert attach("plan.png", "span", SPAN) == 204
    (span,) = read()["spans"]
    assert (span["name"], span["attributes"]["opik.attachment.plan.png"]["media_type"]) == ("step", "image/png")


@pytest.mark.parametrize(
    "said",
    [
        *(1, {}, {"entity_type": "thread", "entity_id": "x", "file_name": "y"}),
        {"entity_type": "trace", "entity_id": "", "file_name": "y"},
        {"entity_type": "trace", "entity_id": "x", "file_name": ["y"]},
        {"entity_type": "trace", "entity_id": "x", "file_name": "y" * 501},
    ],
)
def test_a_file_of_nothing_is_refused(send, said):
    assert send("POST", f"{PRIVATE}/attachment/upload-start", said).status_code == 400
    assert send("PUT", f"{PRIVATE}/attachment/upload", PNG).status_code == 400


def test_the_address_that_it_prints_leads_members_to_the_trace(send, client, member_client, stranger_client):
    send("POST", f"{PRIVATE}/traces", {"id": TRACE, "name": "ask", "start_time": AT.format(1)})
    printed = f"/opik/v1/session/redirect/projects/?trace_id={TRACE}&path=aHR0cA=="
    page = member_client.get(printed, follow=True)
    assert page.redirect_chain[-1][0] == f"/p/shop/traces/{TRACE}"
    assert page.status_code == 200
    assert stranger_client.get(printed, follow=True).status_code == 404
    assert client.get(printed, follow=True).redirect_chain[-1][0].startswith("/login?next=")
    for odd in ("", "?trace_id=", "?trace_id=%00%0a/..", "?trace_id=http://example.org/"):
        assert member_client.get(f"/opik/v1/session/redirect/projects/{odd}", follow=True).status_code == 404


@pytest.mark.parametrize("case", CASES)
def test_the_page_of_every_recorded_trace_opens(send, member_client, case):
    _, (trace_id,) = replay(send, case)
    assert member_client.get(f"/p/shop/traces/{trace_id}").status_code == 200
