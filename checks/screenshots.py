"""Make docs/screenshots anew: start llmobs with its demo project in a folder of its own and photograph the pages.

Usage: python checks/screenshots.py [--only trace palette]
Needs Chromium. Times in the pictures are those of the run, so they differ from run to run.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "docs" / "screenshots"
# By name: the address; then, parted by blanks, the selector of a link to follow, or a key to press (">" and its name).
PAGES = {
    "lookup": "/p/demo",
    "lookup-several": "/p/demo?q=Jane+wrote:+req_7Hx2TrWb9,+as+in+sess_balcony_tomatoes",
    "trace": "/p/demo?q=req_7Hx2TrWb9",
    "session": "/p/demo/sessions/sess_balcony_tomatoes",
    "traces": "/p/demo/traces?period=6h",
    "overview": "/p/demo/dashboards/overview?period=24h",
    "incident": "/p/demo/incidents/1",
    "rules": "/p/demo/rules",
    "send": "/p/demo/send",
    "limits": "/p/demo/settings/keys .keys-table a[href*=limits]",
    "inbox": "/p/demo/inbox .reasons__what a",
    "model-calls": "/p/demo?q=req_7Hx2TrWb9 nav.tabs a[href*='view=calls']",
    "compare": "/p/demo?q=req_7Hx2TrWb9 a[href*='good=1']",
    "features": "/p/demo/features",
    "feature": "/p/demo/features/refund-assistant",
    "user": "/p/demo/users/cust_00506",
    "cases": "/p/demo/cases",
    "case": "/p/demo/cases/1",
    "palette": "/p/demo >Control+k",
}
SHAPES = {f"{width}-{theme}": (width, theme) for width in (1280, 390) for theme in ("light", "dark")}
ONE_SCREEN = {"traces", "palette"}  # not the page to its end
REFUSED = (
    b'[{"request_id": "req_1", "input_tokens": "many"}]',
    b'[{"request_id": "req_2", "input_tokens": "few"}]',
    b"{",
)
CHROMIUM_FLAGS = "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync"
MILLISECONDS_TO_OPEN = 1_000  # what a key opens and then fetches
SECONDS_TO_READY = 180
SECONDS_TO_INCIDENT = 120  # the rules are looked at every 30 s, and a first incident needs two looks


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", nargs="+", choices=PAGES, default=list(PAGES), help="names of pages")
    wanted = options.parse_args().only
    OUT.mkdir(parents=True, exist_ok=True)
    with llmobs() as (address, password), sync_playwright() as playwright:
        chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS.split())
        for shape, (width, theme) in SHAPES.items():
            page = browser.new_page(viewport={"width": width, "height": 860}, color_scheme=theme)  # type: ignore[arg-type]
            log_in(page, address, password)
            wait_for_incident(page, address)
            make_case(page, address)
            for name, where in PAGES.items():
                if name in wanted:
                    open_page(page, address, where)
                    page.screenshot(path=OUT / f"{name}-{shape}.png", full_page=name not in ONE_SCREEN)
                    print(f"{name}-{shape}.png")


@contextmanager
def llmobs() -> Iterator[tuple[str, str]]:
    """A running llmobs with the demo project: its address and the administrator's password."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="llmobs-shots-", dir="/tmp"))  # short, for the sockets
    folder.chmod(0o755)
    command = [sys.executable, "manage.py", "up", "--demo", "--port", str(port), "--data-dir", str(folder)]
    up = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "ADMIN_EMAIL": "ines@example.org"})  # noqa: S603
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(address, up)
        send_what_is_refused(address, (folder / "demo_key").read_text().strip())
        yield address, (folder / "admin_password").read_text().strip()
    finally:
        up.terminate()
        up.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def wait_until_ready(address: str, up: subprocess.Popen[bytes]) -> None:
    """Until the demo is loaded and all parts answer; raises RuntimeError when that takes too long."""
    for _ in range(SECONDS_TO_READY):
        time.sleep(1)
        if up.poll() is not None:
            raise RuntimeError(f"`manage.py up` ended with {up.returncode}.")
        try:
            with urllib.request.urlopen(f"{address}/health/ready", timeout=5):  # noqa: S310 - our own loopback address
                return
        except OSError:
            continue
    raise RuntimeError(f"llmobs was not ready after {SECONDS_TO_READY} s.")


def log_in(page: Page, address: str, password: str) -> None:
    page.goto(f"{address}/login")
    page.fill("[name=username]", "ines@example.org")
    page.fill("[name=password]", password)
    page.click("button:has-text('Log in')")


def open_page(page: Page, address: str, where: str) -> None:
    """The page at an address of PAGES, at rest."""
    path, _, then = where.partition(" ")
    page.goto(address + path, wait_until="networkidle")
    if then.startswith(">"):
        page.keyboard.press(then[1:])
        page.wait_for_timeout(MILLISECONDS_TO_OPEN)
    elif then:
        page.goto(f"{address}{page.locator(then).first.evaluate('link => link.pathname + link.search')}")
    page.wait_for_load_state("networkidle")


def send_what_is_refused(address: str, key: str) -> None:
    """Something for the inbox: records that cannot be taken."""
    for body in REFUSED:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        try:
            urllib.request.urlopen(urllib.request.Request(f"{address}/api/v1/traces", body, headers))  # noqa: S310
        except urllib.error.HTTPError as refused:
            refused.close()


def make_case(page: Page, address: str) -> None:
    """Case 1, of the demo's failed refund, unless it was made already."""
    answer = page.goto(f"{address}/p/demo/cases/1")
    if answer and answer.ok:
        return
    open_page(page, address, "/p/demo?q=req_7Hx2TrWb9 a[href*='cases/new']")
    page.fill("[name=title]", "Jane got no new espresso machine: the decision could not be read")
    page.fill("[name=note]", "The model wrote a sentence before its JSON. The customer has been called.")
    page.click("button:has-text('Make the case')")
    page.wait_for_load_state("networkidle")


def wait_for_incident(page: Page, address: str) -> None:
    """Until the demo's live incident has been found."""
    for _ in range(SECONDS_TO_INCIDENT):
        answer = page.goto(f"{address}/p/demo/incidents/1")
        if answer and answer.ok:
            return
        time.sleep(1)
    raise RuntimeError(f"The demo's incident was not found within {SECONDS_TO_INCIDENT} s.")


if __name__ == "__main__":
    main()
