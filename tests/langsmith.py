"""What LangSmith's client sends, for tests: recorded and made bodies, and how they are sent."""

import json
import uuid
from pathlib import Path
from typing import Any

from django.http import HttpResponse
from django.test import Client

FOLDER = Path(__file__).parent / "payloads" / "langsmith"
# By case: what its program's requests held, counted when they were recorded, and the requests.
RECORDED: dict[str, dict[str, Any]] = json.loads((FOLDER / "requests.json").read_text())
TRACE = "01a1fbde-c676-745c-9f2f-b8d08e5a7076"
CHILD = "01a1fbde-c6df-7845-b4df-32e45911e154"
BOUNDARY = "b8ab6148e2b34e06864b78fc71854714"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
BEGAN, ENDED = "2026-11-21T02:10:43.446119+00:00", "2026-11-21T02:10:43.946119+00:00"
_PARTS = ("inputs", "outputs", "events", "extra", "error", "serialized")


def run(**members: Any) -> dict[str, Any]:
    """A root run, posted at its begin."""
    told = {"id": TRACE, "trace_id": TRACE, "name": "answer", "run_type": "chain", "start_time": BEGAN}
    return {**told, "session_name": "shop-bot", **members}


def parts(op: str, run: dict[str, Any]) -> list[tuple[str, str, bytes]]:
    """A run as the client takes it apart: name, type and bytes of each part."""
    small = {name: value for name, value in run.items() if name not in _PARTS}
    large = [(f".{name}", run[name]) for name in _PARTS if run.get(name) is not None]
    name = f"{op}.{run['id']}"
    return [(name + end, "application/json", json.dumps(value).encode()) for end, value in [("", small), *large]]


def multipart(*some: tuple[str, str, bytes]) -> bytes:
    """A body of parts, as the client writes it."""
    written = b""
    for name, content_type, data in some:
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\nContent-Type: {content_type}\r\n'
        written += head.encode() + f"Content-Length: {len(data)}\r\n\r\n".encode() + data + b"\r\n"
    return written + f"--{BOUNDARY}--\r\n".encode()


def feedback(**members: Any) -> dict[str, Any]:
    """A feedback as the client posts it."""
    told = {"id": str(uuid.UUID(int=7)), "run_id": TRACE, "trace_id": TRACE, "key": "helpful", "score": 0.9}
    return {**told, "modified_at": ENDED, "feedback_source": {"type": "api", "metadata": {}}, **members}


def send(
    client: Client, key: str, path: str, body: Any, content_type: str = "application/json", **more: str
) -> HttpResponse:
    """The answer to one request; `body` is bytes, or what becomes JSON. `method` and `encoding` may be told."""
    headers = {"x-api-key": key, **({"Content-Encoding": more["encoding"]} if "encoding" in more else {})}
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.generic(more.get("method", "POST"), path, data, content_type, headers=headers)


def send_recorded(client: Client, key: str, case: str) -> list[HttpResponse]:
    """The answers to the requests of a recorded case."""
    return [
        send(
            client, key, one["path"], (FOLDER / one["file"]).read_bytes(), one["content_type"], method=one["method"],
            **({"encoding": one["content_encoding"]} if "content_encoding" in one else {}),
        )
        for one in RECORDED[case]["requests"]
    ]  # fmt: skip
