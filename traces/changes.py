"""Which versions a call ran with, and what is different from an earlier call that went well. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from traces.conversation import as_text, is_messages
from traces.queries.spans import StoredSpan
from traces.records import MODEL_KINDS, Json, Payload
from traces.sentences import visible
from traces.story import PARTS, model_of
from traces.textdiff import Line, difference

_SYSTEM: Final = frozenset({"system", "developer"})
_TEMPLATES: Final = ("llm.prompt_template.template",)  # attributes that hold a prompt before its values are put in
_LONGEST: Final = 200  # characters of a value


@dataclass(frozen=True, slots=True)
class Version:
    """One thing that a call ran with: a part and its version, a model, a parameter, a release.

    `before` is what the earlier call had, None where it is the same; `live` is what the newest call of the feature has,
    None where that is not known. Values are short and show what is invisible.
    """

    what: str
    name: str
    now: str
    before: str | None = None
    live: str | None = None

    @property
    def changed(self) -> bool:
        return self.before is not None

    @property
    def replaced(self) -> bool:
        """Whether another one is live by now."""
        return self.live is not None and self.live != self.now


@dataclass(frozen=True, slots=True)
class Told:
    """A call with the spans of its trace and its own payload."""

    spans: Sequence[StoredSpan]
    call: StoredSpan
    payload: Payload


def compared_call(spans: Sequence[StoredSpan], selected: StoredSpan) -> StoredSpan:
    """The call that a step is about: itself, else the last model call that began before it, else the first one."""
    if selected.kind in MODEL_KINDS:
        return selected
    same = [span for span in spans if span.record.trace_id == selected.record.trace_id]
    calls = sorted((span for span in same if span.kind == "llm"), key=lambda span: span.happened_at)
    earlier = [call for call in calls if call.happened_at <= selected.happened_at]
    return (earlier[-1:] or calls[:1] or [selected])[0]


def counterpart(spans: Sequence[StoredSpan], call: StoredSpan) -> StoredSpan | None:
    """The call of another trace that does what `call` does: of its kind, its prompt or else its name, its first try."""
    record = call.record
    alike = [span for span in spans if span.kind == call.kind]
    ranked = sorted(
        alike,
        key=lambda span: (
            span.record.prompt_name != record.prompt_name,
            span.record.name != record.name,
            span.record.attempt or 1,
            span.happened_at,
        ),
    )
    first = next(iter(ranked), None)
    if first is None or (first.record.name != record.name and first.record.prompt_name != record.prompt_name):
        return None
    return first


def versions(now: Told, before: Told | None, live: Sequence[StoredSpan], live_call: StoredSpan | None) -> list[Version]:
    """Everything that `now` ran with, what changed since `before` first, and whether it is still live."""
    rows = [
        *_parts(now, before, live),
        *_models(now, before, live_call),
        *_parameters(now, before),
        *_trace_wide("release", now, before, live),
        *_trace_wide("environment", now, before, live),
    ]
    return sorted(rows, key=lambda row: not row.changed)  # sorted is stable


def prompt_text(payload: Payload) -> str | None:
    """The prompt of a call as far as it is known: its template, else its system messages; None without either."""
    for attribute in _TEMPLATES:
        if isinstance(template := payload.attributes.get(attribute), str):
            return template
    messages = payload.input if is_messages(payload.input) else []
    texts = [_text(one.get("content")) for one in messages if str(one.get("role")).lower() in _SYSTEM]
    return "\n\n".join(texts) or None


def is_same_prompt(now: StoredSpan, before: StoredSpan) -> bool:
    """Whether both told the same version of the same prompt: then their texts differ only by what was put into it."""
    told, old = now.record, before.record
    return told.prompt_version is not None and (told.prompt_name, told.prompt_version) == (
        old.prompt_name,
        old.prompt_version,
    )


def prompt_difference(now: Payload, before: Payload) -> list[Line] | None:
    """The prompts compared; [] where they are equal or one is not known, None where they are too long."""
    old, new = prompt_text(before), prompt_text(now)
    if old is None or new is None:
        return []
    return difference(visible(old), visible(new))


def _parts(now: Told, before: Told | None, live: Sequence[StoredSpan]) -> Iterable[Version]:
    """Parts that both traces told, by name; a part that only one of them used is no change of version."""
    then, newest = live_parts(before.spans) if before else {}, live_parts(live)
    for (part, name), version in live_parts(now.spans).items():
        old = then.get((part, name))
        yield _version(part, name, version, old, newest.get((part, name)))
    if before:
        yield from _renamed(now.call, before.call)


def _renamed(now: StoredSpan, before: StoredSpan) -> Iterable[Version]:
    """Parts of the compared call itself that have another name than before."""
    for part in PARTS:
        name, old = (getattr(span.record, f"{part}_name") for span in (now, before))
        if name and old and name != old:
            yield _version(f"{part} name", "", name, old, None)


def live_parts(spans: Iterable[StoredSpan]) -> dict[tuple[str, str], str]:
    """Version by part and name; several versions of one are listed together."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for span in spans:
        for part in PARTS:
            version = getattr(span.record, f"{part}_version")
            if version:
                found.setdefault((part, getattr(span.record, f"{part}_name") or ""), {})[version] = None
    ordered = sorted(found.items(), key=lambda one: PARTS.index(one[0][0]))
    return {key: ", ".join(sorted(several)) for key, several in ordered}


def _models(now: Told, before: Told | None, live_call: StoredSpan | None) -> Iterable[Version]:
    model = model_of(now.call)
    if model:
        old, newest = (model_of(one) if one else None for one in (before.call if before else None, live_call))
        yield _version("model", "", model, old, newest)
    answered, old = now.call.record.model, before.call.record.model if before else None
    if answered and old and answered != old:
        yield _version("answered by", "", answered, old, None)


def _parameters(now: Told, before: Told | None) -> Iterable[Version]:
    mine, old = now.payload.parameters or {}, (before.payload.parameters or {}) if before else {}
    for name, value in mine.items():
        was = as_text(old[name]) if name in old else "not set" if before else None
        yield _version("parameter", name, as_text(value), was, None)
    for name in old.keys() - mine.keys():
        yield _version("parameter", name, "not set", as_text(old[name]), None)
    tools = [_tool_names(one.payload) if one else None for one in (now, before)]
    if tools[0] or tools[1]:
        yield _version("tools offered", "", tools[0] or "none", tools[1] or "none" if before else None, None)


def _trace_wide(field: str, now: Told, before: Told | None, live: Sequence[StoredSpan]) -> Iterable[Version]:
    mine, old, newest = (_values(field, spans) for spans in (now.spans, before.spans if before else [], live))
    if mine:
        yield _version(field, "", mine, old or None, newest or None)


def _values(field: str, spans: Iterable[StoredSpan]) -> str:
    return ", ".join(sorted({value for span in spans if (value := getattr(span.record, field))}))


def _tool_names(payload: Payload) -> str:
    offered = [one.get("function", one) if isinstance(one, dict) else {} for one in payload.tools or []]
    return ", ".join(sorted(str(one.get("name") or "tool") for one in offered if isinstance(one, dict)))


def _text(content: Json) -> str:
    if isinstance(content, list):
        return "\n".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return "" if content is None else as_text(content)


def _version(what: str, name: str, now: str, before: str | None, live: str | None) -> Version:
    values = [None if value is None else _short(value) for value in (now, before, live)]
    same = before is None or before == now
    return Version(what, _short(name), values[0] or "", None if same else values[1], values[2])


def _short(text: str) -> str:
    seen = visible(" ".join(text[: 4 * _LONGEST].split()))
    return seen if len(seen) <= _LONGEST else seen[: _LONGEST - 1] + "…"
