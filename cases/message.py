"""What the mails of a case say, when its fix goes live and when it comes back: subject, text, HTML and the headers.

There are templates for each kind of event that is told by mail, named as it is.
"""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse

from alerts.message import PROJECT_HEADER, Message, id_of, one_line, quoted
from cases import words
from cases.fix import Fix
from cases.models import Event, Mail
from traces import ids
from traces.queries.listed import rows_of


def of(mail: Mail) -> Message:
    """The message of `mail`. Reads the case as it is now."""
    context, kind = _context(mail), mail.event.kind
    return Message(
        address=mail.address,
        subject=one_line(render_to_string(f"cases/email/{kind}_subject.txt", context)),
        text=render_to_string(f"cases/email/{kind}_body.txt", context),
        html=render_to_string(f"cases/email/{kind}_body.html", context),
        headers=_headers(mail),
    )


def _context(mail: Mail) -> dict[str, Any]:
    event, case = mail.event, mail.event.case
    slug = case.project.slug
    rows = rows_of(case.project_id, [ids.trace_key(one["address"]) for one in event.examples])
    number = int(event.text) if event.text.isdecimal() else 0
    seen_at = datetime.fromisoformat(event.text) if event.kind == Event.Kind.FIX_SEEN else case.fix_seen_at
    return {
        "case": case,
        "project": case.project,
        "event": event,
        "fix": Fix.read(event.after),
        "counted": words.counted(case) if case.fix == event.after else "",
        "seen_at": seen_at,
        "failures": words.things(number, "similar failure"),
        "page_url": settings.SITE_URL + reverse("cases:case-detail", args=(slug, case.number)),
        "examples": [
            {
                "line": quoted(row.asked, row.name),
                "url": settings.SITE_URL + reverse("traces:trace-detail", args=(slug, row.address)),
                "at": row.happened_at,
            }
            for row in rows
        ],
    }


def _headers(mail: Mail) -> dict[str, str]:
    """Every mail of a case to one member is of one thread."""
    event, case = mail.event, mail.event.case
    thread = id_of(f"case.{case.created_at:%Y%m%d%H%M%S}.{case.pk}", mail.address)
    return {
        "Message-ID": id_of(f"case.{case.pk}.{event.pk}", mail.address),
        "References": thread,
        "In-Reply-To": thread,
        PROJECT_HEADER: case.project.slug,
        "Auto-Submitted": "auto-generated",
    }
