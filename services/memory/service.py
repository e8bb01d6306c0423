"""The memory service: keeps what it is told and what was heard, finds it again, and forgets it for good.

It also keeps whole conversations as they were heard, so that a later session can go on with one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

import structlog

from bus import Fenced, NoMailbox, Overflow, RequestTimeout
from services.contract import Context
from services.memory.documents import follow
from services.memory.engines.chroma import open_chroma
from services.memory.errors import MemoryDamaged, MemoryFull
from services.memory.finding import Finding
from services.memory.focus import Focus
from services.memory.forgetting import Forgetting
from services.memory.history import History
from services.memory.indexing import Embedded, Indexing, rows_of
from services.memory.keeping import as_turn, correct, keep
from services.memory.model import Model
from services.memory.noticing import Noticing
from services.memory.settings import MemorySettings
from services.memory.store import Kept, Store
from services.memory.summarising import Summarising
from services.memory.worker import Worker
from shared.events import (
    EmbedRequest,
    EmbedResult,
    Event,
    LlmRequest,
    LlmResponse,
    MemoryErase,
    MemoryErased,
    MemoryQuery,
    MemoryResult,
    MemoryStore,
    MemoryStored,
    ModelLoaded,
    SessionCleared,
    SessionResume,
    SessionResumed,
    TurnFinished,
    TurnHeard,
)

__all__ = ["MemoryService"]

_INDEX_WAIT_S = 60.0
_EXPIRY_S = 3600.0
_DAY_NS = 86_400 * 10**9
_log = structlog.get_logger("memory")


class MemoryService:
    """Consumes `memory.store`, `memory.query`, `memory.erase`, `session.resume` and `turn.finished`.

    What is stored is on disk when `memory.stored` says so, and found by words from then on; by meaning as soon as the
    embedding service has given its vector. `stores` name the other services that hold words and answer
    `memory.forget`.
    """

    name: ClassVar[str] = "memory"
    consumes: ClassVar[tuple[type[Event], ...]] = (
        *(MemoryStore, MemoryQuery, MemoryErase, SessionCleared, SessionResume, TurnFinished, TurnHeard),
    )

    def __init__(self, settings: MemorySettings, *, stores: Sequence[str] = ()) -> None:
        self._settings = settings
        self._stores = tuple(stores)
        self._focus = Focus()
        self._changes = 0
        """Counts what was superseded or forgotten."""

    async def run(self, ctx: Context) -> None:
        """Serve until cancelled. With a damaged file it says so and answers that nothing is known."""
        ctx.ready()
        writing, reading = Worker("memory"), Worker("memory-reading")
        path = self._settings.root / "memory.sqlite3"
        try:
            store = await writing.do(Store, path)
        except (MemoryDamaged, MemoryFull) as error:
            ctx.degraded(str(error))
            await self._refuse(ctx, str(error))
            return
        reader = await reading.do(Store, path)
        index = self._indexing(ctx, store, writing) if self._settings.vectors else None
        model = Model()
        summarising = Summarising(self._settings, store.conversations, writing, model, self._seen)
        history = History(self._settings, store, writing, summarising)
        try:
            self._begin(ctx, store, writing, index, model, history)
            if index is not None and await reading.do(reader.anything):
                index.wake()
            noticing = Noticing(store, writing, model, self._focus, self._seen)
            await self._serve(ctx, store, writing, reader, reading, index, history, noticing)
        finally:
            if index is not None:
                await index.close()
            await reading.close(reader.close)
            await writing.close(partial(self._end, store, history, ctx.inbox.undone))

    def _seen(self) -> int:
        return self._changes

    def _begin(
        self, ctx: Context, store: Store, writing: Worker, index: Indexing | None, model: Model, history: History
    ) -> None:
        """Start what goes on beside the inbox."""
        if index is not None:
            ctx.tasks.create_task(index.run(), name="memory:index")
        ctx.tasks.create_task(self._expire(ctx, store, writing, index), name="memory:expiry")
        if self._settings.watch:
            ctx.tasks.create_task(self._follow_folders(ctx, index), name="memory:folders")
        ctx.tasks.create_task(self._watch_model(ctx, model, history), name="memory:told")

    def _end(self, store: Store, history: History, undone: Sequence[Event]) -> None:
        history.end(undone, self._focus)
        store.close()

    async def _serve(
        self,
        ctx: Context,
        store: Store,
        writing: Worker,
        reader: Store,
        reading: Worker,
        index: Indexing | None,
        history: History,
        noticing: Noticing,
    ) -> None:
        async def embed(text: str, wait_s: float) -> Embedded | None:
            return await _embedded(ctx, (text,), "query", wait_s)

        focus, now = self._focus, ctx.clock.now_ns
        finding = Finding(self._settings, reader, reading, index=index, embed=embed, focus=focus, now=now)
        forgetting = Forgetting(
            store, writing, index=index, focus=focus, stores=self._stores, wait_s=self._settings.forget_wait_s
        )
        wake = index.wake if index is not None else lambda: None
        async for event in ctx.inbox:
            await self._recollect(event, history, now())
            match event:
                case MemoryQuery():
                    ctx.turn(event).start(self._answer(ctx, event, finding))
                case MemoryErase():
                    await self._erase(ctx, event, forgetting)
                case MemoryStore():
                    await self._store(ctx, event, store, writing)
                    wake()
                case TurnFinished():
                    if await self._finished(event, store, writing):
                        wake()
                    await history.said(ctx, event, [item.id for item in focus.rests_on(event.session)])
                    ctx.tasks.create_task(self._notice(ctx, event, noticing, wake), name="memory:noticing")
                case TurnHeard():
                    await history.heard(event)
                case SessionResume():
                    await history.resume(ctx, event)
                case SessionCleared():
                    self._changes += 1
                    await history.clear(event)
                case _:
                    continue

    async def _recollect(self, event: Event, history: History, now: int) -> None:
        """Know what "that" means before it is spoken of."""
        match event:
            case MemoryQuery(purpose="told"):
                await history.recollect(event.session, self._focus, now, anywhere=True)
            case MemoryErase(what="last") | MemoryStore(corrects=True):
                await history.recollect(event.session, self._focus, now)
            case _:
                return

    # ---- keeping

    async def _store(self, ctx: Context, event: MemoryStore, store: Store, writing: Worker) -> None:
        kept, problem = None, ""
        try:
            kept = await writing.do(self._kept, store, event, ctx.clock.now_ns())
        except (MemoryDamaged, MemoryFull) as error:
            problem = str(error)
            ctx.degraded(problem)
        if kept is not None and event.what == "fact":
            self._focus.told(event.session, event.turn, (kept.item.told(),), outright=True)
            self._changes += len(kept.replaced)
        ctx.emit(
            MemoryStored,
            item=kept.item.told() if kept else None,
            replaced=tuple(old.value or old.text for old in kept.replaced) if kept else (),
            problem=problem,
        )

    def _kept(self, store: Store, event: MemoryStore, now: int) -> Kept | None:
        if not event.corrects:
            return keep(store, event)
        old = self._focus.correctable(event.session, event.turn)
        return correct(store, event, old, now) if old else None

    async def _finished(self, event: TurnFinished, store: Store, writing: Worker) -> bool:
        """Keep the turn; returns whether that was done."""
        self._focus.finished(event.session, event.turn, event.asked, event.heard)
        item = as_turn(event) if self._settings.turns else None
        if item is None:
            return False
        try:
            await writing.do(store.keep, item)
            return True
        except (MemoryDamaged, MemoryFull) as error:
            _log.warning("a turn was not kept", reason=str(error))
            return False

    async def _notice(self, ctx: Context, event: TurnFinished, noticing: Noticing, wake: Callable[[], None]) -> None:
        try:
            if self._settings.notice and await noticing.consider(ctx, event):
                self._changes += 1
                wake()
        except (MemoryDamaged, MemoryFull) as error:
            _log.warning("what was said in passing was not kept", reason=str(error))

    # ---- finding

    async def _answer(self, ctx: Context, query: MemoryQuery, finding: Finding) -> None:
        try:
            while True:  # until nothing was forgotten meanwhile
                seen = self._changes
                items, by = await finding.answer(query)
                if seen == self._changes:
                    break
        except (MemoryDamaged, MemoryFull) as error:
            ctx.degraded(str(error))
            items, by = (), "words"
        if query.purpose in ("value", "about", "search", "facts", "told") and query.turn:
            self._focus.told(query.session, query.turn, items, outright=True)
        ctx.emit(MemoryResult, request=query.id, items=items, by=by)

    async def _watch_model(self, ctx: Context, model: Model, history: History) -> None:
        """See what the model is really told: a result that came too late was not, nor what was too long."""
        kinds = (LlmRequest, LlmResponse, ModelLoaded)
        seen = ctx.bus.subscribe(*kinds, name="memory-told", capacity=64, overflow=Overflow.DROP_OLDEST)
        with seen:
            async for event in seen:
                if isinstance(event, ModelLoaded):
                    model.there = model.there or event.role == "llm"
                elif isinstance(event, LlmResponse):
                    history.told(event)
                elif isinstance(event, LlmRequest) and event.recalled:
                    self._focus.told(event.session, event.turn, event.recalled, outright=False)

    # ---- forgetting

    async def _erase(self, ctx: Context, event: MemoryErase, forgetting: Forgetting) -> None:
        self._changes += 1
        try:
            texts, removed = await forgetting.erase(ctx, event)
        except (MemoryDamaged, MemoryFull) as error:
            ctx.degraded(str(error))
            texts, removed = 0, ()
        self._changes += 1
        ctx.emit(MemoryErased, request=event.id, texts=texts, removed=removed)
        _log.info("forgot", what=event.what, items=texts)

    async def _expire(self, ctx: Context, store: Store, writing: Worker, index: Indexing | None) -> None:
        """Delete what is past its time, now and every hour."""
        while True:
            now = ctx.clock.now_ns()
            turns, facts = self._settings.keep_turns_days, self._settings.keep_facts_days
            gone = await writing.do(
                store.expire,
                now,
                turns_before=now - int(turns * _DAY_NS) if turns else 0,
                facts_before=now - int(facts * _DAY_NS) if facts else 0,
            )
            if turns:
                await writing.do(store.conversations.expire, now - int(turns * _DAY_NS))
            if gone and index is not None:
                index.wake()
            await asyncio.sleep(_EXPIRY_S)

    async def _follow_folders(self, ctx: Context, index: Indexing | None) -> None:
        """Keep the documents in step with the watched folders."""
        worker, told = Worker("memory-folders"), set[str]()
        store = await worker.do(Store, self._settings.root / "memory.sqlite3")
        try:
            while True:
                for folder in self._settings.watch:
                    for problem in await worker.do(follow, store, folder):
                        if problem not in told:
                            _log.warning("a document cannot be read", reason=problem)
                            told.add(problem)
                if index is not None and await worker.do(store.anything):
                    index.wake()
                await asyncio.sleep(self._settings.watch_s)
        finally:
            await worker.close(store.close)

    # ---- inside

    def _indexing(self, ctx: Context, store: Store, writing: Worker) -> Indexing:
        folder: Path = self._settings.root / "vectors"

        async def embed(texts: tuple[str, ...]) -> Embedded | None:
            return await _embedded(ctx, texts, "passage", _INDEX_WAIT_S, turn=0)

        return Indexing(
            store,
            writing,
            opener=lambda: open_chroma(folder, self._settings.chroma_url.rstrip("/")),
            embed=embed,
            now=ctx.clock.now_ns,
            troubled=ctx.degraded,
        )

    @staticmethod
    async def _refuse(ctx: Context, problem: str) -> None:
        """Answer everything with what is wrong."""
        async for event in ctx.inbox:
            match event:
                case MemoryStore():
                    ctx.emit(MemoryStored, item=None, replaced=(), problem=problem)
                case MemoryQuery():
                    ctx.emit(MemoryResult, request=event.id, items=(), by="words")
                case MemoryErase():
                    ctx.emit(MemoryErased, request=event.id, texts=0, removed=())
                case SessionResume():
                    ctx.emit(SessionResumed, name=event.name, turns=(), summary=None, problem=problem)
                case _:
                    continue


async def _embedded(
    ctx: Context, texts: tuple[str, ...], purpose: str, wait_s: float, turn: int | None = None
) -> Embedded | None:
    """Ask the embedding service; None when it is not there, has no time, or fails."""
    request = ctx.event(EmbedRequest, texts=texts, purpose=purpose, turn=turn)
    try:
        reply = await ctx.bus.request(request, wait_s)
    except (NoMailbox, RequestTimeout, Fenced):
        return None
    if not isinstance(reply, EmbedResult) or not reply.count:
        return None
    return Embedded(rows_of(reply.vectors, reply.count), reply.fingerprint, reply.engine != "lexical")
