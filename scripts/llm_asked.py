"""How the benchmarks of the language model open a file and ask it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from services.llm import LanguageModel, LlmSettings
from services.llm.engines.llama import LlamaEngine
from shared.clock import SystemClock
from shared.events import LlmRequest, Stamp
from shared.ids import id_source
from shared.installed import InstalledModel

__all__ = ["PROMPT", "STAMP", "installed", "opened", "read", "settings", "wish"]

STAMP = Stamp("bench", SystemClock(), id_source("bench-"), "bench")
PROMPT = "the sea is wide and deep "


def settings(sequences: int, context: int) -> LlmSettings:
    """One thread, chunks as in a conversation."""
    return LlmSettings(threads=1, sequences=sequences, context_tokens=context, waiting=64, prefix_disk_mb=0)


async def opened(path: Path, sequences: int, context: int) -> LanguageModel:
    """The model, for so many answers beside each other; whoever opens it closes it."""
    return await LlamaEngine().open(installed(path), settings(sequences, context), SystemClock())


def installed(path: Path) -> InstalledModel:
    """The model as it would stand on the shelf."""
    return InstalledModel("llm", path.stem, "llama-cpp", path.parent, (path,), ())


def wish(text: str, tokens: int, **fields: Any) -> LlmRequest:
    """A request to go on from a text."""
    values: dict[str, Any] = {"messages": (), "tools": (), "temperature": 0.0, "seed": 1, "stop": (), "prompt": text}
    return STAMP(LlmRequest, turn=0, max_tokens=tokens, **(values | fields))


async def read(model: LanguageModel, request: LlmRequest) -> tuple[float, float]:
    """When the first piece came and when the answer was over, s."""
    first = 0.0
    answer = model.answer(request)
    async for _ in answer:
        first = first or time.perf_counter()
    await answer.outcome()
    return first, time.perf_counter()
