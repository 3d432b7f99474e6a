"""Mails that were kept as files, because no mail server is configured: Django's file back-end writes, this reads."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path

from django.conf import settings

from accounts.models import Project
from alerts.message import INCIDENT_HEADER, PROJECT_HEADER

MOST_SHOWN = 100
# The back-end ends every mail with this line, and may put several into one file.
_SEPARATOR = b"\n" + b"-" * 79 + b"\n"
_NAME = re.compile(r"(?P<file>[0-9]{8}-[0-9]{6}-[0-9]+)\.(?P<place>[0-9]{1,4})\Z")


@dataclass(frozen=True, slots=True)
class KeptMail:
    """One mail: `name` finds it again, `text` is its plain part; `incident_id` is what it tells of, None if nothing."""

    name: str
    subject: str
    to: str
    sent_at: datetime | None
    text: str
    incident_id: int | None


def kept_mails(project: Project) -> list[KeptMail]:
    """The mails of `project`, newest first, at most a hundred."""
    found: list[KeptMail] = []
    for path in sorted(Path(settings.MAIL_FOLDER).glob("*.log"), reverse=True):
        found += reversed(list(_mails_in(path, project)))
        if len(found) >= MOST_SHOWN:
            break
    return found[:MOST_SHOWN]


def kept_mail(project: Project, name: str) -> KeptMail | None:
    """The mail with this name; None when there is none, or when it is another project's."""
    match = _NAME.match(name)
    path = Path(settings.MAIL_FOLDER) / f"{match['file']}.log" if match else None
    if path is None or not path.is_file():
        return None
    return next((mail for mail in _mails_in(path, project) if mail.name == name), None)


def _mails_in(path: Path, project: Project) -> Iterator[KeptMail]:
    for place, raw in enumerate(path.read_bytes().split(_SEPARATOR)):
        mail = message_from_bytes(raw, policy=policy.default)
        if mail[PROJECT_HEADER] == project.slug:
            yield _kept(f"{path.stem}.{place}", mail)


def _kept(name: str, mail: EmailMessage) -> KeptMail:
    part = mail.get_body(("plain",))
    text = str(part.get_content()) if part is not None else ""
    # "-0000" is UTC by one who does not know his own zone (RFC 5322, 3.3).
    sent_at = parsedate_to_datetime(mail["Date"]).replace(tzinfo=UTC) if mail["Date"] else None
    number = str(mail[INCIDENT_HEADER] or "")
    incident_id = int(number) if number.isdecimal() else None
    return KeptMail(name, str(mail["Subject"] or ""), str(mail["To"] or ""), sent_at, text, incident_id)
