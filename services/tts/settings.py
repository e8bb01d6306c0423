"""Settings of text to speech: which engine, which voice, how fast and how loud."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["TtsSettings"]


class TtsSettings(BaseModel):
    """How answers are spoken."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: Literal["auto", "piper", "espeak-ng"] = "auto"
    """`auto` takes Piper when a voice of the language was pulled, else espeak-ng, which is built in."""
    voice: str = ""
    """A pulled Piper voice (`en_GB-alba-medium`) or an espeak-ng voice (`en-gb+f3`); empty for the language's best."""
    language: str = "en"
    """Language of a clause that names none, as ISO 639-1, with a region if it matters (`en-GB`)."""
    rate: float = Field(default=1.0, ge=0.5, le=2.0)
    """Speaking rate; 1 is the voice's own."""
    volume: float = Field(default=1.0, ge=0.0, le=2.0)
    """Loudness of the synthesised samples; 1 is the voice's own, above it they may clip."""
    speaker: int | None = Field(default=None, ge=0)
    """Speaker of a Piper voice that has several; none for its default."""
    threads: int = Field(default=0, ge=0)
    """Threads of a Piper voice; 0 lets onnxruntime take one per physical core."""
