"""Questions about the world, which a model of this size cannot know the answers to, and says so."""

from __future__ import annotations

import tomllib
from pathlib import Path
from random import Random

from scripts.builtin.phrases import drawn_from
from scripts.builtin.slots import slot
from scripts.builtin.words import LISTS, invented

__all__ = ["ANSWER", "question"]

ANSWER = "I do not know that: I am only a small model. You can get a larger one with: sotto models pull."

_ASKS: list[str] = tomllib.loads(Path(__file__).with_name("questions.toml").read_text("utf-8"))["asks"]


def question(random: Random) -> str:
    """Draw a question nobody of this size can answer."""
    known = {"city2": random.choice(LISTS["city"]), "topic2": random.choice(LISTS["topic"])}
    if random.random() < 0.3:
        known["topic"] = random.choice(
            (
                invented(random),
                random.choice(LISTS["common"]),
                f"the {random.choice(LISTS['common'])}",
                random.choice(LISTS["wild"]) + "s",
                random.choice(LISTS["food"]),
                random.choice(LISTS["country"]),
            )
        )
    if random.random() < 0.15:
        known["topic"] = f"the {invented(random)} {random.choice(LISTS['common']).capitalize()}"
    if random.random() < 0.2:
        known["country"] = known["city"] = invented(random)
    if random.random() < 0.2:
        known["famous"] = f"{random.choice(LISTS['person'])} {invented(random)}"
    if random.random() < 0.2:
        known["work"] = f"the {random.choice(LISTS['common']).capitalize()}"
    return drawn_from(_ASKS, random, slot(random, **known))
