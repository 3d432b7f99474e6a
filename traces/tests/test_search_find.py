"""What was stored is found: by every kind of text, in every language, by facts and amounts, and by nobody else."""

from datetime import date, timedelta
from decimal import Decimal

import orjson
import pytest

from accounts.models import Project
from llmobs.lib.timerange import TimeRange
from tests import make
from traces import scores
from traces.records import SpanRecord
from traces.search import grammar, match
from traces.search.find import by_facts, find, find_within
from traces.search.hits import Hits, Stretch
from traces.search.index import index_marked
from traces.wire.scores import decode

pytestmark = pytest.mark.django_db


def lately() -> TimeRange:
    return TimeRange(make.now() - timedelta(days=10), make.now() + timedelta(minutes=1))


def found(project: Project, line: str, **order) -> list[bytes]:
    return [one.trace_id for one in find(project.pk, lately(), grammar.parse(line), **order)]


def indexed(project: Project, *spans: SpanRecord) -> None:
    make.stored(project.pk, *spans)
    index_marked()


TEXTS = [
    ("Where is my REFUND?", "refund"),
    ("Where is my refund?", "where is"),
    ("Where is my\n  refund?", '"my refund"'),
    ("It was refundable", "refund*"),
    ("It was nonrefundable", "*fund*"),
    ("Order ORD-7781-AB is late", "ord-7781-ab"),
    ("Order ORD-7781-AB is late", '"ord-7781"'),
    ("Mail to sue@example.org", "sue@example.org"),
    ("我想申请退款，谢谢", "退款"),
    ("我想申请退款，谢谢", "申请退款"),
    ("我想申请退款，谢谢", "款"),
    ("返金してください", "返金"),
    ("キャンセル料はいくらですか", "ｷｬﾝｾﾙ"),
    ("환불을 받고 싶어요", "환불"),
    ("أريد استرداد أموالي", "استرداد"),
    ("ฉันต้องการขอคืนเงิน", "คืนเงิน"),
    ("मुझे पैसे वापस चाहिए", "वापस"),
    ("STRASSE", "straße"),
    ("Ich möchte Geld zurück", "MÖCHTE"),
    ("thanks 🙂👍", "👍"),
    ("x" * 300 + "needle" + "y" * 300, "*xneedley*"),
    ("100% -- done", '"% --"'),
]


@pytest.mark.parametrize(("said", "line"), TEXTS)
def test_every_kind_of_text_is_found(project: Project, said: str, line: str) -> None:
    span = make.call(input=[{"role": "user", "content": said}])
    indexed(project, span, make.call(input=[{"role": "user", "content": "Something else"}]))
    (hit,) = find(project.pk, lately(), grammar.parse(line))
    assert (hit.trace_id, hit.span_id) == (span.trace_id, span.span_id)


NOT_FOUND = [
    ("It was refundable", "refund"),
    ("It was refundable", '"refund"'),
    ("my dear refund", '"my refund"'),
    ("refund, my", '"my refund"'),
    ("退货和付款", "退款"),
    ("nonrefundable", "refund*"),
    ("refund", "-refund"),
    ("my refund", '-"my refund"'),
    ("the refund", "*efun* absent"),
]


@pytest.mark.parametrize(("said", "line"), NOT_FOUND)
def test_what_only_resembles_it_is_not_found(project: Project, said: str, line: str) -> None:
    indexed(project, make.call(input=said))
    assert found(project, line) == []


FACTS = [
    ({"model_requested": "gpt-4o"}, "model:GPT-4o"),
    ({"model_requested": "gpt-4o", "model": "gpt-4o-2024"}, "model:gpt-4o-2024 model:gpt-4o"),
    ({"model": "gpt-4o-mini"}, "model:gpt-4o*"),
    ({"provider": "openai"}, "provider:openai"),
    ({"status": "error", "failure": "parser_failed"}, "failure:parser_failed status:error has:error"),
    ({"status": "unset"}, "status:ok -has:error"),
    ({"feature": "Billing"}, "feature:billing has:feature"),
    ({"service": "shop-api"}, "feature:shop-api service:shop-api -has:feature"),
    ({"prompt_name": "refund", "prompt_version": "12"}, "prompt:refund prompt:refund@12"),
    ({"prompt_version": "refund@12"}, "prompt:refund@12"),
    ({"retriever_name": "handbook", "retriever_version": "3"}, "retriever:handbook@3"),
    ({"user_id": "u_9", "session_id": "s 41"}, 'user:u_9 session:"s 41" has:user has:session'),
    ({"request_id": "req_7f3a"}, "request:req_7*"),
    ({"response_id": "chatcmpl-9x"}, "response:chatcmpl-9x"),
    ({"environment": "prod", "release": "1.4.2"}, "env:prod release:1.4.2 has:release"),
    ({"tags": ["vip", "två ord"]}, 'tag:vip tag:"två ord"'),
    ({"kind": "tool", "name": "search", "tool_name": "orders"}, "kind:tool tool:orders name:search has:tool"),
    ({"finish_reason": "length"}, "finish:length"),
    ({"fallback": "other_model"}, "fallback:other_model has:fallback"),
    ({"retries": 2}, "has:retry retries:2"),
    ({"attempt": 2}, "has:retry retries:>0"),
    ({"cache_hit": True}, "has:cached"),
    ({"refused": True}, "has:refusal"),
    ({"documents": [{"text": "Returns within 30 days"}]}, 'has:retrieval "returns within"'),
    ({"input": [{"role": "user", "content": [{"type": "image", "data": "abc.png"}]}]}, "has:media -abc"),
    ({"parent_id": b"elsewher"}, "-has:root has:orphan"),
    ({"ended": False}, "-has:end"),
    ({"duration_us": 2_000_001}, "latency:>2s -latency:>3s"),
    ({"cost_usd": Decimal("0.06"), "cost_source": "sent"}, "cost:>0.05 cost:<=0.06 has:price"),
    ({"input_tokens": 8_000, "output_tokens": 1}, "tokens:>8000 input_tokens:8k output_tokens:<2"),
    ({"input_tokens": None, "output_tokens": None}, "-tokens:>0 -tokens:<=0"),
    ({"attributes": {"metadata.order_id": 77}}, "metadata.order_id:77 -metadata.order_id:7"),
    ({"attributes": {"metadata.order_id": 77}}, '"77"'),
    ({"attributes": {"metadata": {"order_id": 77, "deep": {"no": 1}}}}, "metadata.order_id:77"),
    ({"attributes": {"langfuse.observation.metadata.order_id": '"A-77"'}}, "metadata.order_id:a-77"),
    ({"attributes": {"traceloop.association.properties.plan": "pro"}}, "metadata.plan:pro"),
    ({"attributes": {"ai.telemetry.metadata.ids": ["a", "b"]}}, "metadata.ids:a metadata.ids:b"),
    ({"attributes": {"app.tenant": "acme", "vip": True}}, "metadata.tenant:acme metadata.vip:true"),
    ({"attributes": {"metadata.a.b": "c" * 400}}, f"metadata.a.b:{'c' * 400} metadata.a.b:ccc*"),
    ({"name": "Decide"}, "name:decide decide"),
    ({"status": "error", "status_message": "Rate limit reached for gpt-4o"}, '"rate limit reached"'),
    ({"output": [{"role": "assistant", "content": None, "tool_calls": [
        {"id": "1", "name": "find_order", "arguments": {"order": "ord-5"}}]}]}, 'find_order "order: ord-5"'),
    ({"parsed_output": {"verdict": "late", "fine": 12.5}}, '"verdict: late" 12.5'),
]  # fmt: skip


@pytest.mark.parametrize(("told", "line"), FACTS)
def test_every_fact_is_found(project: Project, told: dict, line: str) -> None:
    span = make.call(**told)
    indexed(project, span)
    assert found(project, line) == [span.trace_id]


def test_the_request_fails_with_its_root_and_not_with_a_step(project: Project) -> None:
    root = make.span(status="ok")
    indexed(project, root, make.call(trace_id=root.trace_id, parent_id=root.span_id, status="error"))
    assert found(project, "status:ok has:error -status:error") == [root.trace_id]


def test_a_fact_is_no_text_and_a_text_no_fact(project: Project) -> None:
    indexed(project, make.call(input=":model:gpt-9 model gpt-9", model_requested="gpt-8"))
    assert found(project, "model:gpt-9") == found(project, '"gpt-8"') == []


def test_a_value_of_metadata_is_found_by_itself_and_by_its_beginning(project: Project) -> None:
    one, two, other = (make.span(attributes={"metadata.order_id": value}) for value in ("ord-100", "ord-1001", "x"))
    indexed(project, one, two, other)
    assert [hit.trace_id for hit in by_facts(project.pk, [("metadata.order_id", "ORD-100")])] == [one.trace_id]
    beginning = by_facts(project.pk, [("metadata.order_id", "ord-100"), ("user", "ord-100")], prefix=True)
    assert {hit.trace_id for hit in beginning} == {one.trace_id, two.trace_id}
    assert by_facts(project.pk, []) == []


def scored(project: Project, **said: object) -> None:
    given, _ = decode(orjson.dumps(said), "application/json")
    assert scores.write(project.pk, given, make.now()).accepted == 1


TARGETS = ["trace_id", "span_id", "session_id", "request_id"]


@pytest.mark.parametrize("target", TARGETS)
def test_a_score_that_comes_later_is_found_at_once_whatever_it_is_of(project: Project, target: str) -> None:
    span = make.call(session_id="s_1", request_id="r_1")
    indexed(project, span, make.call())
    ids = {"trace_id": span.trace_id.hex(), "span_id": span.span_id.hex(), "session_id": "s_1", "request_id": "r_1"}
    assert found(project, "has:score") == found(project, "score.helpful:<0.5") == []
    scored(project, name="helpful", value=0.25, **{target: ids[target]})
    for line in ("has:score", "score.helpful:<0.5", "score.helpful:0.25", "model:gpt-4o-mini score.helpful:>=0.25"):
        assert found(project, line) == [span.trace_id]
    for line in ("score.helpful:>0.5", "score.other:<0.5", "-score.helpful:<0.5 has:score"):
        assert found(project, line) == []
    assert len(found(project, "-has:score")) == 1


def test_scores_of_words_and_of_yes_and_no_are_found(project: Project) -> None:
    span = make.call()
    indexed(project, span)
    scored(project, name="tone", value="Friendly", trace_id=span.trace_id.hex())
    scored(project, name="correct", value=True, trace_id=span.trace_id.hex())
    assert found(project, "score.tone:friendly score.tone:frien* score.correct:yes score.correct:1") == [span.trace_id]
    assert found(project, "score.correct:no") == found(project, "score.tone:100%") == []


def test_a_search_that_takes_long_stops_and_says_where(project: Project) -> None:
    spans = [make.span(input="x, y", started_at=make.now() - timedelta(days=day)) for day in range(5)]
    indexed(project, *spans)
    found, after = [], None
    for _ in range(10):
        finding = find_within(0, project.pk, lately(), grammar.parse('"x, y"'), after=after, limit=10)
        found += [hit.trace_id for hit in finding.found]
        after = finding.stopped
        if after is None:
            break
    assert found == [span.trace_id for span in spans]
    assert find_within(0, project.pk, lately(), grammar.parse('"x y"')).stopped.value > spans[-1].started_at
    assert find_within(5, project.pk, lately(), grammar.parse('"x y"')).stopped is None


def test_a_day_that_goes_while_it_is_searched_costs_only_itself(project: Project) -> None:
    span = make.call(input="refund")
    indexed(project, span)
    plan = match.plan_of(grammar.parse("refund"))
    plan.values |= {"project": project.pk, "start": lately().start, "end": lately().end}
    gone = Stretch([make.now().date(), date(1999, 12, 31)], "time")
    assert [hit.trace_id for hit in Hits(plan, gone, {}, None).more(10)] == [span.trace_id]


@pytest.mark.parametrize("sort", ["-time", "cost", "-cost"])
def test_a_search_in_any_order_goes_on_where_it_stopped(project: Project, sort: str) -> None:
    costs = [Decimal(1), None, Decimal(3), None]
    spans = [make.call(input="x, y", cost_usd=cost, cost_source="sent") for cost in costs]
    indexed(project, *spans)
    terms = grammar.parse('"x, y"')
    found, after = [], None
    while True:
        finding = find_within(0, project.pk, lately(), terms, sort=sort, after=after, limit=3)
        found += [hit.trace_id for hit in finding.found]
        after = finding.stopped or (finding.found[-1].after if finding.found else None)
        if after is None or not (finding.stopped or finding.found):
            break
    assert found == [one.trace_id for one in find(project.pk, lately(), terms, sort=sort)]
    assert sorted(found) == sorted(span.trace_id for span in spans)
