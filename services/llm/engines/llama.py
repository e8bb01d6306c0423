"""The llama.cpp engine: opens any GGUF that generates text, each on a thread of its own.

Light to import: llama-cpp-python and Jinja may not be installed yet, and are looked for when they are needed.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from services.llm.cores import Cores
from services.llm.engines.library import installed, library
from services.llm.port import InvalidRequest, ModelUnusable
from services.llm.settings import LlmSettings
from shared.clock import Clock
from shared.installed import InstalledModel

if TYPE_CHECKING:
    from services.llm.engines.llama_model import LlamaModel, Opened

__all__ = ["LlamaEngine", "Vocabulary"]


class LlamaEngine:
    """Opens GGUF files with llama.cpp, once llama-cpp-python is installed."""

    def __init__(self) -> None:
        self.cores = Cores()
        self._models: weakref.WeakSet[LlamaModel] = weakref.WeakSet()

    def available(self) -> bool:
        return installed()

    def offloads(self) -> bool:
        """Whether llama.cpp was built for a GPU and finds one. Raises EngineMissing."""
        return library().offloads

    async def open(self, model: InstalledModel, settings: LlmSettings, clock: Clock) -> LlamaModel:
        executor = ThreadPoolExecutor(1, thread_name_prefix="llama")
        unwanted = threading.Event()
        opening = executor.submit(_open, _files(model), settings, clock, unwanted)
        loading = asyncio.wrap_future(opening)
        try:
            opened = await asyncio.shield(loading)
        except BaseException:
            unwanted.set()
            loading.add_done_callback(lambda done: done.cancelled() or done.exception())  # broken off: no news
            opening.add_done_callback(_discard)
            executor.shutdown(wait=False)
            raise
        made = opened.on(executor, self.cores)
        self._models.add(made)
        return made

    async def forget(self, settings: LlmSettings) -> int:
        from services.llm.engines.states import forget_states

        count = sum([await model.forget() for model in tuple(self._models)])
        return count + await asyncio.to_thread(forget_states, settings.states_folder)


class Vocabulary:
    """The tokens of a model, without its weights; opening it takes a moment, and it blocks.

    Raises EngineMissing or ModelUnusable.
    """

    def __init__(self, model: InstalledModel) -> None:
        from services.llm.engines.weights import Weights

        self._weights = Weights(library(), _files(model)[0], gpu_layers=0, wanted=lambda: True, vocabulary_only=True)

    def tokens(self, text: str) -> list[int]:
        """Cut a text into tokens; texts of control tokens become those tokens."""
        return self._weights.tokens(text)

    def piece(self, token: int) -> bytes:
        """The bytes of a token, which may be part of a character."""
        return self._weights.piece(token, control=True)

    def text(self, tokens: Sequence[int]) -> str:
        """The text that was cut into these tokens; what is no UTF-8 in it becomes U+FFFD. Raises InvalidRequest."""
        for token in tokens:
            if not 0 <= token < self._weights.size:
                raise InvalidRequest(
                    f"The model has no token {token}.", remedy=f"Its tokens are 0 to {self._weights.size - 1}."
                )
        spaced = self.piece(next(iter(self.tokens("a")), 0)).startswith(b" ")
        pieces: list[bytes] = []
        begins = spaced
        for token in tokens:
            piece = self.piece(token)
            pieces.append(piece.removeprefix(b" ") if begins else piece)
            begins = spaced and self._weights.stands_apart(token)
        return b"".join(pieces).decode(errors="replace")

    def close(self) -> None:
        """Give the memory back."""
        self._weights.close()


def _open(files: tuple[Path, ...], settings: LlmSettings, clock: Clock, unwanted: threading.Event) -> Opened:
    """Open the files, on the engine's thread."""
    from services.llm.engines.llama_model import Opened

    return Opened(files, settings, clock, wanted=lambda: not unwanted.is_set())


def _discard(opening: Future[Opened]) -> None:
    """Close what was opened for somebody who no longer waits for it."""
    if opening.exception() is None:
        opening.result().close()


def _files(model: InstalledModel) -> tuple[Path, ...]:
    """The parts of its GGUF, of which the first is the one to open."""
    files = tuple(sorted(f for f in model.files if f.suffix == ".gguf"))
    if not files:
        raise ModelUnusable(f"{model.name} has no .gguf file in {model.path}.", remedy="Run `sotto models verify`.")
    return files
