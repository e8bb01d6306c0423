"""Dialogue: when it is whose turn, what is said, and what of it was heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.lazily import lazily

if TYPE_CHECKING:
    from services.dialogue.endpointing import Wait, adaptive_wait
    from services.dialogue.service import DialogueService
    from services.dialogue.settings import DialogueSettings
else:
    __getattr__ = lazily(
        __name__, {".endpointing": "Wait adaptive_wait", ".service": "DialogueService", ".settings": "DialogueSettings"}
    )

__all__ = ["DialogueService", "DialogueSettings", "Wait", "adaptive_wait"]
