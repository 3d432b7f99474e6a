"""Media in messages: taken out into files, once; downloads for members, of types that cannot be rendered."""

import base64
import os
import threading
from datetime import timedelta
from hashlib import sha256

import orjson
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from llmobs.lib.storage import WholeFiles
from llmobs.lib.templatetags.figures import size
from tests.otlp import SPAN, TRACE, log, logs_protobuf, post, protobuf, span
from tests.payloads import the_call
from traces import media, media_files
from traces.queries.traces import trace_of
from traces.records import Payload
from traces.search.facts import told_by_payload

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20
NAME = sha256(PNG).hexdigest()
A_PNG = {"type": "image", "media_type": "image/png"}
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>" * 50


@pytest.fixture(autouse=True)
def folder(tmp_path, settings):
    """A folder of the test's own."""
    options = {"BACKEND": "llmobs.lib.storage.WholeFiles", "OPTIONS": {"location": str(tmp_path / "media")}}
    settings.STORAGES = {**settings.STORAGES, "media": options}
    return tmp_path / "media"


def encoded(data):
    return base64.b64encode(data).decode()


def asked(*parts):
    return [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, *parts]}]


def left(payload, least_bytes=media.LEAST_BYTES):
    """The payload once its media are out, and what was taken."""
    found = media.found(payload, least_bytes)
    for medium in found:
        medium.leave()
    return [medium.data for medium in found]


# Finding them


@pytest.mark.parametrize("name", ["otel-genai-openai.image.pb", "openinference.image.pb"])
def test_a_recorded_image_is_taken_out(name):
    payload = the_call(name).payload
    assert not media.found(payload)  # of 70 bytes, which stay where they are
    (data,) = left(payload, least_bytes=10)
    assert data.startswith(b"\x89PNG")
    assert payload.input[0]["content"][1] == {
        "type": "image", "media_type": "image/png", "media": sha256(data).hexdigest(), "size_bytes": len(data),
    }  # fmt: skip
    assert not media.found(payload, 10)


@pytest.mark.parametrize(
    ("part", "kept"),
    [
        ({**A_PNG, "data": encoded(PNG)}, A_PNG),
        ({"type": "audio", "data": encoded(PNG)}, {"type": "audio"}),
        ({"type": "file", "data": encoded(PNG), "url": "x", "name": "n"}, {"type": "file", "url": "x", "name": "n"}),
        ({"type": "video", "data": base64.urlsafe_b64encode(PNG).decode().rstrip("=")}, {"type": "video"}),
        ({"type": "image", "data": base64.encodebytes(PNG).decode()}, {"type": "image"}),
    ],
)
def test_a_part_names_its_file_and_keeps_the_rest(part, kept):
    payload = Payload(input=asked(part))
    assert left(payload) == [PNG]
    assert payload.input[0]["content"][1] == {**kept, "media": NAME, "size_bytes": len(PNG)}


@pytest.mark.parametrize(
    ("url", "kind", "media_type"),
    [
        ("data:image/png;base64,", "image", "image/png"),
        ("data:audio/wav;charset=x;base64,", "audio", "audio/wav"),
        ("data:text/html;base64,", "file", "text/html"),
    ],
)
@pytest.mark.parametrize("place", ["input", "output", "attribute", "logged"])
def test_a_data_url_is_taken_out_wherever_it_stands(url, kind, media_type, place):
    value = {"picture": [url + encoded(PNG)]}
    payload = {
        "input": lambda: Payload(input=value),
        "output": lambda: Payload(output=value),
        "attribute": lambda: Payload(attributes={"app.picture": value}),
        "logged": lambda: Payload(logged=[{"at": 1, "place": 0, "input": [value]}]),
    }[place]()
    assert left(payload) == [PNG]
    assert value["picture"] == [{"type": kind, "media_type": media_type, "media": NAME, "size_bytes": len(PNG)}]


@pytest.mark.parametrize(
    "value",
    [
        "data:image/png;base64,iVBORw0K",
        "data:image/svg+xml;utf8," + "<svg/>" * 1_000,
        "data:image/png;base64," + "!" * 9_000,
        "x" * 9_000,
        [{"type": "image", "data": "not base64, " * 1_000}],
        [{"type": "text", "data": encoded(PNG)}],
        {"data": encoded(PNG)},
        [{"type": "image", "data": 7}],
    ],
)
def test_what_is_small_or_no_base64_stays(value):
    payload = Payload(input=value)
    assert left(payload) == []
    assert payload.input == value


@given(
    st.recursive(
        st.text() | st.none() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_any_value_is_searched(value):
    payload = Payload(input=value, output=[value], attributes={"a": value})
    assert left(payload, 1) is not None


# Keeping them


def sent(client, key, part=None):
    messages = orjson.dumps(asked(part or {"type": "image", "media_type": "image/png", "data": encoded(PNG)}))
    body = protobuf(span(gen_ai__operation__name="chat", gen_ai__input__messages=messages.decode()))
    assert post(client, body, key).status_code == 200


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def shown(client, read_key):
    return client.get(f"/api/v1/traces/{TRACE}", headers={"Authorization": f"Bearer {read_key}"}).json()["spans"][0]


def test_an_image_is_a_file_and_its_part_an_address(client, project, ingest_key, read_key, member_client, folder):
    sent(client, ingest_key)
    assert files(folder) == [f"{project.pk}/{NAME}"]
    url = f"/p/shop/media/{NAME}"
    assert shown(client, read_key)["input"][0]["content"][1] == {
        "type": "image", "media_type": "image/png", "media": NAME, "size_bytes": len(PNG), "url": url,
    }  # fmt: skip
    answer = member_client.get(url)
    assert b"".join(answer.streaming_content) == PNG
    page = member_client.get(f"/p/shop/traces/{TRACE}?span={SPAN}").content.decode()
    assert f'href="{url}"' in page
    assert f"<small>{size(len(PNG))}</small>" in page
    assert "<img" not in page


def test_the_same_image_is_stored_once_and_for_each_project(client, project, other_project, ingest_key, folder):
    sent(client, ingest_key)
    sent(client, ingest_key)
    image = {"type": "image", "data": encoded(PNG)}
    media_files.take_out(project.pk, [Payload(input=asked(image, dict(image)))])
    assert files(folder) == [f"{project.pk}/{NAME}"]
    media_files.take_out(other_project.pk, [Payload(input=asked(dict(image)))])
    assert len(files(folder)) == 2


def test_an_image_in_logs_is_taken_out_too(client, project, ingest_key, read_key, folder):
    part = {"type": "blob", "modality": "image", "mime_type": "image/png", "content": encoded(PNG)}
    told = log(
        "gen_ai.client.inference.operation.details", **{"gen_ai.input.messages": [{"role": "user", "parts": [part]}]}
    )
    assert post(client, logs_protobuf(told), ingest_key, path="/v1/logs").status_code == 200
    assert files(folder) == [f"{project.pk}/{NAME}"]
    assert shown(client, read_key)["input"][0]["content"][0]["media"] == NAME


def test_what_cannot_be_written_stays_in_its_span(client, project, ingest_key, read_key, folder, caplog):
    folder.write_bytes(b"in the way")
    sent(client, ingest_key)
    assert shown(client, read_key)["input"][0]["content"][1]["data"] == encoded(PNG)
    assert "stay in their spans" in caplog.text
    folder.unlink()
    sent(client, ingest_key)
    assert shown(client, read_key)["input"][0]["content"][1]["media"] == NAME


class AwayError(Exception):
    """What the library of some cloud raises, which is of no class that llmobs knows."""


class Away(WholeFiles):
    """A storage whose service does not answer."""

    def exists(self, name):
        raise AwayError("connection refused")

    def open(self, name, mode="rb"):
        raise AwayError("connection refused")


def test_a_storage_in_trouble_of_any_kind_costs_no_span(client, project, ingest_key, read_key, member_client, settings):
    settings.STORAGES = {**settings.STORAGES, "media": {"BACKEND": f"{__name__}.Away"}}
    sent(client, ingest_key)
    assert shown(client, read_key)["input"][0]["content"][1]["data"] == encoded(PNG)
    answer = member_client.get(f"/p/shop/media/{NAME}")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert b"does not answer" in answer.content


def test_a_file_that_a_crash_cut_is_written_again(client, project, ingest_key, folder):
    sent(client, ingest_key)
    path = folder / str(project.pk) / NAME
    path.write_bytes(PNG[:100])
    sent(client, ingest_key)
    assert path.read_bytes() == PNG
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_file_is_whole_or_not_there(folder):
    storage = WholeFiles(location=folder)
    stop = threading.Event()

    def write():
        while not stop.is_set():
            storage.save("1/x", ContentFile(PNG * 50))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        seen = set()
        for _ in range(300):
            if storage.exists("1/x"):
                with storage.open("1/x") as file:
                    seen.add(len(file.read()))
    finally:
        stop.set()
        writer.join()
    assert seen <= {len(PNG) * 50}
    assert files(folder) == ["1/x"]


# Serving them


@pytest.mark.parametrize(
    ("data", "content_type", "ending"),
    [
        (PNG, "image/png", "png"),
        (b"\xff\xd8\xff\xe0" + bytes(3_000), "image/jpeg", "jpeg"),
        (b"GIF89a" + bytes(3_000), "image/gif", "gif"),
        (b"RIFF\0\0\0\0WEBPVP8 " + bytes(3_000), "image/webp", "webp"),
        (b"RIFF\0\0\0\0WAVEfmt " + bytes(3_000), "audio/wav", "wav"),
        (b"\0\0\0\x20ftypisom" + bytes(3_000), "video/mp4", "mp4"),
        (b"%PDF-1.7\n" + bytes(3_000), "application/pdf", "pdf"),
        (SVG, "application/octet-stream", "bin"),
        (b"<!doctype html><script>alert(1)</script>" * 90, "application/octet-stream", "bin"),
        (b"\0" * 3_000, "application/octet-stream", "bin"),
    ],
)
def test_a_file_is_an_attachment_of_the_type_that_its_bytes_tell(
    client, project, ingest_key, member_client, data, content_type, ending
):
    sent(client, ingest_key, {"type": "image", "media_type": "image/svg+xml", "data": encoded(data)})
    name = sha256(data).hexdigest()
    answer = member_client.get(reverse("traces:media", args=["shop", name]))
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, content_type)
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name[:12]}.{ending}"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert b"".join(answer.streaming_content) == data


def test_only_members_of_the_project_that_has_it_see_a_file(
    client, project, other_project, ingest_key, member_client, stranger_client, read_key
):
    sent(client, ingest_key)
    assert stranger_client.get(f"/p/shop/media/{NAME}").status_code == 404
    assert stranger_client.get(f"/p/bank/media/{NAME}").status_code == 404
    assert member_client.get(f"/p/bank/media/{NAME}").status_code == 404
    assert member_client.get(f"/p/shop/media/{'0' * 64}").status_code == 404
    assert client.get(f"/p/shop/media/{NAME}").status_code == 302
    assert member_client.post(f"/p/shop/media/{NAME}").status_code == 405


@pytest.mark.parametrize(
    "name",
    ["../../manage.py", "..%2F..%2Fmanage.py", "%2e%2e/x", NAME.upper(), NAME[:-1], NAME + "0", NAME + "%0A", "%00"],
)
def test_no_other_name_is_a_file(client, project, ingest_key, member_client, name):
    sent(client, ingest_key)
    assert member_client.get(f"/p/shop/media/{name}").status_code == 404


@pytest.mark.parametrize("name", ["../../etc/passwd", NAME.upper(), 7, None, "x" * 64, NAME + "\n"])
def test_a_part_that_claims_another_file_has_no_address(name):
    payload = Payload(input=[{"role": "user", "content": [{"type": "image", "media": name}]}])
    assert media.with_urls(payload, lambda name: "x").input == payload.input


def test_a_forged_part_leads_nowhere(client, project, ingest_key, member_client):
    forged = {"type": "image", "media": "../../../etc/passwd", "size_bytes": -1}
    body = orjson.dumps({"trace_id": TRACE, "input": [{"role": "user", "content": [forged]}], "duration_ms": 1})
    assert post(client, body, ingest_key, "application/json", "/api/v1/traces").status_code == 200
    page = member_client.get(f"/p/shop/traces/{TRACE}")
    assert page.status_code == 200
    assert b"/media/" not in page.content
    assert trace_of(project.pk, TRACE)


# Letting them go


def aged(folder, project, days):
    path = folder / str(project.pk) / NAME
    at = (timezone.now() - timedelta(days=days)).timestamp()
    os.utime(path, (at, at))
    return path


def test_a_file_goes_after_the_retention_unless_it_was_sent_again(client, project, ingest_key, folder, settings):
    assert media_files.drop_old(timezone.now()) == 0  # nothing was ever written
    sent(client, ingest_key)
    aged(folder, project, settings.SPAN_RETENTION_DAYS)
    assert media_files.drop_old(timezone.now()) == 0
    path = aged(folder, project, settings.SPAN_RETENTION_DAYS + 3)
    sent(client, ingest_key)
    assert media_files.drop_old(timezone.now()) == 0
    aged(folder, project, settings.SPAN_RETENTION_DAYS + 3)
    assert media_files.drop_old(timezone.now()) == 1
    assert not path.exists()
    assert storages["media"].listdir("")[0] == [str(project.pk)]


def test_a_step_with_an_attachment_is_found_by_it():
    named = {"type": "file", "media": NAME, "size_bytes": 1}
    assert ("has", "media") in told_by_payload(Payload(attributes={"langsmith.attachment.a": named}))
    assert told_by_payload(Payload(attributes={"langsmith.attachment.a": {"media": 7}})) == set()
