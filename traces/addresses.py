"""Where things stand that are named by ids of senders, which may hold any character."""

import re
from urllib.parse import urlencode

from llmobs.lib.addresses import page, page_of

# A browser takes these for steps up, and some servers refuse the others.
_NO_SEGMENT = re.compile(r"\.{1,2}|.*[\x00-\x1f\x7f\ud800-\udfff].*", re.DOTALL)


def session_url(project_slug: str, session_id: str, trace: str = "") -> str:
    """The page of a session, at the turn whose trace has the address `trace`.

    For an id that no path can hold it is the list of the session's traces.
    """
    if _NO_SEGMENT.fullmatch(session_id):
        return list_url(project_slug, session_id=session_id)
    there = page_of("traces:session", project_slug, session_id)
    return f"{there}?{urlencode({'trace': trace})}" if trace else there


def user_url(project_slug: str, user_id: str) -> str:
    """The page of a user; for an id that no path can hold the list of the user's traces."""
    if _NO_SEGMENT.fullmatch(user_id):
        return list_url(project_slug, user_id=user_id)
    return page_of("traces:user", project_slug, user_id)


def feature_url(project_slug: str, feature: str, *, edit: bool = False) -> str:
    """The page of a feature, or the form of what is written about it.

    For a name that no path can hold it is the list of the feature's traces.
    """
    if _NO_SEGMENT.fullmatch(feature):
        return list_url(project_slug, feature=feature)
    return page_of("dashboards:feature-edit" if edit else "dashboards:feature", project_slug, feature)


def list_url(project_slug: str, **filters: str) -> str:
    """The list of the traces of the last 30 days with these filters."""
    return f"{page('traces:trace-list', project_slug)}?{urlencode({**filters, 'period': '30d'})}"


def trace_url(project_slug: str, address: str, span_id: bytes | None = None) -> str:
    """The page of a trace, which `address` names, with a span open."""
    url = page_of("traces:trace-detail", project_slug, address)
    return f"{url}?span={span_id.hex()}" if span_id else url
