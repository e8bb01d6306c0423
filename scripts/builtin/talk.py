"""Small talk: what people say to an assistant beside their wishes, and what it answers about itself and the world."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

__all__ = ["TALK", "Talk"]


@dataclass(frozen=True, slots=True)
class Talk:
    """One thing that is said in many ways, and how it is answered. `share` is how often it is to be heard."""

    name: str
    asks: list[str]
    answers: list[str]
    share: float


TALK: tuple[Talk, ...] = tuple(
    Talk(**each) for each in tomllib.loads(Path(__file__).with_name("talk.toml").read_text("utf-8"))["talk"]
)
