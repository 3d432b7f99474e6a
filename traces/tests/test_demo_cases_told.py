"""What the page says of each case of the demo: who tries llmobs reads these sentences first."""

import re
from random import Random

import orjson
from django.utils import timezone

from traces.account import account_of
from traces.demo.cases import cases, told
from traces.ingest import ingest
from traces.queries.traces import trace_of
from traces.sentences import plain
from traces.wire import plain as plain_format

END = timezone.now().replace(minute=30, second=0, microsecond=0)
# In the order of time, oldest first; the last trace of each.
SAID = [
    "No answer: the budget was used up | The step “sage turn” was stopped because its budget was used up. It said: "
    "“Stopped after 14 rounds: over 20,000 tokens in one turn”. The tool get_weather did not work 14 times. "
    "It said: “weather: 429 Too Many Requests”.",
    "Answered by mistral-small-latest in … | ",
    "The model refused to answer | ",
    "Answered by gpt-4.1-mini in … | ",
    "No answer: the text was too long for the model | The model claude-haiku-4-5 was given more text than it can take. "
    "It said: “400 prompt is too long: 214806 tokens are over the limit of 200000”.",
    "No answer: the provider's content filter stopped it | The model mistral-small-latest was stopped by its "
    "provider's content filter. It said: “400 The response was filtered: the prompt triggered the content policy "
    "(category: violence)”.",
    "No answer: the look-up of documents failed | The look-up “search handbook” did not work. "
    "It said: “The index did not answer within 5 s”.",
    "No answer: a check stopped it | The check “check for card numbers” stopped the request. "
    "It said: “The message holds a card number”.",
    "Answered from a cache after 1 failed call | The model mistral-small-latest took too long. "
    "It said: “Request timed out after 5 s”. An answer that was kept from before was given instead.",
    "Answered by gpt-4.1-mini in … | ",
    "No answer: it was cancelled | The step “write answer” was cancelled. It said: “The customer closed the chat”.",
    "Not finished, as far as its spans tell | ",
    "Handed to a person | The step “hand over” failed. It said: “Customer asked for a person”. "
    "The request was handed to a person.",
    "Not finished, as far as its spans tell | ",
    "Answered by mistral-small-latest in … | ",
    "Answered by mistral-small-latest in … | ",
    "Answered by mistral-small-latest in … | ",
    "Answered by mistral-small-latest in … | ",
    "Answered with the default answer after 2 unreadable answers | The reader refund-decision could not read the "
    "model's answer twice. It said: “…”. It was tried again once. "
    "The answer that is kept for such cases was given instead.",
]


def test_each_case_of_the_demo_is_told(project):
    said = [_said(project, number, at, story) for number, (at, story) in enumerate(cases(END))]
    assert len(said) == len(SAID)
    for have, wanted in zip(said, SAID, strict=True):
        assert re.fullmatch(re.escape(wanted).replace("…", ".+"), have), have


def _said(project, number, at, story):
    """The headline and the story of a case's last trace."""
    records = told(Random(number), END, at, story)
    decoded = plain_format.decode(b"\n".join(map(orjson.dumps, records)), "application/x-ndjson")
    receipt = ingest(project.pk, decoded.spans, decoded.rejected, END)
    account = account_of(trace_of(project.pk, receipt.traces[-1]), END)
    return f"{plain(account.headline)} | {' '.join(map(plain, account.story))}".replace("\u00a0", " ")
