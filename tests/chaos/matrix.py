"""Who is struck by what: every service and Redis itself, by every fault; and why not, where that cannot be."""

from __future__ import annotations

import random

__all__ = ["CONVERSATION", "FAULTS", "MATRIX", "WHY_NOT", "drawn", "few", "struck"]

FAULTS = {
    "kill": "kill -9, and started again",
    "stop": "SIGSTOP, for longer than a silent process counts as living",
    "cut": "its connections break",
    "stall": "its connections stand still",
    "slow": "each piece on its connections is 20 ms late, either way",
    "full": "Redis may not write: its disk is full (AOF error), or its memory",
    "jump": "its clock jumps by an hour",
    "twin": "a second process wants its name, or its conversations",
}

_TABLE = {
    #               kill stop cut stall slow full jump twin
    "stt":          "x    x    x   x     x    a    x    x",
    "skills":       "x    x    x   x     x    a    x    x",
    "llm":          "x    x    x   x     x    a    x    x",
    "tts":          "x    x    x   x     x    a    x    x",
    "memory":       "x    x    x   x     x    a    x    x",
    "embedding":    "x    x    x   x     x    a    x    x",
    "all-in-one":   "x    x    x   x     x    a    x    x",
    "conversation": "b    x    x   x     x    a    x    x",
    "redis":        "x    x    x   x     x    x    c    d",
    "isolation":    "e    e    f   f     f    a    g    h",
}  # fmt: skip

WHY_NOT = {
    "a": "of what crosses, Redis alone writes on a disk; each service's own files are tested beside it",
    "b": "nobody is left who asked: its end is its conversation's (tests/e2e/test_ending.py, `sotto --resume`)",
    "c": "it has the machine's clock; whoever needs one time for all asks it alone (services/skills/ringing)",
    "d": "the bus is one Redis: a second one is another bus (a Sentinel's master: tests/bus/transport/test_redis.py)",
    "e": "an engine's own process has no line to Redis: tests/services/isolation/test_isolated.py",
    "f": "its socket is a pair that was never on a network",
    "g": "no time of its own crosses: its events are stamped where its service stands",
    "h": "it has neither name nor conversation; only its parent holds its socket",
}

CONVERSATION = (
    "audio", "dialogue", "dictation", "gateway", "journal", "link", "listening", "local", "metrics", "models",
)  # fmt: skip
"""Services that are where the conversation is, and are struck with it."""

MATRIX = {target: dict(zip(FAULTS, marks.split(), strict=True)) for target, marks in _TABLE.items()}
"""By target and fault: `x`, or the letter of the reason why it cannot be."""


def struck() -> list[tuple[str, str]]:
    """Every target with every fault that there is for it."""
    return [(target, fault) for target, row in MATRIX.items() for fault, mark in row.items() if mark == "x"]


def drawn(dice: random.Random, count: int) -> list[tuple[str, str]]:
    """So many of them in a drawn order; none comes again before all have come."""
    order: list[tuple[str, str]] = []
    while len(order) < count:
        order += dice.sample(struck(), len(struck()))
    return order[:count]


def few(cells: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The first of them that together strike each target and use each fault."""
    chosen: list[tuple[str, str]] = []
    for cell in cells:
        if any(cell[place] not in {one[place] for one in chosen} for place in (0, 1)):
            chosen.append(cell)
    return chosen
