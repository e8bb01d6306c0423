"""Speech to text: what a person says, as text with times, while they say it and once they are done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.lazily import lazily

if TYPE_CHECKING:
    from services.stt.ports import Engine, EngineUnusable, Listener, MakeEngine, Sentences
    from services.stt.service import SttService
    from services.stt.settings import SttSettings
    from services.stt.transcribe import open_engine
    from services.stt.transcript import Guess, Spoken, Transcript
else:
    __getattr__ = lazily(
        __name__,
        {
            ".ports": "Engine EngineUnusable Listener MakeEngine Sentences",
            ".service": "SttService",
            ".settings": "SttSettings",
            ".transcribe": "open_engine",
            ".transcript": "Guess Spoken Transcript",
        },
    )

__all__ = [
    "Engine",
    "EngineUnusable",
    "Guess",
    "Listener",
    "MakeEngine",
    "Sentences",
    "Spoken",
    "SttService",
    "SttSettings",
    "Transcript",
    "open_engine",
]
