"""What the list of traces needs to say what is new in it. Pure but for the addresses."""

from datetime import datetime
from typing import Any, Final

from django.urls import reverse

from accounts.models import Project
from traces.search.arrivals import LAST_KEY
from traces.search.asked import Asked, after_words

MODES: Final = ("watch", "follow", "off")  # of `live` in the address; the first is meant where there is none
MOST_SHOWN: Final = 100  # rows that a page may hold while it follows
MOST_COUNTED: Final = 200


def live_page(project: Project, asked: Asked, last: datetime, now: datetime) -> dict[str, Any]:
    """What the list needs to say what is new in it; `last` is `arrivals.last_arrival`, asked before it was read.

    Nothing where nothing can come: in a stretch that is over, behind the first page, and for a line with a mistake.
    """
    over = asked.period.is_stretch and asked.time_range(now).end < now
    if over or asked.after or asked.problem:
        return {"live": None}
    mode = dict(asked.shown).get("live", "")
    here = reverse("traces:newer-fragment", args=[project.slug])
    live = {
        "url": f"{here}?{asked.query()}",
        "list_url": f"{reverse('traces:trace-list', args=[project.slug])}?{asked.query()}",
        "since": after_words((last, LAST_KEY)),
        "seen": last.isoformat(),
        "now": now,
        "mode": mode if mode in MODES else MODES[0],
        "follows": asked.sort == "time",
        "most": MOST_COUNTED,
        "rows": MOST_SHOWN,
    }
    return {"live": live}
