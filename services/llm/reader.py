"""The reader of a model's raw text: speakable text on one side, tool calls on the other, reasoning dropped.

It is fed pieces of any size and gives text out as soon as it cannot be part of a marker: the result does not depend
on where the pieces were cut. Known forms of tool calls: JSON in a family's own marks (`_CALLS`), tags in them (Qwen
3.5, Seed, GLM), Mistral's `name[ARGS]{…}`, and a whole answer that is one JSON object naming a tool.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator

from pydantic import JsonValue

from services.llm.port import ToolWish
from shared.logs import get_logger

__all__ = ["MARKERS", "AnswerReader"]

_log = get_logger("llm")

_THINK = {
    "<think>": "</think>",
    "<thinking>": "</thinking>",
    "[THINK]": "[/THINK]",  # Mistral
    "<seed:think>": "</seed:think>",
    "<|START_THINKING|>": "<|END_THINKING|>",  # Command R
    "<|inner_prefix|>": "<|inner_suffix|>",  # Apertus
}
_CALLS = {
    "<tool_call>": "</tool_call>",  # Qwen, Hermes, GLM
    "[TOOL_CALLS]": "",  # Mistral
    "<|python_tag|>": "",  # Llama 3
    "<|tool_call|>": "",  # Phi 4, Granite
    "<TOOLCALL>": "</TOOLCALL>",  # Nemotron
    "<seed:tool_call>": "</seed:tool_call>",
    "<|START_ACTION|>": "<|END_ACTION|>",  # Command R
    "<|tools_prefix|>": "<|tools_suffix|>",  # Apertus
}
"""Opening marker to closing one; an empty one is closed by the end of the answer."""

MARKERS: frozenset[str] = frozenset(
    m for pairs in (_THINK, _CALLS) for pair in pairs.items() for m in pair if m
) | frozenset({"[ARGS]", "[CALL_ID]"})
"""Texts of control tokens that the reader needs to see; all other control tokens are no text."""

_OBJECT = ("{", "```")
"""How an answer that may be one JSON object begins."""

_TAGGED_CALL = re.compile(r"<function=(?P<name>[^>\s]+)>(?P<body>.*?)</function>", re.DOTALL)
_PARAMETER = re.compile(r"<parameter=(?P<key>[^>\s]+)>\n?(?P<value>.*?)\n?</parameter>", re.DOTALL)
_KEYED_CALL = re.compile(r"\s*(?P<name>[\w.-]+)\s*(?P<body><arg_key>.*)?", re.DOTALL)
_ARGUMENT = re.compile(r"<arg_key>(?P<key>.*?)</arg_key>\s*<arg_value>(?P<value>.*?)</arg_value>", re.DOTALL)
_BETWEEN = re.compile(r"[\s,;]*")
_MISTRAL_CALL = re.compile(r"\s*(?P<name>[\w.-]+)\s*(?:\[CALL_ID\]\w*)?\s*\[ARGS\]")


class AnswerReader:
    """Reads one answer. `reasoning` is true when the prompt itself opened a reasoning block; a `plain` answer is all
    text, to the last space.
    """

    def __init__(
        self,
        *,
        tools: Collection[str],
        stop: Collection[str] = (),
        reasoning: bool = False,
        plain: bool = False,
    ) -> None:
        self._tools = frozenset(() if plain else tools)
        self._stop = tuple(s for s in stop if s)
        self._watched = self._stop if plain else (*self._stop, *_THINK, *_CALLS)
        self._longest = max(map(len, self._watched), default=1) - 1
        self._begins = re.compile("|".join(re.escape(m[0]) for m in self._watched) or "(?!)")
        self._held = ""
        self._inside = "<think>" if reasoning and not plain else ""
        self._spoke = plain
        self._whole_object = False
        self.stopped = False
        """True once a stop string was met; nothing after it is text."""
        self.wishes: list[ToolWish] = []
        """Tools asked for so far; complete after `finish`."""
        self.unreadable = 0
        """Requests for tools that could not be understood."""

    def feed(self, raw: str) -> str:
        """Take a piece of raw text and return what of it (and of what was held back) can be spoken now."""
        if self._spoke and not (self._held or self._inside or self.stopped) and not self._begins.search(raw):
            return raw  # nothing in it can be the beginning of a marker: the usual case, and the quick one
        self._held += raw
        return "".join(self._steps())

    def finish(self) -> str:
        """Say that the answer is over; returns the text still held back."""
        held, self._held = self._held, ""
        if self.stopped or self._inside in _THINK:
            return ""
        if self._inside in _CALLS:
            self._call(held)
            return ""
        if self._whole_object:
            self._whole_object = False
            if self._is_call(held):
                return ""
            self._tools = frozenset()  # it is text after all, and read as such
            return self.feed(held) + self.finish()
        return self._spoken(held)

    def _steps(self) -> Iterator[str]:
        before = -1
        while not self.stopped and before != len(self._held):
            before = len(self._held)
            if self._inside:
                self._read_inside()
            elif not self._holds_object():
                yield self._read_text()

    def _holds_object(self) -> bool:
        if self._spoke or not self._tools:
            return self._whole_object
        beginning = self._held.lstrip()
        self._whole_object = self._whole_object or beginning.startswith(_OBJECT)
        return self._whole_object or (beginning != "" and any(mark.startswith(beginning) for mark in _OBJECT))

    def _read_text(self) -> str:
        place, marker = min(
            ((self._held.find(m), m) for m in self._watched if m in self._held), default=(-1, ""), key=lambda f: f[0]
        )
        if place < 0:
            place = len(self._held) - self._unsure()
            text, self._held = self._held[:place], self._held[place:]
            return self._spoken(text)
        text, self._held = self._held[:place], self._held[place + len(marker) :]
        self.stopped = marker in self._stop
        self._inside = "" if self.stopped else marker
        return self._spoken(text)

    def _unsure(self) -> int:
        """Length of the end of the text that may be the beginning of a marker."""
        for length in range(min(len(self._held), self._longest), 0, -1):
            end = self._held[-length:]
            if any(m.startswith(end) for m in self._watched):
                return length
        return 0

    def _read_inside(self) -> None:
        reasoning = self._inside in _THINK
        close = (_THINK if reasoning else _CALLS)[self._inside]
        place = self._held.find(close) if close else -1
        if place < 0:
            if reasoning:
                self._held = self._held[-len(close) :]
            return
        inner, self._held, self._inside = self._held[:place], self._held[place + len(close) :], ""
        if not reasoning:
            self._call(inner)

    def _spoken(self, text: str) -> str:
        if not self._spoke:
            text = text.lstrip()
            self._spoke = bool(text)
        return text

    def _call(self, text: str) -> None:
        wishes = tuple(_wishes(text))
        self.wishes += wishes
        if not wishes:
            self.unreadable += 1
            _log.warning("a request for a tool could not be read", text=text[:200])

    def _is_call(self, text: str) -> bool:
        bare = text.strip().removeprefix("```json").strip("`")
        wishes = tuple(w for w in _wishes(bare, marked=False) if w.name in self._tools)
        self.wishes += wishes
        return bool(wishes)


def _wishes(text: str, *, marked: bool = True) -> Iterator[ToolWish]:
    """The calls in a text: JSON objects (one, several, a list of them), Mistral's `name[ARGS]{…}`, or tags.

    Between marks an object may also be `{name: arguments}`, as Apertus writes it.
    """
    for tagged in _TAGGED_CALL.finditer(text):
        yield ToolWish(tagged["name"], _arguments(_PARAMETER, tagged["body"]))
    if keyed := _KEYED_CALL.fullmatch(text):
        yield ToolWish(keyed["name"], _arguments(_ARGUMENT, keyed["body"] or ""))
    decoder = json.JSONDecoder()
    place = 0
    while place < len(text):
        named = _MISTRAL_CALL.match(text, place)
        between = _BETWEEN.match(text, named.end() if named else place)
        assert between is not None
        try:
            value, place = decoder.raw_decode(text, between.end())
        except (ValueError, RecursionError):
            return
        for item in value if isinstance(value, list) else [value]:
            wish = _wish(item, named["name"] if named else "", marked)
            if wish is not None:
                yield wish


def _arguments(form: re.Pattern[str], text: str) -> dict[str, JsonValue]:
    return {each["key"]: _value(each["value"]) for each in form.finditer(text)}


def _value(text: str) -> JsonValue:
    """A tagged parameter: JSON where it is some, else the text itself."""
    try:
        value: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value


def _wish(value: object, name: str, marked: bool) -> ToolWish | None:
    if not isinstance(value, dict):
        return None
    if name:
        return ToolWish(name, value)
    inner = value.get("function")
    value = inner if isinstance(inner, dict) else value
    if marked and len(value) == 1:
        [(named, only)] = value.items()
        if isinstance(only, dict):
            return ToolWish(named, only)
    named = value.get("name", value.get("tool_name"))
    arguments = value.get("arguments", value.get("parameters", {}))
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments or "{}")
        except ValueError:
            return None
    if not isinstance(named, str) or not isinstance(arguments, dict):
        return None
    return ToolWish(named, arguments)
