"""What Traceloop's SDK sends beside its spans, over HTTP, and what can then be read and looked at."""

from base64 import b64encode
from urllib.parse import urlsplit

import orjson
import pytest

from tests import make
from tests.payloads import EXPECTED, records
from traces.models import Refusal

# As recorded: the ids are decimal numbers.
IMAGES = "/v2/traces/325087029864435436898655811934391779061/spans/5717100850417300391/images"
ANNOTATIONS = "/v2/annotation-tasks/task_123/annotations"
RECORDED = (
    b'{"entity_instance_id": "inst-1", "tags": {"sentiment": "positive", "score": 0.9}, "source": "sdk",'
    b' "flow": "user_feedback", "actor": {"type": "service", "id": "tl-bot"}}'
)
PNG = b"\x89PNG\r\n\x1a\n" + b"\1" * 40


@pytest.fixture
def send(client, ingest_key):
    def _send(method, path, body=b"{}", content_type="application/json", key=None):
        data = body if isinstance(body, bytes) else orjson.dumps(body)
        return client.generic(
            method, path, data, content_type, headers={"Authorization": f"Bearer {key or ingest_key}"}
        )

    return _send


@pytest.fixture
def scores(client, read_key):
    """The scores of the trace with this id, and of its steps, by their names."""

    def _scores(trace_id):
        trace = client.get(f"/api/v1/traces/{trace_id}", headers={"x-api-key": read_key}).json()
        return {one["name"]: one for holder in (trace, *trace["spans"]) for one in holder["scores"]}

    return _scores


@pytest.mark.parametrize(
    ("field", "entity"), [("session_id", "inst-1"), ("request_id", "inst-1"), ("trace_id", f"{9:032x}")]
)
def test_an_annotation_is_a_score_of_what_its_entity_is(send, scores, project, field, entity):
    span = make.span(**{field: bytes.fromhex(entity) if field == "trace_id" else entity})
    make.stored(project.pk, span)
    for _ in range(2):
        answer = send("POST", ANNOTATIONS, RECORDED.replace(b"inst-1", entity.encode()))
        assert (answer.status_code, answer.json()) == (200, {})
    found = scores(span.trace_id.hex())
    assert {name: (one["value"], one["source"]) for name, one in found.items()} == {
        "sentiment": ("positive", "user"), "score": (0.9, "user"),
    }  # fmt: skip
    assert found["score"]["metadata"]["annotation_task"] == "task_123"
    assert found["score"]["metadata"]["actor"]["id"] == "tl-bot"


def test_an_annotation_before_anything_is_known_of_its_entity_is_of_a_session(send, scores, project):
    assert send("POST", ANNOTATIONS, RECORDED).status_code == 200
    span = make.span(session_id="inst-1")
    make.stored(project.pk, span)
    assert scores(span.trace_id.hex())["sentiment"]["value"] == "positive"


def test_a_tag_that_is_annotated_again_has_the_new_value(send, scores, project):
    span = make.span(session_id="inst-1")
    make.stored(project.pk, span)
    for value in ("positive", "negative"):
        send("POST", ANNOTATIONS, RECORDED.replace(b"positive", value.encode()))
    assert scores(span.trace_id.hex())["sentiment"]["value"] == "negative"


def test_a_tag_with_several_values_is_a_score_for_each(send, project):
    body = {"entity_instance_id": "e", "tags": {"tones": ["calm", "kind"], "bad": {"a": 1}}}
    assert send("POST", ANNOTATIONS, body).status_code == 200
    assert Refusal.objects.get().items == 1  # the object; the others are stored


@pytest.mark.parametrize(
    "body",
    [
        *(
            b"{",
            b"[]",
            b"{}",
            b'{"entity_instance_id": 1, "tags": {"a": 1}}',
            b'{"entity_instance_id": "", "tags": {}}',
        ),
        b'{"entity_instance_id": "e", "tags": []}',
        b'{"entity_instance_id": "e", "tags": {"a": null}}',
        b'{"entity_instance_id": "e", "tags": {"a": []}}',
        b'{"entity_instance_id": "' + b"e" * 3_000 + b'", "tags": {"a": 1}}',
    ],
)
def test_an_annotation_that_is_none_is_refused_and_kept_for_its_sender(send, project, body):
    answer = send("POST", ANNOTATIONS, body)
    assert (answer.status_code, bool(answer.json()["message"])) == (400, True)
    assert Refusal.objects.count() == 1


@pytest.mark.parametrize("entity", ["\\u0000", "a\\u001fb", "\\ud800", "%", "../x", "0", "None"])
def test_an_entity_may_be_any_text(send, project, entity):
    body = b'{"entity_instance_id": "e%s", "tags": {"a\\u0000\\ud800": "b\\u0000\\ud800"}}' % entity.encode()
    assert send("POST", ANNOTATIONS, body).status_code == 200


def test_an_image_is_sent_where_it_was_told_to_and_shown_with_its_message(send, project, member_client, client):
    url = send("POST", IMAGES, {"image_name": "message_0 content/1.png"}).json()["url"]
    assert send("POST", urlsplit(url).path, {"image_data": b64encode(PNG).decode()}).status_code == 200
    message = {"role": "user", "parts": [{"type": "uri", "modality": "image", "uri": url}]}
    span = {"trace_id": "t1", "name": "chat", "started_at": "2026-11-21T02:00:00Z", "duration_ms": 5}
    record = span | {
        "attributes": {"gen_ai.operation.name": "chat", "gen_ai.input.messages": orjson.dumps([message]).decode()}
    }
    assert send("POST", "/api/v1/traces", record).status_code == 200
    page = member_client.get("/p/shop/traces/t1").content.decode()
    name = url.rpartition("/")[2]
    assert f"/p/shop/media/{name}" in page
    assert b"".join(member_client.get(f"/p/shop/media/{name}").streaming_content) == PNG


@pytest.mark.parametrize(
    "path", ["{0}/x.png/" + "0" * 64, "{0}/other.png/{1}", "/v2/traces/1/spans/1/images/a.png/{1}"]
)
def test_no_other_file_can_be_written_by_a_made_up_place(send, project, path):
    file = send("POST", IMAGES, {"image_name": "a.png"}).json()["url"].rpartition("/")[2]
    assert send("POST", path.format(IMAGES, file), {"image_data": "AAAA"}).status_code == 400


@pytest.mark.parametrize("body", [b"{", b"1", b"{}", b'{"image_data": 1}', b'{"image_data": "\xc3\xa4"}'])
def test_what_is_no_image_is_refused(send, project, body):
    url = send("POST", IMAGES, {"image_name": "a.png"}).json()["url"]
    assert send("POST", urlsplit(url).path, body).status_code == 400
    assert send("POST", IMAGES, body).status_code == 400


def test_what_it_looks_up_is_answered_so_that_its_program_goes_on(send, project):
    assert send("GET", "/v1/traceloop/prompts").json() == {"prompts": []}
    allowed = send("GET", "/v1/traceloop/pii/tracing-allow-list").json()
    assert allowed == {"associationPropertyAllowList": []}
    for method, path in (("GET", "/v2/datasets"), ("POST", "/v2/experiments/initialize"), ("DELETE", "/v2/x")):
        answer = send(method, path)
        assert (answer.status_code, answer.content) == (200, b"{}")


@pytest.mark.parametrize("path", [ANNOTATIONS, IMAGES, "/v2/anything", "/v1/traceloop/prompts"])
def test_an_unknown_key_is_401(send, project, path):
    assert send("POST", path, key="unknown").status_code == 401


@pytest.mark.parametrize("name", [name for name in EXPECTED if name.startswith("traceloop.")])
def test_its_spans_say_what_was_observed_of_its_program(name):
    spans, expected = records(name), EXPECTED[name]
    assert (len(spans), sum(span.is_root for span in spans)) == (expected["spans"], expected["roots"])
    assert set(expected["models"]) <= {span.model for span in spans}
    for field, value in expected.get("fields", {}).items():
        assert value in {getattr(span, field) for span in spans}
    for call in (span for span in spans if span.kind == "llm"):
        failure = {"RateLimitError": "rate_limited", "InternalServerError": "model_error"}.get(expected.get("error"))
        used = (None, None) if failure or ".nousage." in name else (120, 17)
        assert (call.failure, call.input_tokens, call.output_tokens) == (failure, *used)
        assert call.payload.input or ".image." in name  # without an answer to where the image may go it sends none
