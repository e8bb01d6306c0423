"""The language model: any GGUF, streamed, cancelled within one step; honest when there is none."""

from __future__ import annotations

from services.llm.in_use import NoLanguageModel
from services.llm.port import (
    Answer,
    Engine,
    EngineMissing,
    GenerationFailed,
    LanguageModel,
    ModelUnusable,
    Outcome,
    PromptTooLong,
    ToolWish,
)
from services.llm.service import LlmService
from services.llm.settings import LlmSettings

__all__ = [
    "Answer",
    "Engine",
    "EngineMissing",
    "GenerationFailed",
    "LanguageModel",
    "LlmService",
    "LlmSettings",
    "ModelUnusable",
    "NoLanguageModel",
    "Outcome",
    "PromptTooLong",
    "ToolWish",
]
