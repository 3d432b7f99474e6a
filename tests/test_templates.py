"""What no template may hold: the pages' policy would refuse it, or a trace could speak through it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "templates"
PAGES = sorted(path for path in ROOT.rglob("*.html") if "email" not in path.parts)
FORBIDDEN = {
    "a style attribute": re.compile(r"\sstyle\s*="),
    "an inline handler": re.compile(r"<[^>%{]*\son[a-z]+\s*="),
    "an inline script": re.compile(r"<script(?![^>]*\bsrc=)"),
    "an htmx script": re.compile(r"hx-on|hx-vals=.?js:|hx-trigger=\"[^\"]*\["),
    "markup from outside": re.compile(r"\|\s*safe\b|autoescape off|mark_safe"),
    "another host": re.compile(r"(?:src|href)=\"(?:https?:)?//"),
}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_template_holds_nothing_that_the_policy_refuses(path):
    text = re.sub(r"{#.*?#}", "", path.read_text(encoding="utf-8"))
    assert [name for name, pattern in FORBIDDEN.items() if pattern.search(text)] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_component_and_a_fragment_say_what_they_need(path):
    if path.parent.name == "components" or path.name.startswith("_"):
        assert path.read_text(encoding="utf-8").startswith("{#")
