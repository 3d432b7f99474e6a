"""How numbers, money and moments are written: three significant digits, a no-break space before a unit.

Every filter takes None for "unknown" and says so in a word. They are built into all templates.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

Number = int | float | Decimal
NBSP = "\u00a0"
_STEPS = ((Decimal(10**9), "G"), (Decimal(10**6), "M"), (Decimal(10**3), "k"))


def three_digits(value: Number) -> str:
    """`value` with three significant digits, and commas between thousands: 9.84, 704, 21.4, 1,240."""
    number = Decimal(str(value))
    if abs(number) >= 100:
        return f"{number:,.0f}"
    digits = 1 if abs(number) >= 10 else 2
    text = f"{number:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@register.filter
def duration_us(value: int | None, unknown: str = "not ended") -> str:
    """Microseconds as people say them: `704 ms`, `9.84 s`, `2 min 5 s`. Negative ones keep their sign."""
    if value is None:
        return unknown
    if value < 0:
        return f"−{duration_us(-value)}"
    if value < 1_000:
        return f"<{NBSP}1{NBSP}ms" if value else f"0{NBSP}ms"
    if value < 999_500:
        return f"{three_digits(value / 1_000)}{NBSP}ms"
    if value < 60_000_000:
        return f"{three_digits(value / 1_000_000)}{NBSP}s"
    seconds = round(value / 1_000_000)
    parts: list[tuple[int, str]] = [
        (seconds // 86_400, "d"),
        (seconds // 3_600 % 24, "h"),
        (seconds // 60 % 60, "min"),
        (seconds % 60, "s"),
    ]
    first = next(index for index, (number, _) in enumerate(parts) if number)
    return NBSP.join(f"{number}{NBSP}{unit}" for number, unit in parts[first : first + 2] if number)


@register.filter
def count(value: Number | None, unknown: str = "unknown") -> str:
    """A number in full, with commas."""
    return unknown if value is None else f"{value:,.0f}"


@register.filter
def nth(value: int) -> str:
    """A place: `1st`, `2nd`, `11th`, `22nd`."""
    ending = "th" if value % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")
    return f"{value:,}{ending}"


@register.filter
def tokens(value: Number | None, unknown: str = "unknown") -> str:
    """Tokens in full up to 99,999, then `214 k`, `51.8 M`."""
    if value is None or -100_000 < value < 100_000:
        return count(value, unknown)
    return short(value)


@register.filter
def short(value: Number | None, unknown: str = "unknown") -> str:
    """A number in the room of five letters: `940`, `21.4 k`, `51.8 M`."""
    if value is None:
        return unknown
    number = Decimal(str(value))
    for size, unit in _STEPS:
        if abs(number) >= size:
            return f"{three_digits(number / size)}{NBSP}{unit}"
    return three_digits(number)


@register.filter
def money(value: Decimal | None, unknown: str = "unknown") -> str:
    """US dollars: cents from $1, three significant digits below, `< $0.0001` for the smallest."""
    if value is None:
        return unknown
    if value == 0:
        return "$0"
    if abs(value) >= 1:
        return f"${value:,.2f}"
    if abs(value) < Decimal("0.0001"):
        return f"<{NBSP}$0.0001"
    return _three_significant(value)


@register.filter
def at_least(value: Decimal | None, unknown: str = "unknown") -> str:
    """A sum of which a part is not known: `at least $0.0269`, however small."""
    if value is None:
        return unknown
    small = 0 < abs(value) < Decimal("0.0001")
    return f"at least {_three_significant(value) if small else money(value)}"


def _three_significant(value: Decimal) -> str:
    return f"${value:.{2 - value.adjusted()}f}"


@register.filter
def percent(value: float | None, unknown: str = "unknown") -> str:
    """A ratio of 0.0 to 1.0: one digit under 10 %, none above, `< 0.1 %` for the smallest."""
    if value is None:
        return unknown
    if 0 < value < 0.0005:
        return f"<{NBSP}0.1{NBSP}%"
    hundredfold = value * 100
    if value == 0:
        return f"0{NBSP}%"
    return f"{hundredfold:.1f}{NBSP}%" if hundredfold < 9.95 else f"{hundredfold:,.0f}{NBSP}%"


@register.filter
def size(value: int | None, unknown: str = "unknown") -> str:
    """Bytes: `704 bytes`, `23 KB`, `1.2 MB`."""
    if value is None:
        return unknown
    if value < 1_000:
        return f"{value}{NBSP}bytes"
    if value < 1_000_000:
        return f"{three_digits(value / 1_000)}{NBSP}KB"
    return f"{three_digits(value / 1_000_000)}{NBSP}MB"


@register.filter
def moment(value: datetime | None, unknown: str = "unknown") -> str | SafeString:
    """A moment in the member's zone; today without its date, this year without the year. UTC on hover."""
    if value is None:
        return unknown
    here, today = timezone.localtime(value), timezone.localtime()
    if here.date() == today.date():
        words = f"Today, {here:%H:%M:%S}"
    elif here.year == today.year:
        words = f"{here.day} {here:%B, %H:%M:%S}"
    else:
        words = f"{here.day} {here:%B %Y, %H:%M:%S}"
    return _time_tag(value, words)


@register.filter
def clock(value: datetime | None, unknown: str = "unknown") -> str | SafeString:
    """The short form for tables: `14:07:31` today, else `9 Nov, 14:07`."""
    if value is None:
        return unknown
    here, today = timezone.localtime(value), timezone.localtime()
    if here.date() == today.date():
        return _time_tag(value, f"{here:%H:%M:%S}")
    return _time_tag(value, f"{here.day} {here:%b, %H:%M}" if here.year == today.year else f"{here.day} {here:%b %Y}")


@register.filter
def ago(value: datetime | None, now: datetime | None = None) -> str:
    """How long since: `just now`, `24 min ago`, `7 days ago`; `in 5 min` for the future."""
    if value is None:
        return ""
    passed = (now or timezone.now()) - value
    words = length(abs(passed))
    if not words:
        return "just now"
    return f"{words} ago" if passed > timedelta() else f"in {words}"


def length(passed: timedelta) -> str:
    """A stretch of time by its largest unit: `24 min`, `7 days`; "" for less than 2 s."""
    seconds = passed.total_seconds()
    if seconds < 2:
        return ""
    for limit, unit_seconds, unit in ((120, 1, "s"), (7_200, 60, "min"), (172_800, 3_600, "h")):
        if seconds < limit:
            return f"{int(seconds // unit_seconds)}{NBSP}{unit}"
    return f"{int(seconds // 86_400)}{NBSP}days"


def _time_tag(value: datetime, words: str) -> SafeString:
    utc = value.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>',
        utc.isoformat(),
        f"{utc:%Y-%m-%d %H:%M:%S}.{utc.microsecond // 1000:03d}",
        words.replace(" ", NBSP),
    )
