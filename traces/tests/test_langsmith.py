"""LangSmith's addresses over HTTP: what is answered, what is stored, what is shown."""

import gzip
import json
import uuid
import zlib
from hashlib import sha256

import pytest
import zstandard
from django.db import connection

from accounts.keys import make_key
from accounts.models import Key
from tests.langsmith import CHILD, ENDED, MULTIPART, TRACE, feedback, multipart, parts, run, send
from tests.markup import Markup
from tests.web import sent, served
from traces.models import Refusal

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
ADDRESSES = [
    ("POST", "/runs/multipart"), ("POST", "/runs/batch"), ("POST", "/runs"), ("PATCH", f"/runs/{TRACE}"),
    ("POST", "/feedback"),
]  # fmt: skip


@pytest.fixture(autouse=True)
def folder(tmp_path, settings):
    """A folder of the test's own for media."""
    options = {"BACKEND": "llmobs.lib.storage.WholeFiles", "OPTIONS": {"location": str(tmp_path / "media")}}
    settings.STORAGES = {**settings.STORAGES, "media": options}
    return tmp_path / "media"


@pytest.fixture
def post(client, ingest_key):
    """Sends to an address, which must take all of it."""

    def _post(path, body, content_type="application/json", **more):
        answer = send(client, ingest_key, path, body, content_type, **more)
        assert (answer.status_code, answer.json()) == (202, {"rejected": []})

    return _post


@pytest.fixture
def trace(client, read_key):
    """The JSON of a trace as it can be read; None where there is none."""

    def _trace(trace_id=TRACE):
        answer = client.get(f"/api/v1/traces/{trace_id}", headers={"x-api-key": read_key})
        return answer.json() if answer.status_code == 200 else None

    return _trace


def traces():
    with connection.cursor() as cursor:
        cursor.execute("SELECT trace_text FROM traces_summary ORDER BY 1")
        return [one for (one,) in cursor.fetchall()]


# What is answered


def test_info_says_what_is_taken_to_anybody(client, db, settings):
    answer = client.get("/info")
    assert answer.status_code == 200
    said = answer.json()
    assert said["instance_flags"] == {"zstd_compression_enabled": True}
    assert said["batch_ingest_config"]["use_multipart_endpoint"] is True
    assert said["batch_ingest_config"]["size_limit_bytes"] == settings.INGEST_MAX_BODY_BYTES


@pytest.mark.parametrize(("method", "path"), ADDRESSES)
def test_a_key_is_needed_and_it_must_be_one_that_writes(client, ingest_key, read_key, method, path):
    assert send(client, "unknown", path, run(), method=method).status_code == 401
    assert send(client, read_key, path, run(), method=method).status_code == 403
    Key.objects.update(revoked_at="2026-01-01T00:00:00Z")
    assert send(client, ingest_key, path, run(), method=method).status_code == 401


def test_a_key_that_was_revoked_a_moment_ago_stores_nothing(post, client, ingest_key):
    post("/runs", run())
    Key.objects.update(revoked_at="2026-01-01T00:00:00Z")
    some = [*parts("post", run(id=CHILD)), ("feedback.x", "", json.dumps(feedback()).encode())]
    assert send(client, ingest_key, "/runs/multipart", multipart(*some), MULTIPART).status_code == 401
    body = multipart(("feedback.x", "", json.dumps(feedback()).encode()))
    assert send(client, ingest_key, "/runs/multipart", body, MULTIPART).status_code == 401


@pytest.mark.parametrize(("method", "path"), ADDRESSES)
def test_another_method_is_405_and_says_which(client, ingest_key, method, path):
    other = "PUT"
    answer = send(client, ingest_key, path, run(), method=other)
    assert (answer.status_code, answer["Allow"]) == (405, method)


@pytest.mark.parametrize(("method", "path"), ADDRESSES)
def test_what_can_never_be_read_is_400_and_in_the_inbox(client, ingest_key, method, path):
    answer = send(client, ingest_key, path, b"{", MULTIPART, method=method)
    assert answer.status_code == 400
    assert Refusal.objects.get().address == path


def test_a_body_that_is_too_large_is_413(client, ingest_key, settings):
    settings.INGEST_MAX_INFLATED_BYTES = 10_000
    body = zstandard.compress(multipart(*parts("post", run(inputs={"q": "x" * 20_000}))))
    answer = send(client, ingest_key, "/runs/multipart", body, MULTIPART, encoding="zstd")
    assert answer.status_code == 413


def test_an_encoding_that_nobody_announced_is_415(client, ingest_key):
    assert send(client, ingest_key, "/runs", run(), encoding="br").status_code == 415


def test_while_the_database_is_away_everything_is_put_off(tmp_path):
    headers = {"x_api_key": "any", "Content_Type": "application/json"}
    with served(tmp_path, DATABASE_URL="postgres://nobody@127.0.0.1:1/nothing") as address:
        for method, path in ADDRESSES:
            answer = sent(address, method, path, b"{}", **headers)
            assert (answer.status, int(answer.headers["Retry-After"])) == (503, 5)
        assert sent(address, "GET", "/info").status == 200


@pytest.mark.parametrize(
    ("encoding", "squeeze"),
    [("zstd", zstandard.compress), ("gzip", gzip.compress), ("deflate", zlib.compress), ("identity", bytes)],
)
def test_every_encoding_is_read(post, trace, encoding, squeeze):
    body = squeeze(multipart(*parts("post", run(inputs={"q": 1}, end_time=ENDED))))
    post("/runs/multipart", body, MULTIPART, encoding=encoding)
    assert trace()["spans"][0]["input"] == {"q": 1}


def test_a_bad_part_costs_its_run_alone_and_is_in_the_inbox(client, ingest_key, trace):
    bad = (f"post.{CHILD}.inputs", "application/json", b"{")
    body = multipart(*parts("post", run()), *parts("post", run(id=CHILD)), bad)
    answer = send(client, ingest_key, "/runs/multipart", body, MULTIPART)
    assert answer.status_code == 202
    assert [one["index"] for one in answer.json()["rejected"]] == [1]
    assert [span["span_id"] for span in trace()["spans"]] == [TRACE]
    refusal = Refusal.objects.get()
    assert (refusal.status, refusal.items, bytes(refusal.body)) == (None, 1, body)


def test_where_nothing_can_be_taken_it_is_422_which_is_not_sent_again(client, ingest_key):
    answer = send(client, ingest_key, "/runs/batch", {"post": [{"name": "x"}]})
    assert answer.status_code == 422
    assert answer.json() == {"rejected": [{"index": 0, "reason": 'runs[0]: it has no "id".'}]}
    assert Refusal.objects.get().status == 422


def test_1000_parts_and_more_are_no_trouble(post, trace):
    runs = [run(id=str(uuid.UUID(int=n)), parent_run_id=TRACE, inputs={"n": n}, end_time=ENDED) for n in range(100)]
    some = [part for one in [run(), *runs] for op in ("post", "patch") for part in parts(op, one)]
    some += [(f"attachment.{one['id']}.a{n}", "image/png", PNG) for one in runs for n in range(8)]
    assert len(some) > 1_000
    post("/runs/multipart", multipart(*some), MULTIPART)
    assert len(trace()["spans"]) == 101


def test_hostile_texts_are_stored(post, trace, member_client):
    hostile = {
        "name": "n\0\ud800",
        "run_type": "llm",
        "extra": {"metadata": {"k\0": "\ud800", "user_id": "u\0\udfff", "n": float("nan")}},
        "inputs": {"messages": [{"role": "user", "content": "\0\ud800"}]},
        "tags": ["t\0", 7, {}],
    }
    post("/runs", run(**hostile))
    (span,) = trace()["spans"]
    assert (span["user_id"], span["tags"]) == ("u\ufffd", ["t", "7"])
    assert member_client.get(f"/p/shop/traces/{TRACE}").status_code == 200


# Versions of a run


def test_a_patch_that_comes_before_its_post_is_kept_and_completed(post, trace):
    post(f"/runs/{TRACE}", {"end_time": ENDED, "outputs": {"output": "Hi"}, "name": None}, method="PATCH")
    (span,) = trace()["spans"]
    assert (span["name"], span["output"]) == ("", "Hi")
    post("/runs", run(inputs={"q": 1}))
    (span,) = trace()["spans"]
    assert (span["name"], span["input"], span["output"], span["ended"]) == ("answer", {"q": 1}, "Hi", True)
    assert span["started_at"].startswith("2026-11-21T02:10:43.446")


def test_a_patch_that_does_not_tell_its_trace_is_of_the_stored_run(post, trace):
    post("/runs/batch", {"post": [run(), run(id=CHILD, parent_run_id=TRACE, name="step")]})
    post(f"/runs/{CHILD}", {"trace_id": None, "end_time": ENDED, "outputs": {"output": "Hi"}}, method="PATCH")
    assert traces() == [TRACE]
    step = trace()["spans"][1]
    assert (step["name"], step["output"]) == ("step", "Hi")


def test_a_run_that_does_not_tell_its_trace_is_of_its_parent_s(post):
    post("/runs", run())
    post("/runs", run(id=CHILD, parent_run_id=TRACE, trace_id=None))
    post("/runs", run(id=str(uuid.UUID(int=5)), parent_run_id=CHILD, trace_id=None))
    assert traces() == [TRACE]


def test_a_run_of_nothing_that_is_known_is_a_trace_of_its_own(post):
    post("/runs", run(trace_id=None))
    post("/runs", run(id=CHILD, parent_run_id=str(uuid.UUID(int=5)), trace_id=None))
    assert traces() == [str(uuid.UUID(int=5)), TRACE]


def test_a_run_of_another_project_is_nobody_s_parent(post, client, other_project):
    post("/runs/batch", {"post": [run(), run(id=CHILD, parent_run_id=TRACE)]})
    grandchild = run(id=str(uuid.UUID(int=5)), parent_run_id=CHILD, trace_id=None)
    assert send(client, make_key(other_project), "/runs", grandchild).status_code == 202
    assert traces() == [TRACE, CHILD]


# Attachments


def test_an_attachment_is_on_the_page_to_be_downloaded(post, trace, member_client, stranger_client):
    some = [
        (f"attachment.{TRACE}.photo", "image/png", PNG),
        (f"attachment.{TRACE}.log", "text/plain; length=2", b"x\xff"),
    ]
    post("/runs/multipart", multipart(*parts("post", run(inputs={"x": 1}, end_time=ENDED)), *some), MULTIPART)
    page = Markup(member_client.get(f"/p/shop/traces/{TRACE}"))
    print("QQQ", page.words[page.words.find("photo") - 100 :][:300])
    address = f"/p/shop/media/{sha256(PNG).hexdigest()}"
    assert address in [link.get("href") for link in page.all("a")]
    assert b"".join(member_client.get(address).streaming_content) == PNG
    assert stranger_client.get(address).status_code == 404
    parts_said = trace()["spans"][0]["attributes"]
    assert parts_said["langsmith.attachment.photo"]["url"] == address


def test_attachments_of_another_version_are_beside_the_first(post, trace):
    for op, name, data in (("post", "a", PNG), ("patch", "b", PNG + b"b")):
        body = multipart(*parts(op, run(end_time=ENDED)), (f"attachment.{TRACE}.{name}", "image/png", data))
        post("/runs/multipart", body, MULTIPART)
    attributes = trace()["spans"][0]["attributes"]
    assert [attributes[f"langsmith.attachment.{name}"]["size_bytes"] for name in "ab"] == [264, 265]


def test_an_attachment_may_be_called_anything(post, trace, member_client):
    hostile = [f"attachment.{TRACE}.{name}" for name in ("a\0b", "x" * 9_000, "../../up", "<b>.\u202e", "{}")]
    body = multipart(*parts("post", run(end_time=ENDED)), *((name, "x\0/<b>", PNG) for name in hostile))
    post("/runs/multipart", body, MULTIPART)
    attributes = trace()["spans"][0]["attributes"]
    assert sum(name.startswith("langsmith.attachment.") for name in attributes) == len(hostile)
    page = Markup(member_client.get(f"/p/shop/traces/{TRACE}"))
    assert page.words.count("Download") >= len(hostile)
    assert page.inline == []


def test_an_attachment_that_no_storage_takes_stays_in_its_span(post, trace, folder):
    folder.write_bytes(b"a file where the folder should be")
    body = multipart(*parts("post", run(end_time=ENDED)), (f"attachment.{TRACE}.a", "image/png", b"\x89PNG"))
    post("/runs/multipart", body, MULTIPART)
    part = trace()["spans"][0]["attributes"]["langsmith.attachment.a"]
    assert part == {"type": "image", "name": "a", "media_type": "image/png", "data": "iVBORw=="}


# Feedback


def test_feedback_may_come_before_its_run_and_twice(post, trace):
    for _ in range(2):
        post("/feedback", feedback(run_id=CHILD, score=True))
    post("/runs/batch", {"post": [run(), run(id=CHILD, parent_run_id=TRACE)]})
    (score,) = trace()["spans"][1]["scores"]
    assert (score["name"], score["value"], score["target"]) == ("helpful", True, "span")


def test_later_feedback_of_the_same_id_takes_its_place(post, trace):
    post("/runs", run())
    post("/feedback", feedback(score=0.1, modified_at="2026-11-21T03:00:00Z"))
    post("/feedback", feedback(score=0.9, modified_at="2026-11-21T02:00:00Z"))
    assert [score["value"] for score in trace()["scores"]] == [0.1]


def test_runs_and_feedback_come_in_one_body(post, trace):
    some = [*parts("post", run()), ("feedback.1", "application/json", json.dumps(feedback()).encode())]
    post("/runs/multipart", multipart(*some), MULTIPART)
    assert [score["value"] for score in trace()["scores"]] == [0.9]


def test_a_feedback_that_says_nothing_is_422(client, ingest_key):
    answer = send(client, ingest_key, "/feedback", feedback(score=None))
    assert answer.status_code == 422
    assert "feedback[0]" in answer.json()["rejected"][0]["reason"]
