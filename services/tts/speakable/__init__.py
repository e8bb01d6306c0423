"""Written text to speakable words, with an exact mapping from what is spoken back to what was written."""

from __future__ import annotations

from services.tts.speakable.scanner import speakable
from services.tts.speakable.speakable import Span, Speakable

__all__ = ["Span", "Speakable", "speakable"]
