"""What a notification says: subject, text, HTML and the headers that keep an incident's mails together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse

from alerts import words
from alerts.models import Incident, Notification
from llmobs.lib.templatetags.figures import NBSP
from traces.models import Feature
from traces.queries.traces import Summary, summaries_of

PROJECT_HEADER = "X-Llmobs-Project"
INCIDENT_HEADER = "X-Llmobs-Incident"
# Long enough to recognise a request by, short enough to say nothing private twice.
SNIPPET_CHARACTERS = 90


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one address, ready to be sent. The subject is one line."""

    address: str
    subject: str
    text: str
    html: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Example:
    """A trace that shows the incident: a line of it and its address."""

    summary: Summary
    line: str
    url: str


def of(notification: Notification) -> Message:
    """The message of `notification`. Reads the incident as it is now."""
    incident, occasion = notification.incident, notification.occasion
    context = _context(incident)
    return Message(
        address=notification.address,
        subject=one_line(render_to_string(f"alerts/email/{occasion}_subject.txt", context)),
        text=render_to_string(f"alerts/email/{occasion}_body.txt", context),
        html=render_to_string(f"alerts/email/{occasion}_body.html", context),
        headers=_headers(notification),
    )


def examples_of(incident: Incident) -> list[Example]:
    """The traces kept with the incident, newest first; those past their retention are gone."""
    keys = [bytes.fromhex(key) for key in incident.examples]
    found = summaries_of(incident.project_id, keys) if keys else []
    slug = incident.project.slug
    return [
        Example(one, quoted(one.asked, one.name), reverse("traces:trace-detail", args=(slug, one.address)))
        for one in found
    ]


def carriers_of(incident: Incident) -> list[str]:
    """A sentence for each feature and model that carries the incident."""
    return [
        words.carrier(str(one["dimension"]), str(one["value"]), float(one["share"]), float(one["traffic"]))
        for one in incident.carriers
    ]


def features_of(incident: Incident) -> list[Feature]:
    """The features that carry the incident, with what members wrote about them."""
    names = [str(one["value"]) for one in incident.carriers if one["dimension"] == "feature"]
    return list(Feature.objects.filter(project_id=incident.project_id, name__in=names)) if names else []


def one_line(text: str) -> str:
    """`text` as a header may hold it: no line breaks, no-break spaces as plain ones."""
    return " ".join(text.replace(NBSP, " ").split())


def quoted(said: str | None, otherwise: str | None) -> str:
    """What somebody asked, in one line and cut short; where nothing is known of that, something else."""
    line = " ".join((said or "").split())
    if not line:
        return otherwise or "a request without a name"
    return f"“{line}”" if len(line) <= SNIPPET_CHARACTERS else f"“{line[:SNIPPET_CHARACTERS].rstrip()} …”"


def id_of(name: str, address: str) -> str:
    """The Message-ID of what is called so, to one address: the same at every attempt."""
    recipient = sha256(address.lower().encode()).hexdigest()[:12]
    host = urlsplit(settings.SITE_URL).hostname or "localhost"
    return f"<llmobs.{name}.{recipient}@{host.replace(':', '.')}>"


def _context(incident: Incident) -> dict[str, Any]:
    slug = incident.project.slug
    return {
        "incident": incident,
        "project": incident.project,
        "page_url": settings.SITE_URL + reverse("alerts:incident-detail", args=(slug, incident.pk)),
        "rules_url": settings.SITE_URL + reverse("alerts:rule-list", args=(slug,)),
        "site_url": settings.SITE_URL,
        "carriers": carriers_of(incident),
        "features": [one for one in features_of(incident) if one.is_described],
        "examples": examples_of(incident),
    }


def _headers(notification: Notification) -> dict[str, str]:
    """One thread per incident and recipient: the recovery answers the message that opened it."""
    first, mine = _message_id(notification, "opened"), _message_id(notification, notification.occasion)
    incident = notification.incident
    headers = {
        "Message-ID": mine,
        PROJECT_HEADER: incident.project.slug,
        INCIDENT_HEADER: str(incident.pk),
        "Auto-Submitted": "auto-generated",
    }
    return headers if mine == first else {**headers, "In-Reply-To": first, "References": first}


def _message_id(notification: Notification, occasion: str) -> str:
    incident = notification.incident
    return id_of(f"{incident.opened_at:%Y%m%d%H%M%S}.{incident.pk}.{occasion}", notification.address)
