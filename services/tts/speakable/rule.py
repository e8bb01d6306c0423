"""A rule: a written form and what is said for it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Piece", "Rule", "whole", "word_before"]


@dataclass(frozen=True, slots=True)
class Piece:
    """Words for the written characters from `start` to `end`."""

    start: int
    end: int
    words: str


@dataclass(frozen=True, slots=True)
class Rule:
    """Where `pattern` matches, `say` gives the pieces to speak: none for silence, None when it does not apply."""

    pattern: re.Pattern[str]
    say: Callable[[re.Match[str]], tuple[Piece, ...] | None]


def whole(match: re.Match[str], words: str) -> tuple[Piece, ...]:
    """Return one piece for all that matched."""
    return (Piece(match.start(), match.end(), words),)


_BEFORE = re.compile(r"(\w+)\W{1,2}\Z")


def word_before(match: re.Match[str]) -> str:
    """Return the word before the match, in lower case, or an empty string."""
    found = _BEFORE.search(match.string, max(0, match.start() - 24), match.start())
    return found[1].lower() if found else ""
