"""The same questions to Phoenix and MLflow, by the APIs that their own pages use, as far as they have them."""

import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from benchmarks import load, measure, sending
from benchmarks.application import Trace, traces
from benchmarks.asking import Client, Times
from benchmarks.member import FEATURES, MODELS, WORDS
from benchmarks.peers import Running
from benchmarks.questions import question

REQUEST: Final = "request id"
BOTH: Final = "request id: box and page together"
LISTED: Final = "list with 3 filters over 30 days, first page"
RARE: Final = 100  # one question in so many has a rare word, as their stores are small
ROWS: Final = 50
SLOW_MS: Final = 3_000
_JSON: Final = {"Content-Type": "application/json"}
_WARM_UPS: Final = 3

# What their lists show of a trace, and what a page of one shows.
SPANS_QUERY: Final = """
    query ($condition: String, $range: TimeRange!, $first: Int!) {
      projects(first: 1) { edges { node { ... on Project {
        spans(first: $first, filterCondition: $condition, timeRange: $range, sort: {col: startTime, dir: desc}) {
          edges { node { spanId name spanKind statusCode startTime latencyMs tokenCountTotal trace { traceId }
            input { truncatedValue } output { truncatedValue } } } } } } } } }
"""
TRACE_QUERY: Final = """
    query ($trace: ID!) {
      projects(first: 1) { edges { node { ... on Project {
        trace(traceId: $trace) { spans(first: 1000) {
          edges { node { spanId parentId name spanKind statusCode startTime latencyMs tokenCountTotal attributes } } }
        } } } } } }
"""

Answered = tuple[float, int]  # seconds, and how many were found
Ask = Callable[[Client, str], Answered]


def text_title(kind: str) -> str:
    return f"text, newest 50: {kind}"


def ask_all(server: Running, spans: int, count: int, seed: int) -> tuple[int, dict[str, Times | None]]:
    """Fill it, and ask; how many spans it holds, and what the questions took. None: nothing was found."""
    sent = list(_with_words(traces(spans, seed, hours=24 * 29), random.Random(seed)))
    _load(server, sent)
    find, listed, said = QUESTIONS[server.peer.distribution]
    client, rng = Client(server.port), random.Random(seed)
    names = [trace.request_id for trace in rng.sample(sent, min(count, len(sent)))]
    answers = {BOTH: _times(client, find, names, len(names))}
    lines = [f"{feature} {model}" for feature in FEATURES for model in MODELS]
    answers[LISTED] = _times(client, listed, lines, count)
    for kind, words in WORDS.items():
        answers[text_title(kind)] = _times(client, said, [word.strip("*") for word in words], count)
    return server.spans(), answers


def _times(client: Client, ask: Ask, texts: Sequence[str], count: int) -> Times | None:
    """What the answers took, asked for in turn; None when none of them found anything."""
    for text in texts[:_WARM_UPS]:
        ask(client, text)
    answered = [ask(client, texts[number % len(texts)]) for number in range(count)]
    return Times([seconds for seconds, _ in answered]) if any(found for _, found in answered) else None


def _with_words(source: Iterator[Trace], rng: random.Random) -> Iterator[Trace]:
    for trace in source:
        trace.spans[-1].input = question(trace.spans[-1].input, rng, RARE)
        yield trace


def _load(server: Running, sent: list[Trace]) -> None:
    """Send all, and wait until it can be queried. Raises NotStored."""
    made = list(load.bodies(sent, 100, dialect="openinference", zipped=True))
    requests = [sending.request_of(body, server.port, server.headers(), zipped=True) for body, _ in made]
    wanted, deadline = sum(spans for _, spans in made), time.monotonic() + measure.PATIENCE_SECONDS
    sending.send(server.port, requests, 2)
    while (stored := server.spans()) < wanted:
        if time.monotonic() > deadline:
            raise measure.NotStored(f"{wanted - stored} of {wanted} spans cannot be queried.")
        time.sleep(0.5)


def _phoenix(client: Client, query: str, **values: Any) -> tuple[float, dict[str, Any]]:
    body = json.dumps({"query": query, "variables": values}).encode()
    answer = client.ask("/graphql", body, _JSON).expected(200, query)
    read = json.loads(answer.body)
    if "errors" in read:
        raise ValueError(str(read["errors"])[:500])
    return answer.seconds, read["data"]["projects"]["edges"][0]["node"]


def _phoenix_spans(client: Client, condition: str, first: int = ROWS) -> tuple[float, list[dict[str, Any]]]:
    now = datetime.now(UTC)
    stretch = {"start": (now - timedelta(days=30)).isoformat(), "end": now.isoformat()}
    seconds, project = _phoenix(client, SPANS_QUERY, condition=condition, range=stretch, first=first)
    return seconds, [edge["node"] for edge in project["spans"]["edges"]]


def phoenix_find(client: Client, request_id: str) -> Answered:
    """The newest span of the request, then its trace."""
    seconds, found = _phoenix_spans(client, f"attributes['app']['request_id'] == '{request_id}'", 1)
    more, project = _phoenix(client, TRACE_QUERY, trace=found[0]["trace"]["traceId"])
    return seconds + more, len(project["trace"]["spans"]["edges"])


def phoenix_list(client: Client, line: str) -> Answered:
    feature, model = line.split()
    slow = f"latency_ms > {SLOW_MS}"
    condition = f"attributes['app']['feature'] == '{feature}' and llm.model_name == '{model}' and {slow}"
    seconds, found = _phoenix_spans(client, condition)
    return seconds, len(found)


def phoenix_text(client: Client, word: str) -> Answered:
    seconds, found = _phoenix_spans(client, f"'{word}' in input.value or '{word}' in output.value")
    return seconds, len(found)


def _mlflow_search(client: Client, condition: str, most: int = ROWS) -> tuple[float, list[dict[str, Any]]]:
    asked = {
        "locations": [{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "0"}}],
        "filter": condition,
        "max_results": most,
        "order_by": ["timestamp_ms DESC"],
    }
    answer = client.ask("/api/3.0/mlflow/traces/search", json.dumps(asked).encode(), _JSON).expected(200, condition)
    return answer.seconds, json.loads(answer.body).get("traces", [])


def mlflow_find(client: Client, request_id: str) -> Answered:
    """The trace's summary, then the trace."""
    seconds, found = _mlflow_search(client, f"span.attributes.app.request_id LIKE '%{request_id}%'", 1)
    there = f"/api/3.0/mlflow/traces/get?{urlencode({'trace_id': found[0]['trace_id']})}"
    answer = client.ask(there).expected(200, there)
    return seconds + answer.seconds, len(json.loads(answer.body)["trace"]["spans"])


def mlflow_list(client: Client, line: str) -> Answered:
    feature, model = line.split()
    slow = f"trace.execution_time_ms > {SLOW_MS}"
    of = f"span.attributes.app.feature LIKE '%{feature}%' AND span.attributes.llm.model_name LIKE '%{model}%'"
    seconds, found = _mlflow_search(client, f"{of} AND {slow}")
    return seconds, len(found)


def mlflow_text(client: Client, word: str) -> Answered:
    seconds, found = _mlflow_search(client, f"trace.text LIKE '%{word}%'")
    return seconds, len(found)


# From a request id to its trace, a list with three conditions, and words, of each peer.
QUESTIONS: Final[dict[str, tuple[Ask, Ask, Ask]]] = {
    "arize-phoenix": (phoenix_find, phoenix_list, phoenix_text),
    "mlflow": (mlflow_find, mlflow_list, mlflow_text),
}
