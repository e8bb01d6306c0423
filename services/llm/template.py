"""The chat template: a model's own Jinja source that turns messages and tools into its prompt, run in a sandbox.

The environment is the one templates are written for (transformers' `apply_chat_template`): blocks trimmed,
`raise_exception`, `strftime_now`, `tojson` without HTML escapes. A template that refuses or silently drops a message
(of the system, of a tool) gets the same conversation again in the two roles that every template knows.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import TypeAlias

from jinja2 import TemplateError
from jinja2.ext import Extension
from jinja2.nodes import Node
from jinja2.parser import Parser
from pydantic import JsonValue

from services.llm.brief import brief
from services.llm.port import ModelUnusable
from services.llm.sandbox import Endless, Sandbox
from shared.events import Message, ToolSpec

__all__ = ["CHATML", "ChatTemplate"]

Line: TypeAlias = "dict[str, JsonValue]"

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
"""For models without a template of their own, as llama.cpp does."""

_REFUSED = (
    TemplateError,
    TypeError,
    ValueError,
    LookupError,
    ArithmeticError,
    AttributeError,
    RecursionError,
    MemoryError,
)
"""What a template, which is somebody else's program, may raise."""

_DATE = re.compile(r"strftime_now\(\s*(['\"])([^'\"]*)\1\s*\)")

_BY_HEART = "{#- learned by heart: instructions and tools -#}"
"""Begins the template of a model that learned both in its training, and is told neither."""

_LAYOUT = re.compile(r"[\s\"\\]+")

_DEEPEST_INDENT = 8
"""Spaces for each level of JSON."""

_TOOLS = (
    "You may call these functions. To call one, answer with nothing but a JSON object "
    '{{"name": …, "arguments": {{…}}}}.\n{functions}'
)


class ChatTemplate:
    """A compiled template. `now` gives local time to templates that print the date.

    Raises ModelUnusable for a source that is no template.
    """

    def __init__(self, source: str, *, bos: str, eos: str, now: Callable[[], datetime]) -> None:
        environment = self._sandbox = Sandbox([_Generation])
        environment.filters["tojson"] = _tojson
        environment.globals["raise_exception"] = _raise
        environment.globals["strftime_now"] = lambda form: now().strftime(form)
        try:
            self._template = environment.from_string(source)
        except (TemplateError, SyntaxError, RecursionError, MemoryError) as error:  # Python's own of what Jinja writes
            raise ModelUnusable(f"The model's chat template is broken: {error}.") from error
        self._knows_tools = "tools" in source
        self._by_heart = source.startswith(_BY_HEART)
        self._now = now
        self._dates = [form for _, form in _DATE.findall(source)]
        self._dated_otherwise = source.count("strftime_now") > len(self._dates)
        if re.search(r"\bdate(_string|time)\b", source):
            self._dates.append("%d %b %Y")
        self._tokens = {"bos_token": bos, "eos_token": eos}

    def moment(self) -> str:
        """What of the present moment stands in prompts; empty when nothing does."""
        now = self._now()
        exactly = now.isoformat() if self._dated_otherwise else ""
        return "\n".join([*(now.strftime(form) for form in self._dates), *filter(None, [exactly])])

    def render(self, messages: Sequence[Message], tools: Sequence[ToolSpec], *, thinking: bool) -> str:
        """Return the prompt that makes the model answer the last message. Raises ModelUnusable."""
        refused: Exception | None = None
        incomplete = ""
        for said, offered in self._ways(messages, tools):
            try:
                self._sandbox.begin()
                text = self._template.render(
                    messages=_lines(said),
                    tools=offered,
                    add_generation_prompt=True,
                    enable_thinking=thinking,
                    **self._known(),
                    **self._tokens,
                )
            except Endless as error:
                raise ModelUnusable(f"The model's chat template cannot be used: {error}.") from error
            except _REFUSED as error:
                refused = error
                continue
            if self._by_heart or _holds(text, messages, tools):
                return text
            incomplete = incomplete or text
        if incomplete:
            return incomplete
        raise ModelUnusable(f"The model's chat template cannot hold this conversation: {refused}.") from refused

    def _known(self) -> dict[str, str]:
        """What else templates ask for, as llama.cpp's server gives it (common/chat.cpp, common_chat_extra_context)."""
        now = self._now()
        return {"date_string": now.strftime("%d %b %Y"), "datetime": now.strftime("%b %d %Y"), "functions": ""}

    def _ways(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec]
    ) -> Iterator[tuple[Sequence[Message], list[Line] | None]]:
        """The conversation as the template may take it, the most natural form first."""
        none: tuple[list[Line] | None, ...] = (None, [])  # some templates ask whether there are tools, some count them
        offers = ([_function(tool) for tool in tools],) if tools and self._knows_tools else none
        told = messages if not tools or self._knows_tools else _with_tools_told(messages, tools)
        for said in (told, _in_two_roles(told)):
            for offered in offers:
                yield said, offered
        if tools and self._knows_tools:
            yield _in_two_roles(_with_tools_told(messages, tools)), None


class _Generation(Extension):
    """`{% generation %}`, which marks the assistant's words for training: here it only passes them on."""

    tags = {"generation"}  # noqa: RUF012 (declared so by Jinja)

    def parse(self, parser: Parser) -> list[Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def _holds(text: str, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> bool:
    """True when nothing was silently left out; spaces, quotes and escapes apart, which templates change in JSON."""
    bare = _bare(text)
    wanted = (m.content for m in messages if m.role != "assistant")
    return all(_bare(content) in bare for content in wanted) and all(tool.name in text for tool in tools)


def _bare(text: str) -> str:
    return _LAYOUT.sub("", text)


def _function(tool: ToolSpec) -> Line:
    return {
        "type": "function",
        "function": {"name": tool.name, "description": tool.description, "parameters": brief(tool.parameters)},
    }


def _lines(messages: Sequence[Message]) -> list[Line]:
    """Messages as templates expect them; a tool's answer names the call it belongs to, by order."""
    lines: list[Line] = []
    open_calls: list[str] = []
    for message in messages:
        line: Line = {"role": message.role, "content": message.content}
        if message.tool_requests:
            open_calls = [_call_id(request.id) for request in message.tool_requests]
            line["tool_calls"] = [
                {"id": id, "type": "function", "function": {"name": request.name, "arguments": request.arguments}}
                for id, request in zip(open_calls, message.tool_requests, strict=True)
            ]
        if message.role == "tool":
            line |= {"name": message.name, "tool_call_id": open_calls.pop(0) if open_calls else _call_id(message.name)}
        lines.append(line)
    return lines


def _call_id(id: str) -> str:
    """Nine letters and digits: Mistral's templates refuse any other form."""
    return hashlib.blake2b(id.encode(), digest_size=5).hexdigest()[:9]


def _with_tools_told(messages: Sequence[Message], tools: Sequence[ToolSpec]) -> list[Message]:
    functions = "\n".join(json.dumps(_function(tool), ensure_ascii=False) for tool in tools)
    told = _TOOLS.format(functions=functions)
    if messages and messages[0].role == "system":
        first = messages[0].model_copy(update={"content": f"{messages[0].content}\n\n{told}"})
        return [first, *messages[1:]]
    return [Message(role="system", content=told), *messages]


def _in_two_roles(messages: Sequence[Message]) -> list[Message]:
    """The same conversation in alternating `user` and `assistant` lines, beginning with `user`."""
    merged: list[tuple[str, list[str]]] = []
    for message in messages:
        role = "assistant" if message.role == "assistant" else "user"
        if merged and merged[-1][0] == role:
            merged[-1][1].append(_as_text(message))
        else:
            merged.append((role, [_as_text(message)]))
    if merged and merged[0][0] == "assistant":
        merged.insert(0, ("user", [""]))
    return [Message.model_validate({"role": role, "content": "\n".join(texts)}) for role, texts in merged]


def _as_text(message: Message) -> str:
    if message.role == "tool":
        return f"<tool_response>\n{message.content}\n</tool_response>"
    calls = [
        f"<tool_call>\n{json.dumps({'name': r.name, 'arguments': r.arguments}, ensure_ascii=False)}\n</tool_call>"
        for r in message.tool_requests
    ]
    return "\n".join(filter(None, [message.content, *calls]))


def _tojson(value: object, indent: int | None = None, ensure_ascii: bool = False, **_: object) -> str:
    if indent is not None and not 0 <= indent <= _DEEPEST_INDENT:
        raise Endless("it makes a text without end")
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, default=_listed)


def _listed(value: object) -> object:
    """Jinja's filters give generators where a list is meant."""
    if isinstance(value, Iterable):
        return list(value)
    raise TypeError(f"{type(value).__name__} is no JSON")


def _raise(message: str) -> str:
    raise TemplateError(message)
