"""What processes cost, from /proc. Linux only."""

import os
from pathlib import Path

import psutil

_TICKS = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> list[psutil.Process]:
    """The process and all below it."""
    try:
        top = psutil.Process(pid)
        return [top, *top.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def cpu_seconds(pid: int) -> float:
    """Of the process and all below it, so far; children that ended are counted by their parent."""
    return sum(_own_cpu_seconds(process.pid) for process in tree(pid))


def _own_cpu_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    # utime, stime, and the two of children that were waited for: fields 14 to 17.
    return sum(map(int, fields[11:15])) / _TICKS


def peak_bytes(pid: int) -> int:
    """The most memory that one of the processes below `pid` has held so far: its resident set's high-water mark."""
    return max((_peak_bytes(process.pid) for process in tree(pid)[1:]), default=0)


def _peak_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)
