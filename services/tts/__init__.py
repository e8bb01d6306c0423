"""Text to speech: written clauses in, samples with word marks out."""

from __future__ import annotations

from services.tts.batch import Speech, open_engine, synthesise
from services.tts.port import Delivery, Engine, TtsError
from services.tts.service import TtsService
from services.tts.settings import TtsSettings

__all__ = ["Delivery", "Engine", "Speech", "TtsError", "TtsService", "TtsSettings", "open_engine", "synthesise"]
