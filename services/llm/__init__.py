"""The language model: any GGUF, streamed, cancelled within one step; honest when there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.lazily import lazily

if TYPE_CHECKING:
    from services.llm.in_use import NoLanguageModel
    from services.llm.port import (
        Answer,
        Engine,
        EngineMissing,
        GenerationFailed,
        InvalidRequest,
        LanguageModel,
        ModelUnusable,
        Outcome,
        PromptTooLong,
        StructureImpossible,
        ToolWish,
    )
    from services.llm.service import LlmService
    from services.llm.settings import LlmSettings
else:
    __getattr__ = lazily(
        __name__,
        {
            ".in_use": "NoLanguageModel",
            ".port": "Answer Engine EngineMissing GenerationFailed InvalidRequest LanguageModel "
            "ModelUnusable Outcome PromptTooLong StructureImpossible ToolWish",
            ".service": "LlmService",
            ".settings": "LlmSettings",
        },
    )

__all__ = [
    "Answer",
    "Engine",
    "EngineMissing",
    "GenerationFailed",
    "InvalidRequest",
    "LanguageModel",
    "LlmService",
    "LlmSettings",
    "ModelUnusable",
    "NoLanguageModel",
    "Outcome",
    "PromptTooLong",
    "StructureImpossible",
    "ToolWish",
]
