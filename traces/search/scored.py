"""Conditions on scores, in SQL. They are not in the index: a score may come at any time, and is found at once."""

from typing import Any, Final

from traces.search.grammar import Term

_OPERATORS: Final = {"<": "<", "<=": "<=", ">": ">", ">=": ">="}
_WORDS: Final = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}

# The traces that some scores are of: their own, that of their step, those of their session or request.
_TRACES: Final = """e.trace_id IN (
    SELECT s.trace_id FROM traces_score s
    WHERE s.project_id = %(project)s AND s.trace_id IS NOT NULL {which}
    UNION ALL
    SELECT x.trace_id FROM traces_score s JOIN traces_span x ON x.project_id = s.project_id AND x.span_id = s.span_id
    WHERE s.project_id = %(project)s AND s.trace_id IS NULL {which}
    UNION ALL
    SELECT t.trace_id FROM traces_score s JOIN traces_summary t ON t.project_id = s.project_id
        AND left(t.session_id, 200) = left(s.session_id, 200) AND t.session_id = s.session_id
    WHERE s.project_id = %(project)s AND s.trace_id IS NULL {which}
    UNION ALL
    SELECT x.trace_id FROM traces_score s JOIN traces_span x ON x.project_id = s.project_id
        AND left(x.request_id, 200) = left(s.request_id, 200) AND x.request_id = s.request_id
    WHERE s.project_id = %(project)s AND s.trace_id IS NULL {which}
)"""
_NAMED: Final = "AND left(s.name, 200) = left(%({name})s, 200) AND s.name = %({name})s AND {compared}"


def condition(term: Term, number: int) -> tuple[str, dict[str, Any]]:
    """The condition on an entry `e` that `score.<name>:…` or `has:score` says, and its values."""
    values: dict[str, Any] = {}
    which = ""
    if term.field != "has":
        name, value = f"score_{number}", f"score_value_{number}"
        values = {name: (term.field or "").removeprefix("score."), value: _value(term)}
        which = _NAMED.format(name=name, compared=_compared(term, value))
    traces = _TRACES.format(which=which)
    return f"NOT {traces}" if term.negated else traces, values


def _value(term: Term) -> Any:
    """A number where it is one; yes and no are kept as 1 and 0."""
    if term.amount is not None:
        return float(term.amount)
    word = term.sought.casefold()
    return _WORDS.get(word, word)


def _compared(term: Term, value: str) -> str:
    if term.compare in _OPERATORS:
        return f"s.number {_OPERATORS[term.compare]} %({value})s"
    if isinstance(_value(term), float):
        return f"s.number = %({value})s"
    return f"starts_with(lower(s.text), %({value})s)" if term.is_prefix else f"lower(s.text) = %({value})s"
