"""Text to speech: written clauses in, samples with word marks out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.lazily import lazily

if TYPE_CHECKING:
    from services.tts.batch import Speech, open_engine, synthesise
    from services.tts.port import Delivery, Engine, TtsError
    from services.tts.service import TtsService
    from services.tts.settings import TtsSettings
else:
    __getattr__ = lazily(
        __name__,
        {
            ".batch": "Speech open_engine synthesise",
            ".port": "Delivery Engine TtsError",
            ".service": "TtsService",
            ".settings": "TtsSettings",
        },
    )

__all__ = ["Delivery", "Engine", "Speech", "TtsError", "TtsService", "TtsSettings", "open_engine", "synthesise"]
