"""The machine that a measurement was taken on, as far as figures depend on it."""

import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent


def description() -> str:
    """Cores, memory, system, date and commit, in one sentence."""
    cores, memory = psutil.cpu_count(), psutil.virtual_memory().total / 2**30
    day = datetime.now(UTC)
    versions = f"Linux {platform.release()}, Python {platform.python_version()}"
    return f"{cores} cores ({_processor()}), {memory:.0f} GB, {versions}; {day:%-d %B %Y}, commit {_commit()}."


def busy_seconds() -> float:
    """What all cores together have worked so far, for anybody."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.irq + times.softirq + times.steal)


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _commit() -> str:
    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no")
    return (git("rev-parse", "--short", "HEAD") or "unknown") + (" with changes" if changed else "")
