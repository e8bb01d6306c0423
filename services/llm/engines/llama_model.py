"""A GGUF opened by llama.cpp: several sequences on one thread, answering many requests beside each other.

Built on llama.cpp's C functions, not on the bindings' `Llama` class, whose streaming costs more with every token.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import psutil

from services.llm.cores import Cores
from services.llm.engines.fingerprint import Fingerprint, identity
from services.llm.engines.generation import Generation
from services.llm.engines.job import Job, Rules, Tally, Urgency
from services.llm.engines.library import library
from services.llm.engines.pool import Pool
from services.llm.engines.prompts import Prompt, Prompts
from services.llm.engines.sampling import Drawing
from services.llm.engines.scheduler import Scheduler
from services.llm.engines.seating import Seating
from services.llm.engines.states import States
from services.llm.engines.weights import Weights
from services.llm.heard import with_heard
from services.llm.port import InvalidRequest, Outcome
from services.llm.reader import MARKERS, AnswerReader
from services.llm.settings import LlmSettings
from services.llm.structure import grammar, tool_call
from services.llm.template import CHATML, ChatTemplate
from shared.clock import Clock
from shared.cores import cores
from shared.errors import SottoError
from shared.events import LlmPrepare, LlmRequest

__all__ = ["LlamaModel", "Opened"]

_MOST_SEQUENCES = 4
_MEMORY_SHARE = 8
"""Unless told otherwise, contexts take at most one part in so many of the memory that is free."""


class Opened:
    """The native objects of an open file, or of the first of its parts, and what is made of its vocabulary.

    Made, and used, on the engine's thread. Raises EngineMissing or ModelUnusable, and then nothing stays open.
    """

    def __init__(
        self, files: tuple[Path, ...], settings: LlmSettings, clock: Clock, *, wanted: Callable[[], bool]
    ) -> None:
        self.files = files
        self.library = library()
        self.settings = settings
        self.clock = clock
        self.weights = weights = Weights(self.library, files[0], gpu_layers=settings.gpu_layers, wanted=wanted)
        try:
            controls = weights.control_texts()
            self.markers = frozenset(token for marker in MARKERS & controls for token in weights.tokens(marker))
            self.form = weights.form
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
                flash_attention=settings.flash_attention,
            )
            self.states = States(
                settings.states_folder,
                identity(files, self.library, self.pool),
                settings.prefix_disk_mb << 20,
                settings.prefill_chunk,
                clock.now_ns,
            )
        except SottoError:
            weights.close()
            raise

    def on(self, executor: ThreadPoolExecutor, cores: Cores) -> LlamaModel:
        """Return the model, its work done by the executor's one thread."""
        return LlamaModel(self, executor, cores)

    def close(self) -> None:
        """Give the memory back."""
        self.pool.close()
        self.weights.close()


class LlamaModel:
    """An open GGUF. Its context belongs to the engine's thread, its vocabulary also to that which reads prompts, the
    methods to the event loop's.
    """

    def __init__(self, opened: Opened, executor: ThreadPoolExecutor, cores: Cores) -> None:
        self._opened = opened
        self._executor = executor
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="llama-prompts")
        self._prompts = Prompts(
            opened.weights, opened.template, opened.pool.context_tokens, thinking=opened.settings.thinking
        )
        self._fingerprint = Fingerprint(opened.files, opened.library, opened.pool.how)
        seating = Seating(opened.pool, opened.states, opened.settings.prefix_cache_mb << 20)
        self._scheduler = Scheduler(opened.pool, seating, opened.clock, cores)
        self._serving = executor.submit(self._scheduler.serve)
        self._closed = False

    def answer(self, request: LlmRequest) -> Generation:
        return self._begun(lambda generation, tally: self._begin(generation, request, tally))

    def prepare(self, wish: LlmPrepare) -> Generation:
        return self._begun(lambda generation, tally: self._begin_ahead(generation, wish, tally))

    async def fingerprint(self, request: LlmRequest, *, wait: bool) -> str:
        return await self._fingerprint.of(request.mode, wait=wait)

    def moment(self) -> str:
        return self._opened.template.moment()

    async def forget(self) -> int:
        """Drop all that was evaluated; returns how many states."""
        return await asyncio.wrap_future(self._scheduler.forget())

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._scheduler.close()

        try:
            await self._fingerprint.close()
            await asyncio.to_thread(self._reading.shutdown)
            await asyncio.wrap_future(self._executor.submit(self._opened.close))
        finally:
            self._executor.shutdown(wait=False)

    def _begun(self, begin: Callable[[Generation, Tally], None]) -> Generation:
        tally = Tally(asked=self._opened.clock.monotonic_ns())
        generation = Generation(self._scheduler.wake)
        if self._closed:
            generation.fail(InvalidRequest("The model has been closed.", remedy="Ask again."))
            return generation
        reading = self._reading.submit(begin, generation, tally)
        reading.add_done_callback(lambda done: _pass_on(done, generation))
        return generation

    # ---- on the thread that reads prompts

    def _begin(self, generation: Generation, request: LlmRequest, tally: Tally) -> None:
        if request.tool_choice == "none":
            request = request.model_copy(update={"tools": ()})
        prompt = self._prompts.read(request)
        self._submit(generation, request, prompt, self._rules(request, len(prompt.tokens), tally.asked), tally)

    def _begin_ahead(self, generation: Generation, wish: LlmPrepare, tally: Tally) -> None:
        request, prompt = self._prompts.read_ahead(wish)
        if not prompt.tokens or generation.flag.raised:
            generation.settle(Outcome("cancelled", (), tally.usage(self._opened.clock.monotonic_ns())))
            return
        rules = Rules(max_tokens=0, strict=wish.mode == "strict", urgency=Urgency.AHEAD, deadline=0)
        self._submit(generation, request, prompt, rules, tally)

    def _submit(self, generation: Generation, request: LlmRequest, prompt: Prompt, rules: Rules, tally: Tally) -> None:
        opened = self._opened
        tally.dropped_messages = prompt.dropped_messages
        drawing = Drawing(
            opened.library,
            opened.weights,
            request,
            opened.settings,
            grammar=grammar(request.structure)
            or tool_call(request.tools, request.tool_choice)
            or with_heard(opened.form, request.messages),
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
            rules=rules,
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
            urgency=Urgency.INTERACTIVE if request.priority == "interactive" else Urgency.BACKGROUND,
            deadline=asked + request.deadline_ms * 1_000_000 if request.deadline_ms else 0,
            stop_tokens=frozenset(request.stop_tokens),
            private=request.turn > 0,
            may_call=request.tool_choice != "none",
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
    return max(1, min(psutil.cpu_count(logical=False) or 1, cores()) - 1)


def _local(clock: Clock) -> datetime:
    return datetime.fromtimestamp(clock.now_ns() / 1e9).astimezone()
