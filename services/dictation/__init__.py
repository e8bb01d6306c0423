"""Dictation: every utterance is recognised and nobody answers (`sotto listen`)."""

from __future__ import annotations

from services.dictation.service import DictationService

__all__ = ["DictationService"]
