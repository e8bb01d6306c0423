"""A GGUF opened by llama.cpp: several sequences on one thread, answering many requests beside each other.

Built on llama.cpp's C functions, not on the bindings' `Llama` class, whose streaming costs more with every token.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

import psutil

from services.llm.engines.fingerprint import Fingerprint
from services.llm.engines.generation import Generation
from services.llm.engines.job import Job, Rules, Tally
from services.llm.engines.library import library
from services.llm.engines.pool import Pool
from services.llm.engines.prefixes import Prefixes
from services.llm.engines.sampling import Drawing
from services.llm.engines.scheduler import Scheduler
from services.llm.engines.weights import Weights
from services.llm.fit import fit
from services.llm.port import InvalidRequest, PromptTooLong
from services.llm.reader import MARKERS, AnswerReader
from services.llm.settings import LlmSettings
from services.llm.structure import grammar
from services.llm.template import CHATML, ChatTemplate
from shared.clock import Clock
from shared.errors import SottoError
from shared.events import LlmRequest, Message

__all__ = ["LlamaModel", "Opened"]

_ANSWER_SHARE = 4
"""At most one part in so many of the context is kept free for the answer."""

_LONGEST_TOKEN = 128
"""Bytes. No vocabulary has many longer tokens: a text of more than so many for each token of the context is refused
before it is cut into tokens, which would take seconds for megabytes."""

_MOST_SEQUENCES = 4
_MEMORY_SHARE = 8
"""Unless told otherwise, contexts take at most one part in so many of the memory that is free."""

Messages: TypeAlias = Sequence[Message]


class Opened:
    """The native objects of an open file and what is made of its vocabulary. Made, and used, on the engine's thread.

    Raises EngineMissing or ModelUnusable, and then nothing stays open.
    """

    def __init__(self, path: Path, settings: LlmSettings, clock: Clock, *, wanted: Callable[[], bool]) -> None:
        self.path = path
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
            self.pool = Pool(
                self.library,
                weights,
                context_tokens=settings.context_tokens,
                sequences=settings.sequences or _sequences(weights, settings.context_tokens),
                threads=settings.threads or _spare_cores(),
                chunk=settings.prefill_chunk,
            )
        except SottoError:
            weights.close()
            raise

    def on(self, executor: ThreadPoolExecutor) -> LlamaModel:
        """Return the model, its work done by the executor's one thread."""
        return LlamaModel(self, executor)

    def close(self) -> None:
        """Give the memory back."""
        self.pool.close()
        self.weights.close()


class LlamaModel:
    """An open GGUF. Its context belongs to the engine's thread, its vocabulary also to that which reads prompts, the
    methods to the event loop's.
    """

    def __init__(self, opened: Opened, executor: ThreadPoolExecutor) -> None:
        self._opened = opened
        self._executor = executor
        self._prompts = ThreadPoolExecutor(1, thread_name_prefix="llama-prompts")
        self._fingerprint = Fingerprint(opened.path, opened.library, opened.pool.threads, opened.pool.chunk)
        self._scheduler = Scheduler(opened.pool, Prefixes(opened.settings.prefix_cache_mb * 1024 * 1024), opened.clock)
        self._serving = executor.submit(self._scheduler.serve)
        self._closed = False
        self._dropped_turns = 0

    def answer(self, request: LlmRequest) -> Generation:
        tally = Tally(asked=self._opened.clock.monotonic_ns())
        generation = Generation(self._scheduler.wake)
        if self._closed:
            generation.fail(InvalidRequest("The model has been closed.", remedy="Ask again."))
            return generation
        reading = self._prompts.submit(self._begin, generation, request, tally)
        reading.add_done_callback(lambda done: _pass_on(done, generation))
        return generation

    async def fingerprint(self, request: LlmRequest) -> str:
        return await self._fingerprint.of(request.mode)

    def moment(self) -> str:
        return self._opened.template.moment()

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._scheduler.close()

        try:
            await self._fingerprint.close()
            await asyncio.to_thread(self._prompts.shutdown)
            await asyncio.wrap_future(self._executor.submit(self._opened.close))
        finally:
            self._executor.shutdown(wait=False)

    # ---- on the thread that reads prompts

    def _begin(self, generation: Generation, request: LlmRequest, tally: Tally) -> None:
        opened = self._opened
        prompt = self._prompt(request)
        tally.dropped_messages = prompt.dropped_messages
        drawing = Drawing(
            opened.library,
            opened.weights,
            request,
            opened.settings,
            grammar=grammar(request.structure),
            context_tokens=opened.pool.context_tokens,
        )
        reader = AnswerReader(
            tools={tool.name for tool in request.tools},
            stop=request.stop,
            reasoning=prompt.ends_in_thought,
            plain=prompt.plain,
        )
        job = Job(
            prompt.tokens,
            rules=self._rules(request, len(prompt.tokens), tally.asked),
            drawing=drawing,
            reader=reader,
            weights=opened.weights,
            markers=() if prompt.plain else opened.markers,
            flag=generation.flag,
            write=generation.write,
            settle=generation.settle,
            fail=generation.fail,
            tally=tally,
            clock=opened.clock,
        )
        self._scheduler.submit(job)

    def _rules(self, request: LlmRequest, prompt_tokens: int, asked: int) -> Rules:
        return Rules(
            max_tokens=min(request.max_tokens, self._opened.pool.context_tokens - prompt_tokens),
            strict=request.mode == "strict",
            interactive=request.priority == "interactive",
            deadline=asked + request.deadline_ms * 1_000_000 if request.deadline_ms else 0,
            stop_tokens=frozenset(request.stop_tokens),
        )

    def _prompt(self, request: LlmRequest) -> _Prompt:
        """The newest turns that leave room for the answer, or the text as it is."""
        opened = self._opened
        context = opened.pool.context_tokens
        limit = context - min(request.max_tokens, context // _ANSWER_SHARE)
        _refuse_flood(request, context, limit)
        shaped = request.structure != type(request.structure)()
        if not request.messages:
            tokens = self._tokens(request.prompt)
            if not tokens:
                raise InvalidRequest("There is nothing to answer: no messages, and no prompt.", remedy="Give a text.")
            if len(tokens) > limit:
                raise PromptTooLong(
                    f"The prompt comes to {len(tokens)} tokens, but the model's context has room for {limit}.",
                    remedy="Shorten it, or raise `llm.context_tokens`.",
                )
            return _Prompt(tokens, 0, ends_in_thought=False, plain=True)
        ends_in_thought = False

        def encode(messages: Messages) -> list[int]:
            nonlocal ends_in_thought
            # A space, not nothing: what stood on both sides must not become a control token in its turn.
            clean = [m.model_copy(update={"content": opened.forged.sub(" ", m.content)}) for m in messages]
            text = opened.template.render(clean, request.tools, thinking=opened.settings.thinking)
            ends_in_thought = text.rstrip().endswith("<think>")
            return self._tokens(text)

        dropped_before = 0 if request.mode == "strict" else self._dropped_turns
        fitted = fit(request.messages, encode, limit, dropped_before, may_drop=request.overflow == "drop-turns")
        if request.mode == "fast":
            self._dropped_turns = fitted.dropped_turns
        return _Prompt(fitted.tokens, fitted.dropped_messages, ends_in_thought, plain=shaped)

    def _tokens(self, text: str) -> list[int]:
        weights = self._opened.weights
        tokens, bos = weights.tokens(text), weights.bos
        return tokens if bos is None or tokens[:1] == [bos] else [bos, *tokens]


@dataclass(frozen=True, slots=True)
class _Prompt:
    tokens: list[int]
    dropped_messages: int
    ends_in_thought: bool
    """The prompt itself opened a block of reasoning."""
    plain: bool
    """The answer is all text: it goes on from a text, or has a form that was asked for."""


def _refuse_flood(request: LlmRequest, context: int, limit: int) -> None:
    """Refuse a message that exceeds the context by far without reading it."""
    longest = max((len(m.content) for m in request.messages), default=len(request.prompt))
    if longest > context * _LONGEST_TOKEN:
        raise PromptTooLong(
            f"A text of {longest} characters comes to more than {longest // _LONGEST_TOKEN} tokens, "
            f"but the model's context has room for {limit}.",
            remedy="Ask about a part of it, or raise `llm.context_tokens`.",
        )


def _pass_on(done: Future[None], generation: Generation) -> None:
    """A prompt that could not be read is the generation's end."""
    error = done.exception()
    if error is not None:
        generation.fail(error)


def _sequences(weights: Weights, context_tokens: int) -> int:
    """As many places as a part of the free memory holds, at least one."""
    each = max(1, weights.bytes_per_token * min(context_tokens, weights.trained_context))
    return int(max(1, min(_MOST_SEQUENCES, psutil.virtual_memory().available // _MEMORY_SHARE // each)))


def _spare_cores() -> int:
    """All physical cores this process may use but one: llama.cpp's threads spin while they wait for each other, so
    that a single core taken away by other work stalls them all."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(psutil.cpu_count(logical=False) or 1, allowed) - 1)


def _local(clock: Clock) -> datetime:
    return datetime.fromtimestamp(clock.now_ns() / 1e9).astimezone()
