"""Fail when a colour of tokens.css is under its WCAG AA contrast on a sheet that it is used on, in either theme.

Usage: python checks/contrast.py [static/css/tokens.css]
Text needs 4.5 : 1 and shapes 3 : 1 (WCAG 2.2, 1.4.3 and 1.4.11). Series of a chart must also stay apart for readers
with a colour deficiency. Prints what is too low and exits 1; says how much was looked at otherwise.
"""

import re
import sys
from collections.abc import Iterator
from itertools import combinations, product
from pathlib import Path

TEXT, SHAPE = 4.5, 3.0
APART = 0.08  # in OKLab: about four just noticeable differences
COLOUR = re.compile(r"--([\w-]+):\s*light-dark\(\s*(#[0-9a-f]{6})\s*,\s*(#[0-9a-f]{6})\s*\)")

Theme = dict[str, str]
Triple = tuple[float, float, float]
Matrix = tuple[Triple, Triple, Triple]

SHEETS = ("page", "surface", "sunken", "raised", "hover", "selected")
STATES = ("bad", "warn", "good", "note")
# Ink, the sheets that it lies on, and the least contrast.
DEMANDS: tuple[tuple[tuple[str, ...], tuple[str, ...], float], ...] = (
    (("text", "text-2", "text-3", "accent"), SHEETS, TEXT),
    (STATES, ("surface", "sunken", "page", "hover", "selected", "raised"), TEXT),
    (("on-accent",), ("accent-fill",), TEXT),
    (("on-bad",), ("bad-fill",), TEXT),
    (("text",), ("mark",), TEXT),
    (("literal",), ("surface", "sunken"), TEXT),
    (tuple(f"series-{n}-ink" for n in range(1, 7)), ("surface", "raised"), TEXT),
    (("line-control",), ("surface", "sunken", "page", "raised"), SHAPE),
    (("focus",), SHEETS, SHAPE),
    (("bad-fill", "warn-fill", "good-fill", "unknown", "ghost"), ("surface",), SHAPE),
    (tuple(f"series-{n}" for n in (1, 2, 3, 4, 5, 6, "rest")), ("surface",), SHAPE),
    (
        tuple(f"kind-{kind}" for kind in ("model", "find", "tool", "check", "logic")),
        ("surface", "selected", "hover"),
        SHAPE,
    ),
    *(((ink,), (f"{state}-tint",), TEXT) for state in STATES for ink in (state, "text", "text-2")),
)
SERIES = ("series-1", "series-2", "series-3", "series-4", "series-5", "series-6", "bad-fill")
# How each sight sees linear RGB. Machado, Oliveira, Fernandes 2009, severity 1.0.
SIGHTS: dict[str, Matrix] = {
    "usual sight": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
# Linear RGB to cone response, and its cube root to OKLab. https://bottosson.github.io/posts/oklab/
TO_CONES: Matrix = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
TO_OKLAB: Matrix = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)


def linear(colour: str) -> Triple:
    """`#rrggbb` as linear light, 0.0 to 1.0."""
    red, green, blue = (_channel(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return red, green, blue


def _channel(value: float) -> float:
    return float(value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4)


def _times(matrix: Matrix, vector: Triple) -> Triple:
    first, second, third = (sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)
    return first, second, third


def contrast(one: str, other: str) -> float:
    """WCAG's ratio, 1.0 to 21.0."""
    dark, light = sorted(
        sum(a * b for a, b in zip((0.2126, 0.7152, 0.0722), linear(x), strict=True)) for x in (one, other)
    )
    return (light + 0.05) / (dark + 0.05)


def oklab(colour: str, sight: Matrix) -> Triple:
    """Where `colour` lies in OKLab for somebody with that sight."""
    red, green, blue = (min(max(part, 0.0), 1.0) for part in _times(sight, linear(colour)))
    long, medium, short = (cone ** (1 / 3) for cone in _times(TO_CONES, (red, green, blue)))
    return _times(TO_OKLAB, (long, medium, short))


def _distance(one: Triple, other: Triple) -> float:
    return float(sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5)


def themes_of(css: str) -> dict[str, Theme]:
    """The colours of both themes by token. Raises SystemExit when the file holds none."""
    found = COLOUR.findall(css)
    if not found:
        raise SystemExit("No colour is written as light-dark(#rrggbb, #rrggbb) there.")
    return {"light": {name: light for name, light, _ in found}, "dark": {name: dark for name, _, dark in found}}


def too_low(name: str, theme: Theme) -> Iterator[str]:
    """One sentence for each pair of ink and sheet that is under its figure."""
    for inks, sheets, least in DEMANDS:
        for ink, sheet in product(inks, sheets):
            figure = contrast(theme[ink], theme[sheet])
            if figure < least:
                yield f"{name}: {ink} on {sheet} has {figure:.2f} and needs {least}"


def too_near(name: str, theme: Theme) -> Iterator[str]:
    """One sentence for each pair of series that some sight cannot tell apart."""
    for sight, matrix in SIGHTS.items():
        seen = {series: oklab(theme[series], matrix) for series in SERIES}
        for one, other in combinations(SERIES, 2):
            if (gap := _distance(seen[one], seen[other])) < APART:
                yield f"{name}, {sight}: {one} and {other} are {gap:.3f} apart and need {APART}"


def main(path: Path) -> int:
    """0 when every pair is well, else 1."""
    themes = themes_of(path.read_text(encoding="utf-8"))
    faults = [fault for name, theme in themes.items() for fault in (*too_low(name, theme), *too_near(name, theme))]
    for fault in faults:
        print(fault)
    pairs = sum(len(inks) * len(sheets) for inks, sheets, _ in DEMANDS)
    print(f"{pairs} pairs of colours in 2 themes: {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    tokens = Path(__file__).parent.parent / "static" / "css" / "tokens.css"
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else tokens))
