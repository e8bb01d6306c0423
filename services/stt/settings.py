"""Settings of speech to text: which engine, how much of the machine it takes, how sure it must be."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["SttSettings"]


class SttSettings(BaseModel):
    """How speech becomes text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: Literal["auto", "faster-whisper", "pocketsphinx"] = "auto"
    """`auto` takes faster-whisper once a model is pulled, else the built-in pocketsphinx."""
    model: str = ""
    """Catalogue name of the faster-whisper model to use; empty for the best that is present."""
    cpu_threads: int = Field(default=0, ge=0)
    """Threads of faster-whisper; 0 takes all but one core, at least one."""
    compute_type: str = "int8"
    """CTranslate2's arithmetic: int8, int8_float32, float32, float16 on a GPU."""
    device: Literal["cpu", "cuda", "auto"] = "auto"
    """Where faster-whisper runs; `auto` takes a GPU that works."""
    beam_size: int = Field(default=5, ge=1, le=16)
    """Hypotheses kept while the final text is decoded; partial texts are decoded greedily."""
    partial_ms: int = Field(default=250, ge=50)
    """New sound that a partial text waits for at least; a slow machine waits longer."""
    load: float = Field(default=0.6, gt=0, le=1)
    """Share of the time that decoding partial texts may take; the rest belongs to the other engines."""
    grammar_confidence: float = Field(default=0.5, ge=0, le=1)
    """Confidence from which a sentence of the grammar is trusted (pocketsphinx)."""
    dictation_confidence: float = Field(default=0.5, ge=0, le=1)
    """Confidence from which free text is trusted (faster-whisper; pocketsphinx's is never trusted)."""
    grammar_folder: Path | None = None
    """Where compiled grammars are kept (pocketsphinx); the user's cache folder unless given."""
    ring_seconds: int = Field(default=60, ge=30, le=600)
    """Sound that is kept for utterances that begin in the past and for an engine that falls behind."""
    audio_wait_ms: int = Field(default=1000, ge=100)
    """How long to wait for sound that does not come before the utterance is finished without it."""
