"""Which process of this machine gives way to which: jobs to the requests that somebody waits for."""

import os
import time
from contextlib import suppress
from pathlib import Path

BEHIND = 10  # as nice(1) counts: beside a process at 0, a tenth of its time
_TRIES = 4
_PAUSE_SECONDS = 0.15  # Linux lets a process that is not root change one group every 0.1 s


def give_way(pid: int) -> None:
    """Let a process have the time that others leave, if we may; else it stays as it is.

    Linux shares time out between sessions first (https://man7.org/linux/man-pages/man7/sched.7.html, "The autogroup
    feature"), and every backend of Postgres is a session of its own: without the second step niceness counts for
    nothing between a web worker and a backend.
    """
    with suppress(ProcessLookupError, PermissionError):
        if os.getpriority(os.PRIO_PROCESS, pid) < BEHIND:
            os.setpriority(os.PRIO_PROCESS, pid, BEHIND)
    for _ in range(_TRIES):
        try:
            Path(f"/proc/{pid}/autogroup").write_text(str(BEHIND))
        except BlockingIOError:
            time.sleep(_PAUSE_SECONDS)
        except OSError:  # not Linux, not ours, or gone
            return
        else:
            return
