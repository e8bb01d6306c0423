"""Engines of speech to text; each imports its native library when it is made."""

from __future__ import annotations

from collections.abc import Mapping

from services.stt.engines.faster_whisper import make_faster_whisper
from services.stt.engines.pocketsphinx import make_pocketsphinx
from services.stt.ports import MakeEngine

__all__ = ["ENGINES", "make_faster_whisper", "make_pocketsphinx"]

ENGINES: Mapping[str, MakeEngine] = {"faster-whisper": make_faster_whisper, "pocketsphinx": make_pocketsphinx}
"""What makes each engine, by name."""
