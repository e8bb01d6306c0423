"""The embedding service: answers `embed.request` with vectors and `rerank.request` with scores.

With no model present the built-in encoder answers, which compares spelling only and says so; a model that is pulled
meanwhile takes over with the next request.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar, Literal

from services.contract import Context
from services.embedding.desk import Desk
from services.embedding.embedder import Embedder
from services.embedding.models import Encoders, Open
from services.embedding.port import EngineMissing, ModelUnusable, NoEmbeddingModel, Overloaded, TextsUnusable
from services.embedding.ranking import Asked, OpenRanker, Rankers, ranked
from services.embedding.settings import EmbeddingSettings
from services.embedding.vectors import computing, shortened
from shared.errors import SottoError
from shared.events import (
    EmbedFailed,
    EmbedRequest,
    EmbedResult,
    Event,
    MemoryForget,
    MemoryForgotten,
    ModelFailed,
    ModelLoad,
    ModelLoaded,
    ModelPulled,
    RerankRequest,
    RerankResult,
)
from shared.installed import Shelf

__all__ = ["EmbeddingService"]

Reason = Literal["overloaded", "invalid", "no-model", "engine"]

_REASONS: dict[type[SottoError], Reason] = {
    Overloaded: "overloaded",
    TextsUnusable: "invalid",
    NoEmbeddingModel: "no-model",
    ModelUnusable: "engine",
    EngineMissing: "engine",
}


class EmbeddingService:
    """Encoders and rerankers from `shelf`, opened by `open_model` and `open_ranker`; requests of turns go before
    others, and before those at `desk`. With `opens_first` it is not ready before its model is open."""

    name: ClassVar[str] = "embedding"
    consumes: ClassVar[tuple[type[Event], ...]] = (EmbedRequest, RerankRequest, MemoryForget, ModelLoad, ModelPulled)

    def __init__(
        self,
        settings: EmbeddingSettings,
        shelf: Shelf,
        open_model: Open,
        desk: Desk | None = None,
        open_ranker: OpenRanker | None = None,
        *,
        opens_first: bool = False,
    ) -> None:
        self._opens_first = opens_first
        self._open_ranker = open_ranker
        self._settings = settings
        self._shelf = shelf
        self._open_model = open_model
        self._desk = desk or Desk()

    async def run(self, ctx: Context) -> None:
        """Answer until cancelled. The model is opened beside; requests that come before wait for it."""
        encoders = Encoders(self._settings, self._shelf, self._open_model)
        embedder = Embedder(self._settings)
        rankers = Rankers(self._settings, self._shelf, self._open_ranker)
        try:
            await _Answering(ctx, encoders, embedder, rankers, self._desk, opens_first=self._opens_first).run()
        finally:
            self._desk.close()
            await embedder.close()
            encoders.close()
            rankers.close()


class _Answering:
    """One run of the service."""

    def __init__(
        self, ctx: Context, encoders: Encoders, embedder: Embedder, rankers: Rankers, desk: Desk, *, opens_first: bool
    ) -> None:
        self._ctx = ctx
        self._opens_first = opens_first
        self._desk = desk
        self._encoders = encoders
        self._embedder = embedder
        self._rankers = rankers
        self._changing = asyncio.Lock()
        self._cached = asyncio.Event()
        """The cache can be asked, whether or not a model is open."""
        self._opened = asyncio.Event()

    async def run(self) -> None:
        self._ctx.tasks.create_task(self._begin(), name="embedding:begin")
        if not self._opens_first:
            self._ctx.ready()
        async for event in self._ctx.inbox:
            if isinstance(event, EmbedRequest | RerankRequest):
                self._ctx.turn(event).start(self._answer(event))
            elif isinstance(event, MemoryForget):
                self._ctx.turn(event).start(self._forget(event))
            elif isinstance(event, ModelLoad) and event.role == "embedding":
                self._ctx.turn(event).start(self._use(event.name))
            elif isinstance(event, ModelPulled) and event.role == "rerank":
                self._rankers.renew()
                self._encoders.era += 1
            elif isinstance(event, ModelPulled) and event.role == "embedding":
                self._encoders.renew(event.name)
                self._ctx.turn(event).start(self._use(self._encoders.chosen))

    async def _begin(self) -> None:
        try:
            await self._embedder.open()
            self._cached.set()
            await self._use("")
        finally:
            self._opened.set()
        self._desk.open(self._encoders, self._embedder, self._rankers)
        if self._opens_first:
            self._ctx.ready()

    # ---- requests

    async def _answer(self, request: EmbedRequest | RerankRequest) -> None:
        try:
            await self._opened.wait()
            await (self._embed(request) if isinstance(request, EmbedRequest) else self._rerank(request))
        except SottoError as error:
            retry = error.retry_ms if isinstance(error, Overloaded) else 0
            reason = _REASONS.get(type(error), "engine")
            self._ctx.emit(EmbedFailed, request=request.id, reason=reason, message=str(error), retry_ms=retry)

    async def _embed(self, request: EmbedRequest) -> None:
        encoder = await self._encoders.get(request.model)
        done = await self._embedder.embed(encoder, request.texts, request.purpose, urgent=request.turn > 0)
        if request.dimensions:
            await computing()
        rows = shortened(done.rows, done.info.dimensions, request.dimensions)
        self._ctx.emit(
            EmbedResult,
            request=request.id,
            model=done.info.model,
            engine=done.info.engine,
            fingerprint=done.info.fingerprint,
            count=len(request.texts),
            dimensions=request.dimensions or done.info.dimensions,
            tokens=done.tokens,
            truncated=done.truncated,
            vectors=rows,
        )

    async def _rerank(self, request: RerankRequest) -> None:
        asked = Asked(request.query, request.texts, request.model)
        found = await ranked(self._embedder, self._encoders, self._rankers, asked, urgent=request.turn > 0)
        self._ctx.emit(RerankResult, request=request.id, **found._asdict())

    async def _forget(self, order: MemoryForget) -> None:
        await self._cached.wait()
        count = await self._embedder.forget()
        detail = f"all {count} cached vectors, which tell no words" if count else "no vectors were cached"
        self._ctx.emit(MemoryForgotten, store="embedding", removed=count, detail=detail, ok=True)

    # ---- models

    async def _use(self, name: str) -> None:
        """Change to a model; ends with `model.loaded` for what is in use, after `model.failed` for what cannot be."""
        began = self._ctx.clock.monotonic_ns()
        async with self._changing:
            try:
                for error in await self._encoders.choose(name):
                    self._failed(name, error)
            except SottoError as error:
                self._failed(name, error)
        info = self._encoders.using.info
        took = self._ctx.clock.monotonic_ns() - began
        self._ctx.emit(ModelLoaded, role="embedding", name=info.model, engine=info.engine, load_ns=took)

    def _failed(self, name: str, error: SottoError) -> None:
        self._ctx.emit(ModelFailed, role="embedding", name=name, engine="", message=str(error))
