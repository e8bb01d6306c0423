"""Endpointing: how much silence ends an utterance, judged from the words understood so far."""

from __future__ import annotations

from collections.abc import Callable

from services.dialogue.settings import DialogueSettings
from services.dialogue.words import hangs, is_complete, is_hum

__all__ = ["Wait", "adaptive_wait"]

Wait = Callable[[str, str], int]
"""From the partial text and its language to the silence in ms after which it is taken as finished. Pure."""


def adaptive_wait(settings: DialogueSettings) -> Wait:
    """Return the rule of `settings`: short after a whole request, long while the sentence hangs, else the default."""

    def wait(text: str, language: str) -> int:
        if not text.strip():
            return settings.wait_ms
        if is_hum(text) or hangs(text, language):
            return settings.max_wait_ms
        return settings.min_wait_ms if is_complete(text, language) else settings.wait_ms

    return wait
