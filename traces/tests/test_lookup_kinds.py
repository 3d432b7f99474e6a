"""What the box understands beside a whole id: beginnings, other spellings, addresses, ids of one's own, words."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import make
from tests.markup import Markup
from traces import ids
from traces.pasted import read
from traces.queries import beginnings, lookup
from traces.queries.prefixes import prefixes
from traces.search.index import index_marked

PAGE = "/p/shop"
TRACE = bytes.fromhex("5b8efff798038103d269b633813fc60c")
SPAN = bytes.fromhex("eee19b7ec3c1b174")


@pytest.fixture
def look_up(member_client):
    """The answer to something pasted into the box."""
    return lambda pasted: member_client.get(PAGE, {"q": pasted})


@pytest.fixture
def one_trace(project):
    root, call = make.trace(
        trace_id=TRACE, request_id="req-8Qm4ZtK2v", session_id="ses_77120x", user_id="anna@example.org",
        attributes={"metadata.order_id": "NW-77120", "ticket": 4711}, input="One pole of my Fjell tent split",
    )  # fmt: skip
    root.span_id = call.parent_id = bytes.fromhex("00f067aa0ba902b7")  # which no number in a mail spells
    call.span_id, call.response_id = SPAN, "chatcmpl-9aBcD12"
    make.stored(project.pk, root, call)
    index_marked()
    return f"{PAGE}/traces/{TRACE.hex()}"


@pytest.mark.parametrize(
    ("pasted", "opens_the_step"),
    [
        ("req-8Q", False),
        ("chatcmpl-9", True),
        ("ses_77", False),
        ("anna@e", False),
        (TRACE.hex()[:6], False),
        (TRACE.hex()[:7].upper(), False),
        (TRACE.hex()[:31], False),
        ("5b8efff7-98", False),
        (SPAN.hex()[:6], True),
        (SPAN.hex()[:9], True),
        (f"0x{SPAN.hex()[:8]}", True),
    ],
)
def test_the_beginning_of_any_id_leads_to_its_trace(look_up, one_trace, pasted, opens_the_step):
    answer = look_up(pasted)
    assert answer.headers["Location"] == one_trace + (f"?span={SPAN.hex()}" if opens_the_step else "")


@pytest.mark.parametrize(
    ("pasted", "opens_the_step"), [("8Qm4ZtK2v", False), ("8Qm4Zt", False), ("9aBcD1", True), ("77120x", False)]
)
def test_an_id_is_found_without_what_all_of_its_kind_begin_with(look_up, project, one_trace, pasted, opens_the_step):
    answer = look_up(pasted)
    assert answer.headers["Location"] == one_trace + (f"?span={SPAN.hex()}" if opens_the_step else "")


def test_the_commonest_beginnings_of_ids_are_known_and_no_id_is_one(project):
    for number in range(3):
        make.stored(project.pk, *make.trace(request_id=f"req_live_{number}", session_id="chat.one-", user_id="u_1"))
    assert prefixes(project.pk) == ["req_live_", "u_", "chatcmpl-", "resp_", "msg_"]


def test_the_middle_of_an_id_and_a_word_are_not_taken_for_its_beginning(look_up, one_trace):
    assert "No trace has this id" in look_up("Qm4ZtK2v").content.decode()
    for pasted in ("req-8Qm4ZtK2v", "req-8Q", "Fjellhut"):  # what is found sooner pays nothing for it
        with CaptureQueriesContext(connection) as asked:
            look_up(pasted)
        assert not any("SELECT request_id, session_id, user_id FROM" in one["sql"] for one in asked), pasted


@pytest.mark.parametrize("pasted", ["req-8", TRACE.hex()[:5], "REQ-8QM4ZTK2V"])
def test_less_than_six_characters_are_no_beginning(look_up, one_trace, pasted):
    assert "No trace has this id" in look_up(pasted).content.decode()


def test_beginnings_that_several_ids_share_are_listed_by_kind(look_up, project):
    for number in range(3):
        make.stored(project.pk, make.span(request_id=f"abcdef-{number}", name=f"asked {number}"))
    make.stored(project.pk, make.span(session_id="abcdef-s"), make.span(trace_id=bytes.fromhex("abcdef" + "0" * 26)))
    words = Markup(look_up("abcdef")).words
    assert "5 things match. Which one?" in words
    places = [words.index(said) for said in ("Request abcdef", "Trace abcdef", "Session abcdef")]
    assert places == sorted(places)


def test_a_beginning_reaches_over_days_and_stays_in_its_project(look_up, project, other_project):
    old = make.span(request_id="abcdef-old", started_at=make.now() - timedelta(days=60))
    make.stored(project.pk, old)
    make.stored(other_project.pk, make.span(request_id="abcdef-theirs", session_id="abcdef", user_id="abcdef"))
    assert look_up("abcdef").headers["Location"] == f"{PAGE}/traces/{old.trace_id.hex()}"


@pytest.mark.parametrize(
    ("trace_id", "pasted"),
    [
        (bytes(8) + SPAN, SPAN.hex()),  # 64 bits, as B3 and Datadog have them
        (bytes(8) + SPAN, str(int.from_bytes(SPAN, "big"))),
        (TRACE, str(int.from_bytes(TRACE, "big"))),
        (ids.trace_key("order/77 of May"), "order/77 of May"),
    ],
)
def test_a_trace_is_found_by_every_spelling_of_its_id(look_up, project, trace_id, pasted):
    make.stored(project.pk, make.span(trace_id=trace_id))
    assert look_up(pasted).headers["Location"].startswith(f"{PAGE}/traces/")


def test_a_span_is_found_by_its_number(look_up, one_trace):
    assert look_up(str(int.from_bytes(SPAN, "big"))).headers["Location"] == f"{one_trace}?span={SPAN.hex()}"


def test_a_trace_whose_id_is_a_text_is_found_by_its_beginning(look_up, project):
    text = "order-of-may-77"
    make.stored(project.pk, make.span(trace_id=ids.trace_key(text), trace_text=text))
    index_marked()
    assert look_up("order-of").headers["Location"] == f"{PAGE}/traces/{text}"


@pytest.mark.parametrize(
    "address",
    [
        "https://elsewhere.example/p/shop/traces/{trace}?span={span}",
        "/p/shop/traces/{trace}?span={span}",
        "https://safe.example/?url=https%3A%2F%2Fllm.example%2Fp%2Fshop%2Ftraces%2F{trace}%3Fspan%3D{span}",
    ],
)
def test_an_address_of_a_trace_opens_it_here_whatever_its_host(look_up, one_trace, address):
    answer = look_up(address.format(trace=TRACE.hex(), span=SPAN.hex()))
    assert answer.headers["Location"] == f"{one_trace}?span={SPAN.hex()}"


def test_an_address_in_a_mail_opens_its_step(look_up, one_trace):
    mail = f"Hello,\nsee <https://x.example/p/shop/traces/{TRACE.hex()}?span={SPAN.hex()}>.\nBest"
    assert look_up(mail).headers["Location"] == f"{one_trace}?span={SPAN.hex()}"


def test_addresses_of_sessions_and_of_other_pages_lead_there(look_up, one_trace, member_client):
    assert look_up("https://x.example/p/shop/sessions/ses_77120x").headers["Location"] == f"{PAGE}/sessions/ses_77120x"
    for path in (f"{PAGE}/dashboards/overview?period=7d", f"{PAGE}?q=req-8Qm4ZtK2v", f"{PAGE}/incidents"):
        assert look_up(f"https://x.example{path}").headers["Location"] == path


def test_an_address_of_another_project_leads_there_only_its_members(
    look_up, admin, member, other_project, admin_of_project_client, one_trace
):
    make.stored(other_project.pk, make.span(trace_id=b"b" * 16))
    address = f"https://x.example/p/bank/traces/{(b'b' * 16).hex()}"
    assert "No trace has this id" in look_up(address).content.decode()
    other_project.memberships.create(user=admin, role="support")
    assert admin_of_project_client.get(PAGE, {"q": address}).headers["Location"] == address.removeprefix(
        "https://x.example"
    )


@pytest.mark.parametrize(
    "address", ["https://x.example/p/shop/traces/none", "/p/shop/sessions/none", "/p/none/traces/x", "/p/shop/nowhere"]
)
def test_an_address_of_nothing_is_not_found_here(look_up, one_trace, address):
    assert "No trace has this id" in look_up(address).content.decode()


def test_a_mail_with_the_users_address_and_the_request_id_leads_to_the_request(look_up, project, one_trace):
    make.stored(project.pk, make.span(user_id="anna@example.org"), make.span(session_id="ses_77120x"))
    mail = (
        "From: Anna <anna@example.org>\nContent-Transfer-Encoding: quoted-printable\n\nHello,\n\nit failed again, "
        "the page said =E2=80=9Crequest req-8Qm4=\nZtK2v=E2=80=9D.\n\nOrder 12 of 2026-11-02."
    )
    assert look_up(mail).headers["Location"] == one_trace


def test_ids_of_different_traces_in_one_text_are_listed_with_what_was_picked_out(look_up, project, one_trace):
    make.stored(project.pk, make.span(request_id="req-other-1", input="Where is it?"))
    words = Markup(look_up("both req-8Qm4ZtK2v and req-other-1 failed")).words
    assert "2 things match. Which one?" in words
    assert "Picked out of it: request" in words
    assert "“Where is it?”" in words


def test_what_was_tried_is_said_when_nothing_is_found(look_up, one_trace):
    words = Markup(look_up("please look at req-none-77 for me")).words
    assert "Tried: req-none-77" in words


@pytest.mark.parametrize(
    "pasted", ["NW-77120", "nw-77120", "Order NW-77120, the tent", "NW-771", "4711", "ticket=4711"]
)
def test_values_of_metadata_that_are_ids_lead_to_their_trace(look_up, project, one_trace, pasted):
    project.id_keys = ["order_id", "ticket"]
    project.save()
    assert look_up(pasted).headers["Location"] == one_trace


def test_a_value_of_several_traces_leads_to_their_list_and_one_of_every_trace_hides_none(look_up, project, one_trace):
    project.id_keys = ["order_id", "tenant"]
    project.save()
    for _ in range(2):
        make.stored(project.pk, make.span(attributes={"metadata.order_id": "NW-2", "metadata.tenant": "acme"}))
    index_marked()
    assert look_up("NW-2").headers["Location"].startswith(f"{PAGE}/traces?q=metadata.order_id%3ANW-2")
    words = Markup(look_up("order NW-2 and NW-77120 of acme")).words
    for said in ("Order_id NW-2", "Order_id NW-77120", "Tenant acme"):
        assert said in words


def test_words_lead_to_the_trace_that_holds_them(look_up, project, one_trace):
    make.stored(project.pk, *(make.span(input="Where is my other tent?") for _ in range(2)))
    index_marked()
    assert look_up("fjell pole").headers["Location"].startswith(one_trace)
    assert look_up("other tent").headers["Location"].startswith(f"{PAGE}/traces?q=other+tent")
    assert look_up("tent status:ok").headers["Location"].startswith(f"{PAGE}/traces?q=tent")
    words = Markup(look_up("nobody said this")).words
    assert "and all text up to" in words


def test_no_look_up_reads_a_table_from_end_to_end(project):
    """Whatever a plan is chosen for, the partitions are read by their indexes; tables are empty, so it is forced."""
    exact = lookup._keys(read("req-8Qm4ZtK2v 12345 and more", "shop").ids)
    begun = {"texts": "abcdef", "from_keys": "abcdef", "to_keys": "abcdf0", "last_day": "2026-11-01", "days": "95"}
    for statement, values in (
        *((one, exact) for one in (lookup.WHOLES, lookup.SPAN, lookup.RESPONSE, lookup.ANYTHING)),
        (beginnings.BEGINNINGS, begun),
    ):
        given = {"project": str(project.pk), "since": "2026-10-01", **values}
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_seqscan = off")
            cursor.execute(f"PREPARE looked_up AS {statement.sql}")
            literals = ", ".join(connection.ops.quote_name(given[name]).replace('"', "'") for name in statement.names)
            cursor.execute(f"EXPLAIN EXECUTE looked_up ({literals})")
            plan = "\n".join(line for (line,) in cursor.fetchall())
            cursor.execute("DEALLOCATE looked_up")
        assert "Seq Scan" not in plan
        assert "Index" in plan
