"""A wish that a skill fulfils, as it was said.

Strings among the arguments begin with a space, as words do within a sentence: so they are the very tokens that the
person said, and copying is all there is to learn. Skills take spaces off.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

from scripts.builtin.phrases import drawn_from
from scripts.builtin.slots import slot

__all__ = ["PHRASES", "After", "Wish", "asked", "copied"]

PHRASES: dict[str, Any] = tomllib.loads(Path(__file__).with_name("wishes.toml").read_text("utf-8"))
_SAID: dict[str, list[str]] = PHRASES["said"]


After: TypeAlias = tuple[str, str, dict[str, object], str]
"""Something said next: the words, the tool, its arguments and what the skill answers."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One wish as it was said. `after` are things said next that lean on it."""

    said: str
    tool: str
    arguments: dict[str, object]
    result: str
    after: tuple[After, ...] = ()


def asked(random: Random, phrases: str, /, **known: str) -> str:
    """One of the phrases of that name."""
    return drawn_from(_SAID[phrases], random, slot(random, **known))


def copied(text: str) -> str:
    """A text as an argument."""
    return f" {text}"
