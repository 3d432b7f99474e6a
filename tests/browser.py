"""A pytest plugin: the machine's Chromium, driven by Playwright, and a page that vouches for what it loads.

Loaded by `-p tests.browser` (pyproject.toml). Without Chromium the tests that need it are left out, loudly; with
CI=true that is a failure.
"""

import os
import shutil
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HOW_TO_GET_IT = (
    "There is no Chromium on this machine, so browser tests did not run. Get one by `sudo apt-get install chromium` "
    "(macOS: `brew install --cask chromium`), or name one in CHROMIUM=/path/to/it."
)
BUSY = ".htmx-request, .htmx-swapping, .htmx-settling, .htmx-added"  # what htmx asked for and has not put in place
# What is expected comes at once; only what never comes, or comes on a machine that does much else, takes so long.
EXPECTED_MS = 20_000
# Playwright's event loop stands in the thread of the test, which makes Django think that the test were async.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

_left_out: list[str] = []

expect.set_options(timeout=EXPECTED_MS)


def chromium() -> str | None:
    """The path of the machine's Chromium; None when there is none."""
    names = [os.environ["CHROMIUM"]] if os.environ.get("CHROMIUM") else NAMES
    return next((path for name in names if (path := shutil.which(name))), None)


@pytest.hookimpl(tryfirst=True)  # before `-m` is applied
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark browser tests; leave them out where there is no browser."""
    without = [item for item in items if "browser" in getattr(item, "fixturenames", ())]
    for item in without:
        item.add_marker(pytest.mark.browser)
    if chromium():
        return
    if without and os.environ.get("CI") == "true":
        raise pytest.UsageError(HOW_TO_GET_IT)
    if without:
        config.hook.pytest_deselected(items=without)
        items[:] = [item for item in items if item not in without]
        _left_out.extend(item.nodeid for item in without)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the end, where it is read, what did not run and how to make it run."""
    if _left_out:
        terminalreporter.section(f"{len(_left_out)} BROWSER TESTS DID NOT RUN", sep="!", red=True, bold=True)
        terminalreporter.line(HOW_TO_GET_IT)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, started once."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser, live_server) -> Iterator[Page]:
    """An empty window with `live_server` as its base address.

    The test fails when the page asked another host for anything, or wrote an error (a refused style or script is one)
    to the console. A test that provokes one on purpose says so by `provoke`.
    """
    context = browser.new_context(base_url=live_server.url, locale="en-GB", timezone_id="UTC")
    opened = context.new_page()
    complaints: list[str] = []
    provoked = opened.provoked = []  # type: ignore[attr-defined]
    own = urlsplit(live_server.url).netloc

    def note_request(request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in {"http", "https", "ws", "wss"} and address.netloc != own:
            complaints.append(f"asked another host: {request.url}")

    def note_message(message: ConsoleMessage) -> None:
        if message.type == "error":
            complaints.append(f"console: {message.text}")

    context.on("request", note_request)
    opened.on("console", note_message)
    opened.on("pageerror", lambda error: complaints.append(f"script: {error}"))
    yield opened
    context.close()
    unexpected = [one for one in complaints if not any(words in one for words in provoked)]
    assert not unexpected, "\n".join(unexpected)


def provoke(page: Page, words: str) -> None:
    """Let the console complain in these words: "status of 404", "ERR_FAILED".

    It may do so after the page shows what the test waits for, so that there is no moment to look at it but the end.
    """
    page.provoked.append(words)  # type: ignore[attr-defined]


def at_rest(page: Page) -> Page:
    """The page once it listens: it is painted before its scripts have run, and so is what htmx puts into it."""
    page.wait_for_load_state("load")
    expect(page.locator(BUSY)).to_have_count(0)
    return page


def press(page: Page, key: str) -> None:
    """Press a key once the page listens."""
    at_rest(page).keyboard.press(key)
