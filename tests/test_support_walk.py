"""What support does with a customer's mail: paste it whole, read what happened, say what they think, print the case."""

from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from conftest import client_of
from tests import make
from tests.browser import at_rest

PICTURES = Path(__file__).parent.parent / "test-results"
LONG = "The policy says a lot. " * 1_500
MAIL = """\
Return-Path: <anna@example.org>
DKIM-Signature: v=1; a=rsa-sha256; bh=Zm9vYmFyMTIzNDU2Nzg5MA==; b=AbCdEf0123456789/xyz+ABC77=
Received: from mail.example.org by mx.shop.example with ESMTPS id 4XyZ12AbC3; Tue, 10 Nov 2026 13:31:02 +0000
From: Anna Muster <anna@example.org>
Subject: Re: my tent
Message-ID: <20261110133102.77AB@mail.example.org>
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Hello,

one pole of my tent split, and your assistant says that I cannot return it =E2=
=80=93 after 20 days! It showed me =E2=80=9Crequest req_8Qm4=
ZtK2v=E2=80=9D. Order NW-77120.

Best, Anna
"""


@pytest.fixture
def support(transactional_db, page: Page, live_server, member) -> Page:
    """A window in which support staff is logged in."""
    session = client_of(member).cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    return page


@pytest.fixture
def case(project):
    """A conversation of two turns; the second one could not read the model's answer, and another model answered."""
    said = {"session_id": "ses_8Qm4Zt", "user_id": "anna@example.org", "feature": "refund-assistant"}
    early = make.now() - timedelta(minutes=30)
    first = make.span(started_at=early, input="Hello?", output="How can I help?", request_id="req_first", **said)
    question = "One pole of my tent split. Can I still send it back?"
    root = make.span(
        name="refund", request_id="req_8Qm4ZtK2v", input=question, output="Sorry, the 30 days are over.",
        fallback="other_model", **said,
    )  # fmt: skip
    below = {"trace_id": root.trace_id, "parent_id": root.span_id}
    make.stored(
        project.pk, first, root,
        make.call(
            name="decide", model_requested="gpt-4.1", model="gpt-4.1",
            input=[{"role": "system", "content": LONG}, {"role": "user", "content": question}],
            output=[{"role": "assistant", "content": "The pole split, so: {"}], **below,
        ),
        make.span(
            kind="parser", name="read", parser_name="RefundDecision", parser_version="v3", status="error",
            failure="parser_failed", status_message="expected { at character 1", **below,
        ),
        make.call(name="decide again", model_requested="gpt-4.1-mini", model="gpt-4.1-mini", **below),
    )  # fmt: skip


def test_from_a_mail_to_the_printed_case(support: Page, case):
    support.goto("/p/shop")
    support.locator("#q").fill(MAIL)
    support.get_by_role("button", name="Look up").click()

    support.wait_for_url("**/traces/**")
    for said in ("One pole of my tent split", "Sorry, the 30 days are over.", "refund-assistant", "req_8Qm4ZtK2v"):
        expect(support.locator("main")).to_contain_text(said)
    expect(support.get_by_role("heading", level=1)).to_contain_text("Answered by another model")

    whole = support.locator("#trace-feedback")
    whole.get_by_text("With a note").click()
    whole.get_by_label("Note").fill("A split pole is a fault: this is no return.")
    whole.get_by_role("button", name="No").click()
    expect(whole).to_contain_text("You said no")
    expect(whole).to_contain_text("A split pole is a fault")
    support.reload()
    expect(support.locator("#trace-feedback")).to_contain_text("You said no")

    support.emulate_media(media="print", color_scheme="light")
    for hidden in ("header.frame", "footer.foot", "#trace-feedback", ".copy"):
        expect(support.locator(hidden).first).not_to_be_visible()
    for shown in ("One pole of my tent split", "could not read", "no by sue@example.org", "printed from llmobs"):
        assert shown in support.locator("main").inner_text() + (support.locator("main").get_attribute("data-printed"))
    PICTURES.mkdir(exist_ok=True)
    support.screenshot(path=PICTURES / "case-print.png", full_page=True)
    printed = support.pdf(path=PICTURES / "case.pdf", format="A4", margin={"top": "15mm", "bottom": "15mm"})
    assert printed.startswith(b"%PDF")

    support.emulate_media(media="screen")
    support.get_by_role("link", name="ses_8Qm4Zt").first.click()
    expect(support.get_by_role("heading", level=1)).to_contain_text("2 turns")
    expect(support.locator(".turn").last).to_contain_text("feedback: no")


def test_a_step_takes_feedback_by_keyboard_alone_and_keeps_the_place(support: Page, case):
    support.goto("/p/shop?q=req_8Qm4ZtK2v")
    support.locator('[data-row="step"]', has_text="decide again").click()
    expect(support.locator("#step-name")).to_contain_text("decide again")
    at_rest(support)
    step = support.locator("#step-feedback")
    expect(step).to_contain_text("Did this step do the right thing?")
    step.get_by_role("button", name="Yes").focus()
    support.keyboard.press("Enter")
    expect(support.locator("#step-feedback")).to_contain_text("You said yes")
    expect(support.locator("#step-feedback-yes")).to_be_focused()
    at_rest(support)
    support.locator("#step-feedback").get_by_role("button", name="Take it back").click()
    expect(support.locator("#step-feedback")).not_to_contain_text("You said")


def test_a_choice_is_made_by_keyboard(support: Page, case):
    support.goto("/p/shop")
    support.locator("#q").fill("req_first and req_8Qm4ZtK2v")
    support.keyboard.press("Enter")
    expect(support.get_by_text("2 things match. Which one?")).to_be_visible()
    support.locator("a.hit").first.focus()
    support.keyboard.press("Enter")
    support.wait_for_url("**/traces/**")


PAGES = ["/p/shop?q=req_first+and+req_8Qm4ZtK2v", "/p/shop?q=please+find+none-77", "/p/shop/sessions/ses_8Qm4Zt"]


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.long)])
def test_the_pages_of_support_have_no_fault_of_accessibility(support: Page, case, scheme):
    support.emulate_media(color_scheme=scheme)
    for path in [*PAGES, "/p/shop?q=req_8Qm4ZtK2v"]:
        support.goto(path)
        found = Axe().run(support).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], path


def test_none_of_them_scrolls_sideways_on_a_phone(support: Page, case):
    support.set_viewport_size({"width": 390, "height": 844})
    for path in [*PAGES, "/p/shop?q=req_8Qm4ZtK2v"]:
        support.goto(path)
        wide = support.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, path
