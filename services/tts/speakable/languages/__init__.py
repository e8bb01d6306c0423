"""What each language says for numbers, dates, money, units and signs."""

from __future__ import annotations

from services.tts.speakable.languages.language import Language
from services.tts.speakable.languages.registry import language_of

__all__ = ["Language", "language_of"]
