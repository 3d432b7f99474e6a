"""Addresses that people write down for others to open."""

import re
from urllib.parse import urlsplit

# No blank and nothing invisible: what is shown is where it leads.
_PLAIN = re.compile(r"https?://[\x21-\x7e\u00a1-\u1fff\u3000-\ud7ff\uf900-\ufaff]+", re.IGNORECASE)


def is_web_address(text: str) -> bool:
    """Whether `text` is one address of http or https with a host, and without a name or password before it."""
    if not _PLAIN.fullmatch(text):
        return False
    try:
        parts = urlsplit(text)
        return bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:  # brackets that do not close
        return False
