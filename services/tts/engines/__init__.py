"""The engines that speak, made lazily: a native library is imported when its engine is made."""

from __future__ import annotations

from services.tts.port import Engine
from services.tts.settings import TtsSettings
from shared.installed import InstalledModel

__all__ = ["make_espeak", "make_piper"]


def make_espeak() -> Engine:
    """Make the built-in engine."""
    from services.tts.engines.espeak import EspeakEngine

    return EspeakEngine()


def make_piper(model: InstalledModel, settings: TtsSettings) -> Engine:
    """Load a pulled Piper voice. Raises TtsError when its files cannot be used."""
    from services.tts.engines.piper import PiperEngine

    return PiperEngine.load(model, threads=settings.threads, speaker=settings.speaker)
