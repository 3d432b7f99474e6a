"""Fills the database of a running llmobs with a month of traces, quickly: what finding is measured on.

    python benchmarks/store.py --data-dir var                   2,000,000 spans over 30 days
    python benchmarks/store.py --data-dir var --spans 50000     to try it

Two processes do it, each its days. The rollups are left to the worker of llmobs, by the marks.
"""

import argparse
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def fill(data_dir: Path, project: str, spans: int, days: int, seed: int, processes: int = 2) -> float:
    """Store and index about `spans` spans in `days` days up to now; how many seconds it took.

    Raises CalledProcessError when a process fails.
    """
    begun = time.monotonic()
    shared = {"--project": project, "--spans": spans, "--days": days, "--seed": seed, "--of": processes}
    shared["--end"] = datetime.now(UTC).isoformat()
    words = [str(word) for pair in shared.items() for word in pair]
    command = [sys.executable, str(ROOT / "benchmarks" / "filling.py"), *words]
    environment = os.environ | {"DATA_DIR": str(data_dir.absolute()), "DJANGO_SETTINGS_MODULE": "llmobs.settings"}
    running = [
        subprocess.Popen([*command, "--share", str(share)], env=environment, cwd=ROOT) for share in range(processes)
    ]
    for process in running:
        if process.wait():
            raise subprocess.CalledProcessError(process.returncode, process.args)
    return time.monotonic() - begun


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data-dir", type=Path, default=ROOT / "var", help="the folder that `up` uses")
    options.add_argument("--project", default="demo")
    options.add_argument("--spans", type=int, default=2_000_000)
    options.add_argument("--days", type=int, default=30)
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    seconds = fill(chosen.data_dir, chosen.project, chosen.spans, chosen.days, chosen.seed)
    sys.stdout.write(f"{chosen.spans:,} spans in {seconds:,.0f} s.\n")


if __name__ == "__main__":
    main()
