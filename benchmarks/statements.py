"""A process that times the look-up's statements, prepared, as the page runs them, on a connection of its own.

Kinds of ids with the ids come in as JSON, and seconds by kind go out.
"""

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [] if str(ROOT) in sys.path else [str(ROOT)]
django.setup()

from accounts.models import Project  # noqa: E402
from traces.lookup import eras  # noqa: E402
from traces.queries.beginnings import beginnings  # noqa: E402
from traces.queries.lookup import exact  # noqa: E402

WARM_UPS = 10  # until every statement has its plan


def seconds(project_id: int, kind: str, text: str) -> float:
    """What finding one id took. Raises LookupError when it finds nothing."""
    ask = beginnings if kind.startswith("beginning") else exact
    begun = time.perf_counter()
    found = next(filter(None, (ask(project_id, [text], since=since) for since in eras(datetime.now(UTC).date()))), None)
    spent = time.perf_counter() - begun
    if not found:
        raise LookupError(f"{kind} {text}")
    return spent


def main() -> None:
    project_id = Project.objects.get(slug=sys.argv[1]).pk
    asked: dict[str, list[str]] = json.load(sys.stdin)
    for kind, texts in asked.items():
        for text in texts[:WARM_UPS]:
            seconds(project_id, kind, text)
    json.dump({kind: [seconds(project_id, kind, text) for text in texts] for kind, texts in asked.items()}, sys.stdout)


if __name__ == "__main__":
    main()
