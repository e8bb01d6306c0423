"""Skills: functions asked for by a sentence or by the model, and what they answered."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import JsonValue

from shared.events.base import Event
from shared.events.llm import ToolSpec

__all__ = ["AlarmRang", "SkillsRegistered", "ToolCall", "ToolResult"]


class ToolCall(Event):
    """Request: run a skill, found from a whole sentence (`sentence`) or named by the model (`name`, `arguments`)."""

    kind: ClassVar[str] = "tool.call"
    replies: ClassVar[tuple[str, ...]] = ("tool.result",)
    sentence: str
    """What the person said; empty when the model asks."""
    name: str
    """Empty when a sentence asks."""
    arguments: dict[str, JsonValue]
    language: str


class ToolResult(Event):
    """What the skill did."""

    kind: ClassVar[str] = "tool.result"
    outcome: Literal["answered", "unmatched", "failed"]
    """`unmatched`: no skill knows the sentence or the name, nothing was done."""
    name: str
    speech: str
    """What to say, written form; may be empty (`stop`)."""
    data: dict[str, JsonValue]
    """The same for the model, as JSON."""
    action: Literal["none", "stop", "repeat", "resume", "louder", "quieter", "volume", "silence"]
    """What dialogue is to do besides speaking. `volume`: set it to `data["percent"]`, 0 to 100. `silence`: an alarm
    was turned off."""
    language: str


class AlarmRang(Event):
    """A timer or an alarm is due. It rings again until it is silenced or has rung `attempts` times."""

    kind: ClassVar[str] = "alarm.rang"
    alarm: str
    """Its id."""
    speech: str
    """What to say."""
    language: str
    attempt: int
    """From 1."""


class SkillsRegistered(Event):
    """The sentences and tools that exist, so that recognition can build its grammar and the model its tools."""

    kind: ClassVar[str] = "skills.registered"
    retained: ClassVar[bool] = True
    sentences: dict[str, dict[str, JsonValue]]
    """By language: an intents document in hassil's format (intents, lists, expansion_rules)."""
    tools: tuple[ToolSpec, ...]
