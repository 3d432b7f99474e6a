"""How the pages speak: short, everyday, one way everywhere. What is said in templates, in Python and in scripts."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.markup import Markup
from tests.test_every_page import PAGES, address, values  # noqa: F401

ROOT = Path(__file__).parent.parent
APPS = ("llmobs", "accounts", "traces", "alerts", "cases", "dashboards")
# What a page never says: politeness that costs a line, blame, and words that say nothing of the cause or the cure.
NEVER = re.compile(
    r"\b(?:please|success(?:ful(?:ly)?)?|oops|sorry|N/A|invalid|are you sure|failed to|unable to|no results|load more"
    r"|an error (?:has )?occurred|something went wrong|click here)\b|[a-z]!(?!=)",
    re.IGNORECASE,
)
# Patterns for what others' programs say, and the words of other products' formats.
OF_OTHERS = {"traces/conventions/failures.py", "traces/demo"}
TEMPLATES = sorted((ROOT / "templates").rglob("*.*"))
SCRIPTS = sorted((ROOT / "static" / "js").glob("*.js"))
NO_TEXT = re.compile(r"{#.*?#}|{%.*?%}|{{.*?}}|<!.*?>|<[^>]*>", re.DOTALL)
SAID_BY_ATTRIBUTES = re.compile(r'(?:title|placeholder|aria-label|text|label|word|open|keep|do)="([^"{]*)"')
QUOTED = re.compile(r'"((?:[^"\\\n]|\\.)*)"|`([^`]*)`')


def strings(path: Path) -> Iterator[str]:
    """What a module may say: its strings of several words, docstrings apart."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = [one for one in ast.walk(tree) if isinstance(one, ast.Module | ast.ClassDef | ast.FunctionDef)]
    docstrings = {id(one.body[0].value) for one in documented if one.body and isinstance(one.body[0], ast.Expr)}
    for one in ast.walk(tree):
        if (
            isinstance(one, ast.Constant)
            and isinstance(one.value, str)
            and id(one) not in docstrings
            and " " in one.value
        ):
            yield one.value


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_says_nothing_that_says_nothing(path):
    text = path.read_text(encoding="utf-8")
    said = [NO_TEXT.sub(" ", text), *SAID_BY_ATTRIBUTES.findall(text)]
    assert [found for one in said if (found := NEVER.findall(one))] == []


@pytest.mark.parametrize("app", APPS)
def test_no_module_says_it_either(app):
    for path in sorted((ROOT / app).rglob("*.py")):
        name = str(path.relative_to(ROOT))
        if "/tests/" not in name and not name.startswith(tuple(OF_OTHERS)):
            assert [one for one in strings(path) if NEVER.search(one)] == [], name


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_script_says_it_either(path):
    said = ["".join(one) for one in QUOTED.findall(path.read_text(encoding="utf-8"))]
    assert [one for one in said if " " in one and "[" not in one and NEVER.search(one)] == []


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_has_one_heading_one_filled_button_and_words_for_its_columns(
    values,  # noqa: F811
    admin_of_project_client,
    name,
):
    answer = admin_of_project_client.get(address(name, values))
    if answer.status_code != 200 or not answer.headers["Content-Type"].startswith("text/html"):
        return
    markup = Markup(answer)
    if not markup.all("html"):  # a fragment
        return
    assert len(markup.all("h1")) == 1
    filled = [have for tag, have in markup.tags if "btn--primary" in (have.get("class") or "").split()]
    assert len(filled) <= 1
    assert len(markup.all("th", scope="col")) + len(markup.all("th", scope="row")) >= len(markup.all("table"))
    titles = re.findall(r"<title>(.*?)</title>", answer.content.decode(), re.DOTALL)
    assert titles[0] not in ("", "llmobs")
    for have in markup.all("main"):
        assert have["id"] == "main"  # what the skip link leads to
