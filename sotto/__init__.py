"""The public Python face of Sotto."""

from __future__ import annotations

from importlib.metadata import version

from sotto import aio
from sotto.background import close
from sotto.embedding import embed, embedder, rerank, similarity
from sotto.errors import (
    Busy,
    GenerationFailed,
    InvalidRequest,
    NoModel,
    NotFinished,
    PromptTooLong,
    SottoError,
    SpeechFailed,
)
from sotto.sound import Speech, Transcript, Word, speak, transcribe
from sotto.text import generate, generate_choice, generate_iter, generate_json, generate_regex

__all__ = [
    "Busy",
    "GenerationFailed",
    "InvalidRequest",
    "NoModel",
    "NotFinished",
    "PromptTooLong",
    "SottoError",
    "Speech",
    "SpeechFailed",
    "Transcript",
    "Word",
    "__version__",
    "aio",
    "close",
    "embed",
    "embedder",
    "generate",
    "generate_choice",
    "generate_iter",
    "generate_json",
    "generate_regex",
    "rerank",
    "similarity",
    "speak",
    "transcribe",
]

__version__ = version("sotto")
