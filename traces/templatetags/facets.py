"""The values of a facet and the bars over a list as HTML: in Python, as a page has 150 of them, half of all it took."""

from collections.abc import Iterable
from typing import Final

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from traces.facet_groups import Value
from traces.times import HEIGHT, Bar

register = template.Library()

_SHARE: Final = (
    '<svg class="facet__share" viewBox="0 0 100 2" preserveAspectRatio="none" aria-hidden="true">'
    '<rect width="{share}" height="2"/></svg>'
)
_NOT: Final = '<a class="facet__not" href="{url}" aria-label="Not {text}" title="All but {text}" rel="nofollow">not</a>'


@register.filter
def facet_values(values: Iterable[Value]) -> SafeString:
    """The values that may be asked for, as `li`. Whatever was sent is escaped."""
    return _joined(map(_value, values))


@register.filter
def facet_asked(values: Iterable[Value]) -> SafeString:
    """The values that are asked for, or refused; the link of each takes that back."""
    return _joined(map(_asked, values))


@register.filter
def time_bars(bars: Iterable[Bar]) -> SafeString:
    """The bars, each a link to its stretch."""
    return _joined(map(_bar, bars))


@register.filter
def time_rows(bars: Iterable[Bar]) -> SafeString:
    """The same as rows of a table."""
    return _joined(map(_bar_row, bars))


def _joined(parts: Iterable[str]) -> SafeString:
    """One text of parts in which whatever was sent is escaped already."""
    return mark_safe("".join(parts))  # noqa: S308


def _value(value: Value) -> str:
    text = escape(value.text)
    said = f'<span class="facet__text"><bdi>{text}</bdi></span> <small>{value.number}</small>'
    if value.url is None:
        return f'<li class="facet__value"><span class="facet__plain" title="{text}">{said}</span></li>'
    return (
        f'<li class="facet__value"><a href="{escape(value.url)}" title="{text}" rel="nofollow">{said}'
        f"{_SHARE.format(share=value.share)}</a>{_refuse(value, text)}</li>"
    )


def _asked(value: Value) -> str:
    text, url = escape(value.text), escape(value.url or "")
    refused = "<b>not</b> " if value.negated else ""
    number = f"<small>{value.number}</small>" if value.number else ""
    return (
        f'<li class="facet__value"><a href="{url}" title="{text}" aria-current="true" rel="nofollow">'
        f'<span class="facet__text">{refused}<bdi>{text}</bdi></span>'
        f' <span class="hidden-words">asked for, remove</span>{number}<span aria-hidden="true">×</span>'
        f"{_SHARE.format(share=value.share)}</a>{_refuse(value, text)}</li>"
    )


def _refuse(value: Value, text: str) -> str:
    return _NOT.format(url=escape(value.not_url), text=text) if value.not_url else ""


def _bar(bar: Bar) -> str:
    failed = f", {bar.failed} failed" if bar.failed != "0" else ""
    sides = f'x="{bar.x}" width="{bar.width}"'
    drawn = f'<rect class="times__failed" {sides} y="{bar.failed_y}" height="{bar.failed_height}"/>'
    return (
        f'<a href="{escape(bar.url)}" tabindex="-1">'
        f"<title>{bar.words}: {bar.number}{failed}{', so far' if bar.unfinished else ''}</title>"
        f'<rect class="times__hit" {sides} y="0" height="{HEIGHT}"/>'
        f'<rect class="times__bar{" times__bar--open" if bar.unfinished else ""}" {sides} y="{bar.y}"'
        f' height="{bar.height}"/>{drawn if bar.failed_height else ""}</a>\n'
    )


def _bar_row(bar: Bar) -> str:
    so_far = ' <small class="muted">so far</small>' if bar.unfinished else ""
    return (
        f'<tr><td><a class="table__main" href="{escape(bar.url)}">{bar.words}</a>{so_far}</td>'
        f'<td class="num">{bar.number}</td><td class="num">{bar.failed}</td></tr>\n'
    )
