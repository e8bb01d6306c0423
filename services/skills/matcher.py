"""Finds which skill a sentence asks for, with hassil. Strict: every word has its place in a template."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from services.skills.spoken import Habits, tidy

__all__ = ["Match", "Matcher"]

_LONGEST = 300
_CLOCK = re.compile(r"(?<=\d)\.(?=[0-5]\d\b)")


@dataclass(frozen=True, slots=True)
class Match:
    """A reading of the sentence."""

    skill: str
    slots: Mapping[str, JsonValue]
    open: int
    """Letters of the sentence that fell into open places: of two readings the one with fewer is the better."""
    literal: int
    """Letters that the template spells out: of two readings alike in that, the one with more is the better."""

    @property
    def rank(self) -> tuple[int, int]:
        """What readings are sorted by, the best first."""
        return self.open, -self.literal


class Matcher:
    """The compiled sentences of an intents document in hassil's format.

    Making one and matching are blocking work, for one thread.
    """

    def __init__(self, habits: Habits, document: Mapping[str, Any]) -> None:
        from hassil import Intents

        self._habits = habits
        self._intents = Intents.from_dict(dict(document))
        self._warm()

    def matches(self, text: str) -> list[Match]:
        """Return all readings of the sentence, the best first; empty when no skill knows it.

        Nothing of more than 300 letters is a command.
        """
        from hassil import recognize_all

        if len(text) > _LONGEST:
            return []

        found: list[Match] = []
        for candidate in self._candidates(text):
            results: Iterable[Any] = recognize_all(candidate, self._intents) if candidate else ()
            found += [_match(result) for result in results]
        return sorted(found, key=lambda match: match.rank)

    def _candidates(self, text: str) -> Iterable[str]:
        """The sentence with and without its fillers, and with "7.30" as a time of day."""
        plain = tidy(text, self._habits)
        clocks = _CLOCK.sub(" ", plain)
        return dict.fromkeys((*self._habits.peeled(plain), *self._habits.peeled(clocks)))

    def _warm(self) -> None:
        """Parse every template now: hassil would do it at the first sentence."""
        for intent in self._intents.intents.values():
            for block in intent.data:
                assert block.sentences


def _match(result: Any) -> Match:
    slots = {entity.name: _value(entity.value) for entity in result.entities_list}
    swallowed = sum(len(entity.text.strip()) for entity in result.entities_list if entity.is_wildcard)
    return Match(result.intent.name, slots, swallowed, result.text_chunks_matched)


def _value(value: object) -> JsonValue:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value.strip() if isinstance(value, str) else value  # type: ignore[return-value] # lists hold JSON scalars
