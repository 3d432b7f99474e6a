"""The check of colours that `make check` runs."""

from pathlib import Path

import pytest

from checks.contrast import contrast, themes_of, too_low, too_near

TOKENS = Path(__file__).parent.parent / "static" / "css" / "tokens.css"


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#ffffff", "#000000", 21.0),
        ("#777777", "#ffffff", 4.48),
        ("#0c6370", "#0c6370", 1.0),
    ],
)
def test_contrast_is_that_of_wcag(one, other, expected):
    assert contrast(one, other) == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_colour_can_be_read_where_it_is_used(theme):
    colours = themes_of(TOKENS.read_text(encoding="utf-8"))[theme]
    assert [*too_low(theme, colours), *too_near(theme, colours)] == []


def test_a_pale_ink_is_found():
    colours = themes_of(TOKENS.read_text(encoding="utf-8"))["light"] | {"text-3": "#b0b8ba"}
    assert any("text-3 on surface" in fault for fault in too_low("light", colours))


def test_a_file_without_colours_is_refused():
    with pytest.raises(SystemExit):
        themes_of(":root { --size: 1rem; }")
