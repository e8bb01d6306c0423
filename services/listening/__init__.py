"""Listening: microphone frames in; speech, silence and wake words out, each at its sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.lazily import lazily

if TYPE_CHECKING:
    from services.listening.detector import SpeechDetector
    from services.listening.engines.microwakeword import MicroWakeWords, WakeWordsUnavailable
    from services.listening.engines.silero import SileroVad, VoiceModelMissing
    from services.listening.ports import Heard, VoiceActivity, WakeWords
    from services.listening.service import ListeningService
    from services.listening.settings import WAKE_WORDS, ListeningSettings
else:
    __getattr__ = lazily(
        __name__,
        {
            ".detector": "SpeechDetector",
            ".engines.microwakeword": "MicroWakeWords WakeWordsUnavailable",
            ".engines.silero": "SileroVad VoiceModelMissing",
            ".ports": "Heard VoiceActivity WakeWords",
            ".service": "ListeningService",
            ".settings": "ListeningSettings WAKE_WORDS",
        },
    )

__all__ = [
    "WAKE_WORDS",
    "Heard",
    "ListeningService",
    "ListeningSettings",
    "MicroWakeWords",
    "SileroVad",
    "SpeechDetector",
    "VoiceActivity",
    "VoiceModelMissing",
    "WakeWords",
    "WakeWordsUnavailable",
]
