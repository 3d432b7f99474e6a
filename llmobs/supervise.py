"""Processes kept alive: started in order, restarted when they die, stopped in the reverse order.

None outlives us: on Linux the kernel signals each when its parent dies, even of `kill -9`. Elsewhere only a stop in
good order does that.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

PR_SET_PDEATHSIG = 1
LOG_BYTES = 5 * 1024 * 1024  # a log larger than this at a start becomes the previous log
RESTART_SECONDS = (0.5, 1, 2, 5, 10, 30)  # before the first restart in a row, the second, …
STEADY_SECONDS = 60  # what lived this long starts the row again
WATCH_SECONDS = 0.2

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

Say = Callable[[str], object]


def die_with_parent(last_signal: int = signal.SIGKILL) -> None:
    """Ask the kernel for `last_signal` once the thread that started this process is gone. On Linux only.

    A change of user clears the request, so it comes after that.
    """
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, int(last_signal), 0, 0, 0)


@dataclass(frozen=True, slots=True)
class SystemUser:
    """As whom a process runs."""

    name: str
    uid: int
    gid: int


@dataclass(slots=True)
class Service:
    """One process to keep alive."""

    name: str
    command: Sequence[str]
    log: Path
    env: dict[str, str] = field(default_factory=dict)  # beside our own environment
    folder: Path = Path("/")
    user: SystemUser | None = None  # None: as we are
    stop_signal: int = signal.SIGTERM  # asks it to end in good order
    orphan_signal: int = signal.SIGKILL  # what it gets when we are killed
    stop_seconds: float = 10  # then it is killed with all its children
    is_server: bool = False  # others use it, so that it is stopped after them
    before: Callable[[], None] | None = None  # run before each start
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0  # these three by the monotonic clock, in seconds
    restart_at: float | None = None
    deaths: int = 0
    asked: bool = False

    def start(self) -> None:
        """Start it, in a group of its own, so that Ctrl-C reaches only us. Call this from the main thread."""
        if self.before:
            self.before()
        us = os.getpid()

        def last_steps() -> None:
            die_with_parent(self.orphan_signal)
            if os.getppid() != us:
                os._exit(1)

        with opened_log(self.log) as log:
            self.process = subprocess.Popen(  # noqa: S603  # our own commands; no other thread runs
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | self.env,
                cwd=self.folder,
                start_new_session=True,
                preexec_fn=last_steps,
                user=self.user.uid if self.user else None,
                group=self.user.gid if self.user else None,
                extra_groups=[] if self.user else None,
            )
        self.started_at, self.restart_at, self.asked = time.monotonic(), None, False

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def ask_to_stop(self) -> None:
        """Send the signal that ends it in good order, once."""
        if self.process is not None and self.running() and not self.asked:
            self.process.send_signal(self.stop_signal)
            self.asked = True

    def stop(self) -> None:
        """Ask it to end, wait, then kill what is left of its group. Safe to repeat."""
        self.ask_to_stop()
        process, self.process = self.process, None
        if process is None:
            return
        try:
            process.wait(self.stop_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
        kill_group(process.pid)
        process.wait()

    def tend(self, say: Say) -> None:
        """Note its death, and start it again when its time has come."""
        now = time.monotonic()
        if self.running():
            return
        if self.restart_at is None and self.process is not None:
            kill_group(self.process.pid)
            self.deaths = 1 if now - self.started_at > STEADY_SECONDS else self.deaths + 1
            wait = RESTART_SECONDS[min(self.deaths, len(RESTART_SECONDS)) - 1]
            self.restart_at = now + wait
            say(f"{self.name} {ending(self.process.returncode)}; starting it again in {wait:g} s (see {self.log})")
        if self.restart_at is not None and now >= self.restart_at:
            self.start()


def watch(services: Sequence[Service], say: Say) -> None:
    """Keep all of them alive until an exception, such as Ctrl-C, ends it."""
    while True:
        for service in services:
            service.tend(say)
        time.sleep(WATCH_SECONDS)


def stop_all(services: Sequence[Service]) -> None:
    """Stop them: first, at the same time, what uses the servers; then the servers, the last started first."""
    users = [service for service in services if not service.is_server]
    for service in users:
        service.ask_to_stop()
    for service in [*users, *reversed([service for service in services if service.is_server])]:
        service.stop()


def opened_log(path: Path) -> BinaryIO:
    """The log, to append to; what was large becomes `<name>.1`."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    if path.exists() and path.stat().st_size > LOG_BYTES:
        path.replace(path.with_name(path.name + ".1"))
    return path.open("ab")


def kill_group(group: int) -> None:
    """Kill whatever is left of a process group; nothing is left as a rule."""
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
        pass


def ending(code: int) -> str:
    """How a process ended, in words."""
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
