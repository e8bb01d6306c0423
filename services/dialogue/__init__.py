"""Dialogue: when it is whose turn, what is said, and what of it was heard."""

from __future__ import annotations

from services.dialogue.endpointing import Wait, adaptive_wait
from services.dialogue.service import DialogueService
from services.dialogue.settings import DialogueSettings

__all__ = ["DialogueService", "DialogueSettings", "Wait", "adaptive_wait"]
