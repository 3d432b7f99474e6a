"""A request to a model as text to paste: a shell command, a Python program, the body as JSON. Pure.

Whatever a trace holds stays data: it stands in JSON whose odd characters are escaped, in a here-document that the shell
does not look into, or in Python literals. The key is never known here; it is read where the text is run.
"""

import json
import re
from typing import Final

from traces.records import Json
from traces.reproduce import Request

ADDRESS: Final = "https://api.openai.com/v1"
_END: Final = "END_OF_BODY"  # no line of indented JSON is this word
_DEEPEST: Final = 40  # Python's parser takes no more than 200 brackets in each other
_WIDE: Final = 88
# Characters that a terminal or an editor would obey or hide, beyond those that JSON escapes anyway.
_ODD: Final = re.compile(
    "[\x7f-\x9f\xad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb]"
)
# What the openai package takes by name; anything else that a server understands goes into `extra_body`.
_NAMED: Final = frozenset(
    {"model", "messages", "input", "tools", "tool_choice", "parallel_tool_calls", "functions", "function_call"}
    | {"temperature", "top_p", "n", "stop", "seed", "max_tokens", "max_completion_tokens", "presence_penalty", "user"}
    | {"frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "response_format", "reasoning_effort", "store"}
    | {"service_tier", "verbosity", "modalities", "metadata", "prediction", "dimensions", "encoding_format"}
)
_METHODS: Final = {"chat/completions": "chat.completions.create", "embeddings": "embeddings.create"}


def as_json(request: Request) -> str:
    """The body, indented; characters that hide or command are escaped."""
    return indented(request.body)


def indented(value: Json) -> str:
    """JSON to be read, with escapes for the characters that would hide something or move what stands beside them."""
    return _ODD.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False, indent=2))


def as_curl(request: Request) -> str:
    """A command for any POSIX shell; a here-document has no limit of length, which an argument has."""
    return (
        f'curl "${{OPENAI_BASE_URL:-{ADDRESS}}}/{request.path}" \\\n'
        '  -H "Authorization: Bearer $OPENAI_API_KEY" \\\n'
        "  -H 'Content-Type: application/json' \\\n"
        f"  --data-binary @- <<'{_END}'\n"
        f"{as_json(request)}\n"
        f"{_END}\n"
    )


def as_python(request: Request) -> str:
    """A program for the openai package, which reads OPENAI_API_KEY and OPENAI_BASE_URL itself."""
    named = {name: value for name, value in request.body.items() if name in _NAMED}
    others = {name: value for name, value in request.body.items() if name not in _NAMED}
    if others:
        named["extra_body"] = others
    arguments = "".join(f"    {name}={_literal(value, 1)},\n" for name, value in named.items())
    imports = "import json\n\n" if "=json.loads(" in arguments or " json.loads(" in arguments else ""
    return (
        f"# pip install openai; the key is read from $OPENAI_API_KEY\n{imports}from openai import OpenAI\n\n"
        f"client = OpenAI()\nresponse = client.{_METHODS[request.path]}(\n{arguments})\nprint(response.to_json())\n"
    )


def _literal(value: Json, level: int) -> str:
    """`value` as Python writes it, on lines of its own where it is long."""
    if level > _DEEPEST:
        return f"json.loads({json.dumps(value)!r})"
    if isinstance(value, dict):
        parts = [f"{key!r}: {_literal(one, level + 1)}" for key, one in value.items()]
        return _group("{", parts, "}", level)
    if isinstance(value, list):
        return _group("[", [_literal(one, level + 1) for one in value], "]", level)
    return repr(value)


def _group(first: str, parts: list[str], last: str, level: int) -> str:
    line = f"{first}{', '.join(parts)}{last}"
    if len(line) + 4 * level <= _WIDE and "\n" not in line:
        return line
    indent = "    " * (level + 1)
    return f"{first}\n" + "".join(f"{indent}{part},\n" for part in parts) + "    " * level + last
