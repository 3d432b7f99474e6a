"""What could be an id in a text that somebody pasted."""

import time

import pytest

from traces.pasted import Address, read

HEX = "5b8efff798038103d269b633813fc60c"
SPAN = "eee19b7ec3c1b174"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  req-ABC.1\n", ["req-ABC.1"]),
        ("a b [c]", ["a b [c]"]),  # a sender may have written anything
        ("(req-ABC.1)", ["req-ABC.1"]),
        ("<req-ABC.1>", ["req-ABC.1"]),
        ("It failed: req-ABC.1.", ["req-ABC.1"]),
        ("request_id=req-ABC.1 took=3", ["req-ABC.1"]),
        ('{"request_id":"req-ABC.1","took":3}', ["req-ABC.1"]),
        ('{\\"request_id\\":\\"req-ABC.1\\",\\n\\"a\\":1}', ["req-ABC.1"]),
        ("failed\\nreq-ABC.1\\tagain", ["req-ABC.1"]),
        ("request_id=3Dreq-AB=\r\nC.1", ["req-ABC.1"]),
        ("Ref: req=2DABC=2E1", ["req-ABC.1"]),
        ("id=AB12CD34 is it", ["AB12CD34"]),  # no quoted letters, though it could be read so
        ("&lt;b&gt;req-ABC.1&lt;/b&gt;", ["req-ABC.1"]),
        ("\x1b[31mERROR\x1b[0m req-ABC.1\x1b[0m", ["req-ABC.1"]),
        ("req-\u200bABC\u00ad.1", ["req-ABC.1"]),
        ("req\u2011ABC.1", ["req-ABC.1"]),
        ("“req-ABC.1” 請求「req-DEF.2」", ["req-ABC.1", "req-DEF.2"]),
        ("Your order #77120, ticket 12", ["77120", "12"]),
        ("> > req-ABC.1\n> Best", ["req-ABC.1"]),
        ("From: Anna <anna@example.org>", ["anna@example.org"]),
        (f"traceparent: 00-{HEX}-{SPAN}-01", [HEX, SPAN]),
        (f"b3: {HEX}-{SPAN}-1", [HEX, SPAN]),
        (f"0x{SPAN}", [SPAN]),
        ("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1", ["5759e988bd862e3fe1be46a994272793"]),
        ("5b8efff7-9803-8103-d269-b633813fc60c.", ["5b8efff7-9803-8103-d269-b633813fc60c"]),
        ("https://shop.example/help?request_id=req%2DABC.1&x=1", ["req-ABC.1"]),
        ("s3://bucket/req-ABC.1/log", ["req-ABC.1"]),
        ("a\x00b req-ABC.1 \ud800", ["req-ABC.1"]),
    ],
)
def test_ids_are_picked_out(text, expected):
    assert set(expected) <= set(read(text, "shop").ids)


@pytest.mark.parametrize("text", ["", "   \n", "\x00"])
def test_nothing_names_nothing(text):
    assert read(text, "shop").ids == ()


def test_what_looks_like_an_id_comes_first_and_the_rest_is_cut():
    words = " ".join("word" + "".join(chr(97 + int(digit)) for digit in str(n)) for n in range(2_000))
    found = read(f"{words}\nreq-ABC.1 {words}", "shop").ids
    assert found[0] == "req-ABC.1"
    assert len(found) == 80


def test_what_mail_servers_sign_does_not_crowd_out_the_id():
    signature = "\n".join(f"\t{n}AbC{n}x/yZ{n}Q+{n}rst{n}UvW/{n}kk{n}" for n in range(200))
    mail = f"DKIM-Signature: v=1; b={signature}\nReceived: from mx1.example by mx2.example id 77ab\n"
    mail += "Subject: My order\n\nIt failed, my reference is req-ABC.1.\n"
    assert "req-ABC.1" in read(mail, "shop").ids[:10]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("req-AB", ["req-AB"]),
        ("req-A", []),
        ("checkout", ["checkout"]),  # pasted alone anything may be a beginning
        ("the checkout failed with 8Qm4Zt today", ["8Qm4Zt"]),
        ('{"a":"b"}', []),
    ],
)
def test_beginnings_are_six_characters_or_more(text, expected):
    assert list(read(text, "shop").beginnings) == expected


@pytest.mark.parametrize(
    ("text", "slug", "page", "ids"),
    [
        (f"https://llmobs.example/p/shop/traces/{HEX}?span={SPAN}", "shop", "traces", (HEX, SPAN)),
        (f"http://127.0.0.1:8000/p/shop/traces/{HEX}#step", "shop", "traces", (HEX,)),
        (f"/p/bank/traces/{HEX}", "bank", "traces", (HEX,)),
        (f"See <https://a.example/p/shop/traces/{HEX}>.", "shop", "traces", (HEX,)),
        (f"[trace](https://a.example/p/shop/traces/{HEX}).", "shop", "traces", (HEX,)),
        ("https://a.example/p/shop/sessions/a%2Fb%3F", "shop", "sessions", ("a/b?",)),
        (f"https://a.example/p/shop/payload/{HEX}?span={SPAN}&part=input.0", "shop", "traces", (HEX, SPAN)),
        (
            f"https://safelinks.example/?url=https%3A%2F%2Fa.example%2Fp%2Fshop%2Ftraces%2F{HEX}%3Fspan%3D{SPAN}&data=1",
            "shop",
            "traces",
            (HEX, SPAN),
        ),
        ("https://a.example/p/shop/incidents/3", "shop", "", ()),
        ("https://a.example/p/shop", "shop", "", ()),
    ],
)
def test_addresses_of_our_pages_are_read_from_any_host(text, slug, page, ids):
    (address,) = read(text, "shop").addresses
    assert (address.slug, address.page, address.ids) == (slug, page, ids)


def test_an_address_says_its_own_path():
    assert read("https://a.example/p/shop/traces/x%2Fy?span=1", "shop").addresses == (
        Address("shop", "/p/shop/traces/x%2Fy?span=1", "traces", ("x/y", "1")),
    )


@pytest.mark.parametrize(
    "text",
    ["https://a.example/x/p", "ftp://a.example/p/shop", "https://[a/p/shop/traces/1", "a/p/shop/traces/1", "//x/p"],
)
def test_other_addresses_are_none_of_ours(text):
    assert read(text, "shop").addresses == ()


def test_addresses_of_other_projects_give_no_ids():
    assert HEX not in read(f"It is https://a.example/p/bank/traces/{HEX}", "shop").ids


@pytest.mark.parametrize(
    "text",
    [
        "a" * 50_000,
        "a-1@" * 12_500,
        "0x" * 25_000,
        "https://a/?u=" * 4_000,
        "\\" * 50_000,
        "=\n" * 25_000,
        "/p/a/" * 10_000,
    ],
)
def test_long_nonsense_is_read_quickly(text):
    before = time.perf_counter()
    read(text, "shop")
    assert time.perf_counter() - before < 1
