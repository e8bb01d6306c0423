"""The language model service: answers `llm.request` with a stream of text, and keeps the best model at hand.

With no model present it says so in words for a person, and looks again at each request: a model that was pulled, or
an engine that was installed meanwhile, is used from the next request on, without a restart.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import ClassVar, Literal

from bus import StreamClosed
from services.contract import Context
from services.llm.answers import AnswerStore, CacheUnusable, Kept
from services.llm.beside import Beside
from services.llm.cache import ResponseCache, key_of
from services.llm.check import check
from services.llm.gate import Gate
from services.llm.in_use import ModelInUse, NoLanguageModel
from services.llm.listening import HEARD, Listening
from services.llm.port import (
    Answer,
    Engine,
    EngineMissing,
    InvalidRequest,
    LanguageModel,
    Outcome,
    PromptTooLong,
)
from services.llm.settings import LlmSettings
from shared.errors import SottoError
from shared.events import (
    Choice,
    Event,
    LlmDelta,
    LlmFailed,
    LlmPrepare,
    LlmRequest,
    LlmResponse,
    MemoryForget,
    MemoryForgotten,
    ModelFailed,
    ModelLoad,
    ModelPulled,
    ModelUnload,
    ToolRequest,
    Usage,
)
from shared.installed import Shelf
from shared.logs import get_logger

__all__ = ["LlmService"]

_log = get_logger("llm")

_TOLD_AGAIN = {"text", "finish", "usage", "model", "fingerprint", "logprobs", "more"}
"""Fields of a response that are the same when it is told again."""

Reason = Literal["no-model", "too-long", "engine", "overloaded", "invalid"]


class LlmService:
    """One model in use, from `shelf`, opened by `engine`, and those that requests name beside it."""

    name: ClassVar[str] = "llm"
    consumes: ClassVar[tuple[type[Event], ...]] = (
        *(LlmRequest, LlmPrepare, MemoryForget, ModelLoad, ModelPulled, ModelUnload),
        *HEARD,
    )

    def __init__(self, settings: LlmSettings, shelf: Shelf, engine: Engine) -> None:
        self._settings = settings
        self._model = ModelInUse(settings, shelf, engine)
        self._engine = engine
        self._beside = Beside(settings, engine, self._model.find)
        self._listening = Listening(engine.cores)
        self._gate = Gate()  # passed by generations, closed by a change of model
        self._opening = asyncio.Lock()
        self._cache = _cache(settings)
        self._waiting = 0
        self._degraded = False

    async def run(self, ctx: Context) -> None:
        """Answer until cancelled. The model is loaded beside: requests that come before it is there wait for it."""
        ctx.ready()
        ctx.tasks.create_task(self._begin(ctx), name="llm:begin")
        ctx.tasks.create_task(self._beside.sweep(ctx), name="llm:sweep")
        try:
            async for event in ctx.inbox:
                if isinstance(event, LlmRequest):
                    ctx.turn(event).start(self._answer(ctx, event))
                elif isinstance(event, LlmPrepare):
                    ctx.turn(event).start(self._prepare(ctx, event))
                elif isinstance(event, MemoryForget):
                    ctx.turn(event).start(self._forget(ctx))
                elif isinstance(event, HEARD):
                    self._listening.hear(event)
                elif isinstance(event, ModelUnload) and event.role == "llm":
                    ctx.turn(event).start(self._unload(ctx, event))
                elif isinstance(event, ModelLoad | ModelPulled) and event.role == "llm":
                    ctx.turn(event).start(self._change(ctx, event))
        finally:
            await self._model.close(ctx)
            await self._beside.close(ctx)
            if self._cache is not None:
                await self._cache.close()

    async def _begin(self, ctx: Context) -> None:
        async with self._gate.alone():
            try:
                if not await asyncio.to_thread(self._model.can_wait):
                    await self._model.ensure(ctx)
            except SottoError as error:
                self._degraded = True
                ctx.degraded(str(error))

    async def _change(self, ctx: Context, event: ModelLoad | ModelPulled) -> None:
        async with self._gate.alone():
            await (self._model.choose(ctx, event.name) if isinstance(event, ModelLoad) else self._model.renew(ctx))
            self._recovered(ctx)

    async def _answer(self, ctx: Context, request: LlmRequest) -> None:
        if self._waiting >= self._settings.waiting:
            self._failed(ctx, request, "overloaded", f"{self._waiting} questions already wait for the language model.")
            return
        self._waiting += 1
        came = ctx.clock.monotonic_ns()
        try:
            check(request)
            async with self._lent(ctx, request) as (name, model):
                waited = ctx.clock.monotonic_ns() - came
                await self._remembered(ctx, request.model_copy(update={"model": name}), model, waited)
        except (NoLanguageModel, EngineMissing) as error:
            self._failed(ctx, request, "no-model", str(error))
        except PromptTooLong as error:
            self._failed(ctx, request, "too-long", str(error))
        except InvalidRequest as error:
            self._failed(ctx, request, "invalid", str(error))
        except SottoError as error:
            self._failed(ctx, request, "engine", str(error))
        finally:
            self._waiting -= 1

    @contextlib.asynccontextmanager
    async def _lent(self, ctx: Context, request: LlmRequest) -> AsyncIterator[tuple[str, LanguageModel]]:
        """The model that is in use, or the one that was named, for as long as it is needed."""
        async with self._gate.passing():
            if self._model.is_meant(request.model):
                async with self._opening:
                    model = await self._model.ensure(ctx, request)
                self._recovered(ctx)
                yield self._model.name, model
                return
        async with self._beside.lend(ctx, request.model) as lent:
            yield lent

    async def _unload(self, ctx: Context, wish: ModelUnload) -> None:
        gone = await self._beside.unload(ctx, wish.name)
        if self._model.name and wish.name in ("", self._model.name):
            async with self._gate.alone():
                await self._model.close(ctx)
        elif not gone:
            message = f"{wish.name or 'No language model'} is not in memory."
            ctx.emit(ModelFailed, role=wish.role, name=wish.name, engine=wish.engine, message=message)

    async def _prepare(self, ctx: Context, wish: LlmPrepare) -> None:
        """Read ahead with a model that is open; why that cannot be done, the request itself will be told."""
        async with self._gate.passing():
            if self._model.open is not None:
                with contextlib.suppress(SottoError):
                    await self._listening.prepare(wish, self._model.open)

    async def _forget(self, ctx: Context) -> None:
        """Forget all: evaluated prompts and remembered answers do not tell what they hold."""
        try:
            count = await self._engine.forget(self._settings)
            count += await self._cache.forget() if self._cache is not None else 0
        except (OSError, SottoError) as error:
            ctx.emit(MemoryForgotten, store=self.name, removed=0, detail=str(error), ok=False)
            return
        detail = f"all {count} evaluated prompts and remembered answers" if count else "nothing was remembered"
        ctx.emit(MemoryForgotten, store=self.name, removed=count, detail=detail, ok=True)

    async def _remembered(self, ctx: Context, request: LlmRequest, model: LanguageModel, waited: int) -> None:
        """Tell the answer that was given to the same request before, or have it made."""
        cache = self._cache if request.mode == "strict" and request.max_tokens and not request.recalled else None
        if cache is None:
            await self._relay(ctx, request, model, waited)
            return
        settings = self._settings
        key = key_of(
            request,
            (
                await model.fingerprint(request, wait=True),
                model.moment(),
                request.model,
                f"{settings.top_k} {settings.top_p} {settings.thinking} {settings.context_tokens}",
            ),
        )
        try:
            kept = await cache.find(key)
        except CacheUnusable as error:
            _log.warning("remembered answers cannot be used", reason=str(error))
            await self._relay(ctx, request, model, waited)
            return
        if kept is not None:
            await self._replay(ctx, request, kept)
            return
        made: Kept | None = None
        try:
            made = await self._relay(ctx, request, model, waited)
        finally:
            cache.made(key, made)

    async def _replay(self, ctx: Context, request: LlmRequest, kept: Kept) -> None:
        outlet = ctx.bus.outlet(request)
        for index, (choice, text) in enumerate(kept.pieces):
            try:
                await outlet.send(ctx.event(LlmDelta, request=request.id, index=index, text=text, choice=choice))
            except StreamClosed:
                return
        ctx.emit(LlmResponse, request=request.id, tool_requests=(), cached=True, **kept.fields)

    async def _relay(self, ctx: Context, request: LlmRequest, model: LanguageModel, waited: int) -> Kept | None:
        """Publish the answers as they come; when the turn is fenced or the reader leaves, end them and say so.

        All are computed beside each other, and told one after the other. Returns what may be told again.
        """
        outlet = ctx.bus.outlet(request)
        answers = [model.answer(each) for each in _each(request)]
        said: list[list[str]] = [[] for _ in answers]
        pieces: list[tuple[int, str]] = []
        try:
            for choice, answer in enumerate(answers):
                async for text in answer:
                    said[choice].append(text)
                    delta = ctx.event(LlmDelta, request=request.id, index=len(pieces), text=text, choice=choice)
                    pieces.append((choice, text))
                    await outlet.send(delta)
            outcomes = [await answer.outcome() for answer in answers]
            fingerprint = await model.fingerprint(request, wait=request.mode == "strict")
        except (asyncio.CancelledError, StreamClosed) as ended:
            outcomes = await _ended(answers)
            fingerprint = await model.fingerprint(request, wait=False)
            self._response(ctx, request, said, outcomes, waited, fingerprint)
            if isinstance(ended, asyncio.CancelledError):
                raise
            return None
        except SottoError:
            for answer in answers:
                answer.cancel()
            raise
        response = self._response(ctx, request, said, outcomes, waited, fingerprint)
        if any(outcome.finish not in ("stop", "length") for outcome in outcomes):
            return None
        return Kept(tuple(pieces), response.model_dump(mode="json", include=_TOLD_AGAIN))

    def _response(
        self,
        ctx: Context,
        request: LlmRequest,
        said: list[list[str]],
        outcomes: list[Outcome],
        waited: int,
        fingerprint: str,
    ) -> LlmResponse:
        outcome = outcomes[0]
        return ctx.emit(
            LlmResponse,
            request=request.id,
            text="".join(said[0]),
            finish=outcome.finish,
            tool_requests=tuple(
                ToolRequest(id=f"{request.id}.{index}", name=wish.name, arguments=wish.arguments)
                for index, wish in enumerate(outcome.tools)
            ),
            usage=_together([o.usage for o in outcomes], waited),
            model=request.model,
            fingerprint=fingerprint,
            logprobs=outcome.chances,
            more=tuple(
                Choice(text="".join(text), finish=other.finish, logprobs=other.chances)
                for text, other in zip(said[1:], outcomes[1:], strict=True)
            ),
        )

    def _recovered(self, ctx: Context) -> None:
        if self._degraded and self._model.name:
            self._degraded = False
            ctx.ready()

    @staticmethod
    def _failed(ctx: Context, request: LlmRequest, reason: Reason, message: str) -> None:
        ctx.emit(LlmFailed, request=request.id, reason=reason, message=message)


def _cache(settings: LlmSettings) -> ResponseCache | None:
    if not settings.cache_mb:
        return None
    store = AnswerStore(settings.cache_file, limit=settings.cache_mb << 20, keep_s=settings.cache_days * 86400)
    return ResponseCache(store)


def _each(request: LlmRequest) -> list[LlmRequest]:
    """One request for each answer wanted, each with a seed of its own."""
    return [request, *(request.model_copy(update={"seed": request.seed + i}) for i in range(1, request.n))]


async def _ended(answers: list[Answer]) -> list[Outcome]:
    """Cancel the answers and wait until the engine has let go of them."""
    for answer in answers:
        answer.cancel()
    return [await answer.outcome() for answer in answers]


def _together(usages: list[Usage], waited: int) -> Usage:
    """The cost of several answers to one prompt: tokens of all answers, times of the first."""
    return usages[0].model_copy(
        update={
            "completion_tokens": sum(usage.completion_tokens for usage in usages),
            "queue_ns": usages[0].queue_ns + waited,
        }
    )
