"""The language model service: answers `llm.request` with a stream of text, and keeps the best model at hand.

With no model present it says so in words for a person, and looks again at each request: a model that was pulled, or
an engine that was installed meanwhile, is used from the next request on, without a restart.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar, Literal

from bus import StreamClosed
from services.contract import Context
from services.llm.in_use import ModelInUse, NoLanguageModel
from services.llm.port import Answer, Engine, EngineMissing, Outcome, PromptTooLong
from services.llm.settings import LlmSettings
from shared.errors import SottoError
from shared.events import (
    Event,
    LlmDelta,
    LlmFailed,
    LlmRequest,
    LlmResponse,
    ModelLoad,
    ModelPulled,
    ToolRequest,
)
from shared.installed import Shelf

__all__ = ["LlmService"]

Reason = Literal["no-model", "too-long", "engine", "overloaded"]


class LlmService:
    """One model at a time, from `shelf`, opened by `engine`; one request at a time, in the order they came."""

    name: ClassVar[str] = "llm"
    consumes: ClassVar[tuple[type[Event], ...]] = (LlmRequest, ModelLoad, ModelPulled)

    def __init__(self, settings: LlmSettings, shelf: Shelf, engine: Engine) -> None:
        self._settings = settings
        self._model = ModelInUse(settings, shelf, engine)
        self._turn = asyncio.Lock()  # held by one generation or by one change of model
        self._waiting = 0
        self._degraded = False

    async def run(self, ctx: Context) -> None:
        """Answer until cancelled. The model is loaded beside: requests that come before it is there wait for it."""
        ctx.ready()
        ctx.tasks.create_task(self._begin(ctx), name="llm:begin")
        try:
            async for event in ctx.inbox:
                if isinstance(event, LlmRequest):
                    ctx.turn(event).start(self._answer(ctx, event))
                elif isinstance(event, ModelLoad | ModelPulled) and event.role == "llm":
                    ctx.turn(event).start(self._change(ctx, event))
        finally:
            await self._model.close(ctx)

    async def _begin(self, ctx: Context) -> None:
        async with self._turn:
            try:
                await self._model.ensure(ctx)
            except SottoError as error:
                self._degraded = True
                ctx.degraded(str(error))

    async def _change(self, ctx: Context, event: ModelLoad | ModelPulled) -> None:
        async with self._turn:
            await (self._model.choose(ctx, event.name) if isinstance(event, ModelLoad) else self._model.renew(ctx))
            self._recovered(ctx)

    async def _answer(self, ctx: Context, request: LlmRequest) -> None:
        if self._waiting >= self._settings.waiting:
            self._failed(ctx, request, "overloaded", f"{self._waiting} questions already wait for the language model.")
            return
        self._waiting += 1
        came = ctx.clock.monotonic_ns()
        try:
            async with self._turn:
                model = await self._model.ensure(ctx)
                self._recovered(ctx)
                waited = ctx.clock.monotonic_ns() - came
                await self._relay(ctx, request, model.answer(request), waited)
        except (NoLanguageModel, EngineMissing) as error:
            self._failed(ctx, request, "no-model", str(error))
        except PromptTooLong as error:
            self._failed(ctx, request, "too-long", str(error))
        except SottoError as error:
            self._failed(ctx, request, "engine", str(error))
        finally:
            self._waiting -= 1

    async def _relay(self, ctx: Context, request: LlmRequest, answer: Answer, waited: int) -> None:
        """Publish the answer as it comes; when the turn is fenced or the reader leaves, end it and say so."""
        outlet = ctx.bus.outlet(request)
        pieces: list[str] = []
        try:
            async for text in answer:
                pieces.append(text)
                delta = ctx.event(LlmDelta, request=request.id, index=len(pieces) - 1, text=text)
                await outlet.send(delta)
            outcome = await answer.outcome()
        except (asyncio.CancelledError, StreamClosed) as ended:
            answer.cancel()
            self._response(ctx, request, pieces, await answer.outcome(), waited)
            if isinstance(ended, asyncio.CancelledError):
                raise
            return
        self._response(ctx, request, pieces, outcome, waited)

    def _response(self, ctx: Context, request: LlmRequest, pieces: list[str], outcome: Outcome, waited: int) -> None:
        usage = outcome.usage.model_copy(update={"queue_ns": outcome.usage.queue_ns + waited})
        ctx.emit(
            LlmResponse,
            request=request.id,
            text="".join(pieces),
            finish=outcome.finish,
            tool_requests=tuple(
                ToolRequest(id=f"{request.id}.{index}", name=wish.name, arguments=wish.arguments)
                for index, wish in enumerate(outcome.tools)
            ),
            usage=usage,
            model=self._model.name,
        )

    def _recovered(self, ctx: Context) -> None:
        if self._degraded and self._model.name:
            self._degraded = False
            ctx.ready()

    @staticmethod
    def _failed(ctx: Context, request: LlmRequest, reason: Reason, message: str) -> None:
        ctx.emit(LlmFailed, request=request.id, reason=reason, message=message)
