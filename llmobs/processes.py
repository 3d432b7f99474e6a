"""The processes that run our own code: how each is started, where it listens, whether it serves."""

import http.client
import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from llmobs.supervise import Service

WEB_THREADS = 16  # of each web worker, and the size of its database pool
GRPC_THREADS = 8  # of the one process that serves gRPC, likewise
GRPC_PORT = 4317  # OpenTelemetry's own
EVERYWHERE = {"0.0.0.0", "::", ""}  # noqa: S104  # compared with, not listened on


@dataclass(frozen=True, slots=True)
class Ports:
    """Where we listen. `grpc` is 0 where nothing is taken in over gRPC, None while that is not decided."""

    host: str
    web: int
    grpc: int | None


def of_our_own(ports: Ports, workers: int) -> list[Service]:
    """All processes that run our own code, not started."""
    return [web(ports, workers), *([grpc(ports)] if ports.grpc else []), worker(), beat()]


def web(ports: Ports, workers: int) -> Service:
    """The web server. Its threads are as many as its database connections, so that none waits long for one."""
    threads = os.environ.get("WEB_THREADS") or str(WEB_THREADS)
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", ports.host]
    command += ["--port", str(ports.web), "--workers", str(workers), "--blocking-threads", threads, "--backlog", "1024"]
    # A hung request must not hold up the end; a dead worker must not end the others.
    command += ["--workers-kill-timeout", "8", "--respawn-failed-workers", "--respawn-interval", "0.5"]
    command += ["--no-ws", "--log-level", "warning", "llmobs.wsgi:application"]
    # With an arena for each thread a worker kept 240 MB after a load that needs 160.
    return service("Web", command, WEB_THREADS=threads, MALLOC_ARENA_MAX=os.environ.get("MALLOC_ARENA_MAX", "2"))


def grpc(ports: Ports) -> Service:
    """What takes OpenTelemetry in over gRPC."""
    command = [sys.executable, "manage.py", "otlp_grpc", "--host", ports.host, "--port", str(ports.grpc)]
    threads = os.environ.get("GRPC_THREADS") or str(GRPC_THREADS)
    return service("gRPC", command, WEB_THREADS=threads, MALLOC_ARENA_MAX=os.environ.get("MALLOC_ARENA_MAX", "2"))


def worker() -> Service:
    """What runs the jobs."""
    options = ["--concurrency", "2", "--loglevel", "WARNING", "--without-gossip", "--without-mingle"]
    return service("Worker", [sys.executable, "-m", "celery", "-A", "llmobs", "-q", "worker", *options])


def beat() -> Service:
    """What makes jobs due. One per installation."""
    schedule = str(settings.DATA_DIR / "beat_schedule")
    options = ["--schedule", schedule, "--pidfile", "", "--loglevel", "WARNING"]
    return service("Beat", [sys.executable, "-m", "celery", "-A", "llmobs", "-q", "beat", *options])


def service(name: str, command: list[str], **env: str) -> Service:
    """A process of our own code."""
    env = {"PYTHONUNBUFFERED": "1", "DJANGO_SETTINGS_MODULE": "llmobs.settings"} | env
    log: Path = settings.DATA_DIR / "log" / f"{name.lower()}.log"
    return Service(name, command, log, env=env, folder=settings.BASE_DIR)


def address_of(host: str, port: int) -> str:
    """Where a browser on this machine finds a server that listens on `host`."""
    name = own_host(host)
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def own_host(host: str) -> str:
    """By which name this machine reaches a server of its own that listens on `host`."""
    return "127.0.0.1" if host in EVERYWHERE else host


def obstacle_at(ports: Ports) -> str | None:
    """Why what we started does not serve yet, in its own words; None when it does."""
    return _web_obstacle_at(ports) or _grpc_obstacle_at(ports)


def _grpc_obstacle_at(ports: Ports) -> str | None:
    """Why nothing is taken in over gRPC yet; None when it is, or is not wanted."""
    try:
        if ports.grpc:
            socket.create_connection((own_host(ports.host), ports.grpc), timeout=10).close()
    except OSError as error:
        return f"the gRPC server does not answer ({error})."
    return None


def _web_obstacle_at(ports: Ports) -> str | None:
    """Why the web server is not ready, in its own words; None when it is."""
    caller = http.client.HTTPConnection(own_host(ports.host), ports.web, timeout=10)
    try:
        caller.request("GET", "/health/ready")
        answer = caller.getresponse()
        body = answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return f"the web server does not answer ({error})."
    finally:
        caller.close()
    return None if answer.status == 200 else f"the web server says {answer.status} {body[:500]}."
