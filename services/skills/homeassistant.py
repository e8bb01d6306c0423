"""Sentences borrowed from home-assistant-intents (CC BY 4.0): its community's ways to speak of timers, time and date.

Only what a skill of ours can answer is taken: sentences about rooms, devices or delayed commands are left out. Names
of lists and rules get a prefix, so that they never meet ours.
"""

from __future__ import annotations

import importlib.resources
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["borrowed"]

_BORROWED: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "HassStartTimer": ("set_timer", {}),
    "HassCancelTimer": ("cancel_timer", {}),
    "HassCancelAllTimers": ("cancel_timer", {"which": "all"}),
    "HassIncreaseTimer": ("change_timer", {"change": "add"}),
    "HassDecreaseTimer": ("change_timer", {"change": "remove"}),
    "HassPauseTimer": ("pause_timer", {}),
    "HassUnpauseTimer": ("unpause_timer", {}),
    "HassTimerStatus": ("timer_status", {}),
    "HassGetCurrentTime": ("tell_time", {}),
    "HassGetCurrentDate": ("tell_date", {}),
}
_UNKNOWN_HERE = re.compile(r"\{(area|floor|name|timer_command)\b")
_RULE = re.compile(r"<(\w+)>")
_LIST = re.compile(r"\{(\w+)")
_PREFIX = "ha_"

Document = dict[str, Any]


def borrowed(language: str) -> Document:
    """Return an intents document in hassil's format under our skills' names; empty for a language it has not."""
    source = importlib.resources.files("home_assistant_intents") / "data" / f"{language}.json"
    if not source.is_file():
        return {"intents": {}, "lists": {}, "expansion_rules": {}}
    theirs = json.loads(source.read_text("utf-8"))
    rules = _usable(theirs["expansion_rules"])
    intents: Document = {}
    for intent, (skill, slots) in _BORROWED.items():
        blocks = theirs["intents"].get(intent, {"data": []})["data"]
        intents.setdefault(skill, {"data": []})["data"].extend(_blocks(blocks, slots, rules))
    return {
        "intents": intents,
        "lists": {f"{_PREFIX}{name}": body for name, body in theirs["lists"].items()},
        "expansion_rules": {f"{_PREFIX}{name}": _renamed(body) for name, body in rules.items()},
    }


def _usable(rules: Mapping[str, str]) -> dict[str, str]:
    """The rules that lead, by whatever way, to no list that is unknown here."""
    kept = {name: body for name, body in rules.items() if not _UNKNOWN_HERE.search(body)}
    while True:
        fewer = {name: body for name, body in kept.items() if kept.keys() >= set(_RULE.findall(body))}
        if len(fewer) == len(kept):
            return kept
        kept = fewer


def _blocks(blocks: list[Document], slots: Mapping[str, Any], rules: Mapping[str, str]) -> Iterator[Document]:
    for block in blocks:
        sentences = [
            _renamed(text)
            for text in block["sentences"]
            if not _UNKNOWN_HERE.search(text) and rules.keys() >= set(_RULE.findall(text))
        ]
        if sentences:
            yield {"sentences": sentences, "slots": {**block.get("slots", {}), **slots}}


def _renamed(text: str) -> str:
    """The template with its rules and lists prefixed; what a list fills keeps its name."""

    def slot(match: re.Match[str]) -> str:
        name = match[1]
        follows = text[match.end() : match.end() + 1]
        return f"{{{_PREFIX}{name}" + ("" if follows == ":" else f":{name}")

    return _LIST.sub(slot, _RULE.sub(rf"<{_PREFIX}\1>", text))
