"""What was stored is found: by every kind of text, in every language, by facts and amounts, and by nobody else."""

from datetime import timedelta

import pytest

from accounts.models import Project
from llmobs.lib.timerange import TimeRange
from tests import make
from traces.records import SpanRecord
from traces.search import grammar
from traces.search.find import find
from traces.search.index import index_marked

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
