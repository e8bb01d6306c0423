"""A GGUF opened by llama.cpp: one sequence on one thread, answering one request after the other.

Built on llama.cpp's C functions, not on the bindings' `Llama` class, whose streaming costs more with every token.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

import psutil

from services.llm.engines.decoding import Decoding, Tally
from services.llm.engines.generation import Generation
from services.llm.engines.library import library
from services.llm.engines.sequence import Sampling, TokenSequence
from services.llm.engines.weights import Weights
from services.llm.fit import fit
from services.llm.port import Outcome
from services.llm.reader import MARKERS, AnswerReader
from services.llm.settings import LlmSettings
from services.llm.template import CHATML, ChatTemplate
from shared.clock import Clock
from shared.errors import SottoError
from shared.events import LlmRequest, Message

__all__ = ["LlamaModel", "Opened"]

_ANSWER_SHARE = 4
"""At most one part in so many of the context is kept free for the answer."""

Messages: TypeAlias = Sequence[Message]


class Opened:
    """The native objects of an open file and what is made of its vocabulary. Made, and used, on the engine's thread.

    Raises EngineMissing or ModelUnusable, and then nothing stays open.
    """

    def __init__(self, path: Path, settings: LlmSettings, clock: Clock, *, wanted: Callable[[], bool]) -> None:
        self.library = library()
        self.settings = settings
        self.clock = clock
        self.weights = weights = Weights(self.library, path, gpu_layers=settings.gpu_layers, wanted=wanted)
        try:
            controls = weights.control_texts()
            self.forged = re.compile("|".join(map(re.escape, sorted(controls, key=len, reverse=True))) or "(?!)")
            """Finds texts in a message that would become control tokens."""
            self.markers = frozenset(token for marker in MARKERS & controls for token in weights.tokens(marker))
            self.template = ChatTemplate(
                weights.template or CHATML, bos=weights.bos_text, eos=weights.eos_text, now=lambda: _local(clock)
            )
            self.sequence = TokenSequence(
                self.library,
                weights,
                context_tokens=settings.context_tokens,
                threads=settings.threads or _spare_cores(),
                prefill_chunk=settings.prefill_chunk,
            )
        except SottoError:
            weights.close()
            raise

    def on(self, executor: ThreadPoolExecutor) -> LlamaModel:
        """Return the model, its work done by the executor's one thread."""
        return LlamaModel(self, executor)

    def close(self) -> None:
        """Give the memory back."""
        self.sequence.close()
        self.weights.close()


class LlamaModel:
    """An open GGUF. Its native objects belong to the engine's thread, the methods to the event loop's."""

    def __init__(self, opened: Opened, executor: ThreadPoolExecutor) -> None:
        self._opened = opened
        self._executor = executor
        self._running: Generation | None = None
        self._closed = False
        self._dropped_turns = 0

    def answer(self, request: LlmRequest) -> Generation:
        asked = self._opened.clock.monotonic_ns()
        return Generation(self._executor, lambda generation: self._run(generation, request, asked))

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._running is not None:
            self._running.cancel()
        try:
            await asyncio.wrap_future(self._executor.submit(self._opened.close))
        finally:
            self._executor.shutdown(wait=False)

    # ---- on the engine's thread

    def _run(self, generation: Generation, request: LlmRequest, asked: int) -> Outcome:
        self._running = generation
        if self._closed:
            generation.cancel()
        self._opened.sequence.obey(generation.flag)
        try:
            return self._generate(generation, request, asked)
        finally:
            self._running = None

    def _generate(self, generation: Generation, request: LlmRequest, asked: int) -> Outcome:
        opened, clock, settings = self._opened, self._opened.clock, self._opened.settings
        tally = Tally(queue_ns=clock.monotonic_ns() - asked)
        if generation.flag.raised:
            return tally.outcome("cancelled")
        prompt = self._prompt(request)
        tally.dropped_messages = prompt.dropped_messages
        sampling = Sampling(
            opened.library,
            temperature=request.temperature,
            top_k=settings.top_k,
            top_p=settings.top_p,
            seed=request.seed,
        )
        reader = AnswerReader(
            tools={tool.name for tool in request.tools}, stop=request.stop, reasoning=prompt.ends_in_thought
        )
        try:
            decoding = Decoding(
                opened.sequence,
                opened.weights,
                markers=opened.markers,
                sampling=sampling,
                reader=reader,
                write=generation.write,
            )
            return decoding.run(prompt.tokens, request.max_tokens, tally, clock)
        finally:
            sampling.close()

    def _prompt(self, request: LlmRequest) -> _Prompt:
        """The newest turns that leave room for the answer."""
        opened = self._opened
        ends_in_thought = False

        def encode(messages: Messages) -> list[int]:
            nonlocal ends_in_thought
            # A space, not nothing: what stood on both sides must not become a control token in its turn.
            clean = [m.model_copy(update={"content": opened.forged.sub(" ", m.content)}) for m in messages]
            text = opened.template.render(clean, request.tools, thinking=opened.settings.thinking)
            ends_in_thought = text.rstrip().endswith("<think>")
            tokens, bos = opened.weights.tokens(text), opened.weights.bos
            return tokens if bos is None or tokens[:1] == [bos] else [bos, *tokens]

        context = opened.sequence.context_tokens
        room = min(request.max_tokens, context // _ANSWER_SHARE)
        fitted = fit(request.messages, encode, context - room, self._dropped_turns)
        self._dropped_turns = fitted.dropped_turns
        return _Prompt(fitted.tokens, fitted.dropped_messages, ends_in_thought)


@dataclass(frozen=True, slots=True)
class _Prompt:
    tokens: list[int]
    dropped_messages: int
    ends_in_thought: bool
    """The prompt itself opened a block of reasoning."""


def _spare_cores() -> int:
    """All physical cores this process may use but one: llama.cpp's threads spin while they wait for each other, so
    that a single core taken away by other work stalls them all."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(psutil.cpu_count(logical=False) or 1, allowed) - 1)


def _local(clock: Clock) -> datetime:
    return datetime.fromtimestamp(clock.now_ns() / 1e9).astimezone()
