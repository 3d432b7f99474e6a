"""Make docs/screenshots anew: start llmobs with its demo project in a folder of its own and photograph the pages.

Usage: python checks/screenshots.py [--only trace]
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
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "docs" / "screenshots"
PAGES = {
    "lookup": "/p/demo",
    "lookup-several": "/p/demo?q=Jane+wrote:+req_7Hx2TrWb9,+as+in+sess_balcony_tomatoes",
    "trace": "/p/demo?q=req_7Hx2TrWb9",
    "session": "/p/demo/sessions/sess_balcony_tomatoes",
    "traces": "/p/demo/traces?period=6h",
    "overview": "/p/demo/dashboards/overview?period=24h",
    "incident": "/p/demo/incidents/1",
    "rules": "/p/demo/rules",
}
SHAPES = {"1280-light": (1280, "light"), "1280-dark": (1280, "dark"), "390-light": (390, "light")}
CHROMIUM_FLAGS = "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync"
SECONDS_TO_READY = 180
SECONDS_TO_INCIDENT = 120  # the rules are looked at every 30 s, and a first incident needs two looks


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", default="", help="the name of one page")
    only = options.parse_args().only
    OUT.mkdir(parents=True, exist_ok=True)
    with llmobs() as (address, password), sync_playwright() as playwright:
        chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS.split())
        for shape, (width, theme) in SHAPES.items():
            page = browser.new_page(viewport={"width": width, "height": 860}, color_scheme=theme)  # type: ignore[arg-type]
            log_in(page, address, password)
            wait_for_incident(page, address)
            for name, path in PAGES.items():
                if only in ("", name):
                    page.goto(address + path, wait_until="networkidle")
                    page.screenshot(path=OUT / f"{name}-{shape}.png", full_page=name != "traces")
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
