"""Addresses of our own pages, made once: Django goes through its patterns for each, 50 µs, and a page has 30 to 80."""

from functools import lru_cache
from urllib.parse import quote

from django.urls import get_script_prefix, get_urlconf, reverse


def page(view: str, *args: object) -> str:
    """The address of the page `view`, such as "traces:lookup", with these parts. Raises NoReverseMatch."""
    return _reversed(get_script_prefix(), get_urlconf(), view, args)


def page_of(view: str, project_slug: str, name: str) -> str:
    """That of a page whose address ends in a name of a sender, which may hold any character but lone dots."""
    return page(view, project_slug, "-")[:-1] + quote(name, safe="")


@lru_cache(maxsize=4096)
def _reversed(prefix: str, urlconf: str | None, view: str, args: tuple[object, ...]) -> str:
    return reverse(view, urlconf=urlconf, args=args)
