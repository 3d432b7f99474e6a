"""How much memory this process may use."""

from pathlib import Path

import psutil

# Where a control group says what it may use: https://docs.kernel.org/admin-guide/cgroup-v2.html, "Memory", and
# https://docs.kernel.org/admin-guide/cgroup-v1/memory.html. A container sees its own group as the topmost one.
_GROUPS = Path("/proc/self/cgroup")
_LIMITS = {"": ("/sys/fs/cgroup", "memory.max"), "memory": ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")}


def usable() -> int:
    """Bytes: the machine's memory, or less where a control group of Linux (a container, a service) gets less."""
    try:
        groups = _GROUPS.read_text()
    except OSError:  # not Linux
        groups = ""
    return min([psutil.virtual_memory().total, *limits(groups)])


def limits(groups: str, root: Path = Path("/")) -> list[int]:
    """What the control groups of a process and all above them may use, in bytes.

    Those without a limit are left out; version 1 has a number beyond any machine for it. `groups` is
    /proc/self/cgroup, lines of `number:controllers:path`; `root` is the folder that has /sys in it.
    """
    found = []
    for line in groups.splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers not in _LIMITS:
            continue
        mount, name = _LIMITS[controllers]
        top = root / mount.lstrip("/")
        group = top / path.lstrip("/")
        for folder in [group, *group.parents]:
            if folder.is_relative_to(top) and (value := _number(folder / name)) is not None:
                found.append(value)
    return found


def _number(file: Path) -> int | None:
    """The number in a file; None where there is no such file or it says `max`."""
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None
