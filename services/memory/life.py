"""One life of memory: from opening its store to closing it."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from functools import partial

from bus import Fenced, NoMailbox, Overflow, RequestTimeout
from services.contract import Context
from services.memory.engines.chroma import open_chroma, owe
from services.memory.errors import MemoryDamaged, MemoryFull
from services.memory.finding import Finding
from services.memory.focus import Focus
from services.memory.forgetting import Forgetting
from services.memory.history import History
from services.memory.indexing import Embedded, Indexing, rows_of
from services.memory.item import Item
from services.memory.keeping import as_turn, correct, keep
from services.memory.model import Model
from services.memory.noticing import Noticing
from services.memory.settings import MemorySettings
from services.memory.store import Kept, Store
from services.memory.summarising import Summarising
from services.memory.upkeep import Upkeep
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
    TurnFinished,
    TurnHeard,
)
from shared.logs import get_logger

__all__ = ["Life"]

_INDEX_WAIT_S = 60.0
_log = get_logger("memory")


class Life:
    """Serves what comes to `ctx`. `store` is used in `writing`, and `reader`, the same file, in `reading` meanwhile.

    `focus`, what "that" means, outlives it. `stores` name the others that forget with it.
    """

    def __init__(
        self,
        ctx: Context,
        settings: MemorySettings,
        focus: Focus,
        store: Store,
        writing: Worker,
        reader: Store,
        reading: Worker,
        *,
        stores: Sequence[str],
    ) -> None:
        self._ctx, self._settings, self._focus = ctx, settings, focus
        self._store, self._writing = store, writing
        self._reader, self._reading = reader, reading
        self._changes = 0
        """Counts what was superseded or forgotten."""
        self._index = self._indexing() if settings.vectors else None
        self._model = Model()
        summarising = Summarising(settings, store.conversations, writing, self._model, self._seen)
        self._history = History(settings, store, writing, summarising)
        self._noticing = Noticing(store, writing, self._model, focus, self._seen)
        self._finding = Finding(
            settings, reader, reading, index=self._index, embed=self._asked, focus=focus, now=ctx.clock.now_ns
        )
        self._forgetting = Forgetting(
            store, writing, index=self._index, focus=focus, stores=stores, wait_s=settings.forget_wait_s
        )

    async def live(self, first: Event | None = None) -> None:
        """Serve until cancelled, and before all else `first`, which is in the inbox's hand."""
        self._begin()
        with contextlib.suppress(MemoryDamaged, MemoryFull):  # whoever asks is told
            if await self._reading.do(self._reader.anything):
                self._wake()
        if first is not None:
            await self._serve(first)
        async for event in self._ctx.inbox:
            await self._serve(event)

    async def close(self) -> None:
        """Keep what is in hand, and close the files."""
        if self._index is not None:
            await self._index.close()
        await self._reading.close(self._reader.close)
        await self._writing.close(partial(self._end, self._ctx.inbox.undone))

    def _begin(self) -> None:
        """Start what goes on beside the inbox."""
        tasks = self._ctx.tasks
        upkeep = Upkeep(self._settings, self._store, self._writing, changed=self._wake, troubled=self._ctx.degraded)
        if self._index is not None:
            tasks.create_task(self._index.run(), name="memory:index")
        tasks.create_task(upkeep.expire(self._ctx.clock), name="memory:expiry")
        if self._settings.watch:
            tasks.create_task(upkeep.follow_folders(), name="memory:folders")
        tasks.create_task(self._watch_model(), name="memory:told")

    def _end(self, undone: Sequence[Event]) -> None:
        self._history.end(undone, self._focus)
        self._store.close()

    def _seen(self) -> int:
        return self._changes

    def _wake(self) -> None:
        """The store holds what has no vector yet."""
        if self._index is not None:
            self._index.wake()

    async def _serve(self, event: Event) -> None:
        await self._recollect(event)
        match event:
            case MemoryQuery():
                self._ctx.turn(event).start(self._answer(event))
            case MemoryErase():
                await self._erase(event)
            case MemoryStore():
                await self._keep(event)
            case TurnFinished():
                await self._finished(event)
            case TurnHeard():
                await self._history.heard(event)
            case SessionResume():
                await self._history.resume(self._ctx, event)
            case SessionCleared():
                self._changes += 1
                await self._history.clear(event)
            case _:
                return

    async def _recollect(self, event: Event) -> None:
        """Know what "that" means before it is spoken of."""
        now = self._ctx.clock.now_ns()
        match event:
            case MemoryQuery(purpose="told"):
                await self._history.recollect(event.session, self._focus, now, anywhere=True)
            case MemoryErase(what="last") | MemoryStore(corrects=True):
                await self._history.recollect(event.session, self._focus, now)
            case _:
                return

    # ---- keeping

    async def _keep(self, event: MemoryStore) -> None:
        kept, problem = None, ""
        try:
            kept = await self._writing.do(self._kept, event, self._ctx.clock.now_ns())
        except (MemoryDamaged, MemoryFull) as error:
            problem = str(error)
            self._ctx.degraded(problem)
        if kept is not None and event.what == "fact":
            self._focus.told(event.session, event.turn, (kept.item.told(),), outright=True)
            self._changes += len(kept.replaced)
        self._ctx.emit(
            MemoryStored,
            item=kept.item.told() if kept else None,
            replaced=tuple(old.value or old.text for old in kept.replaced) if kept else (),
            problem=problem,
        )
        self._wake()

    def _kept(self, event: MemoryStore, now: int) -> Kept | None:
        if not event.corrects:
            return keep(self._store, event)
        old = self._focus.correctable(event.session, event.turn)
        return correct(self._store, event, old, now) if old else None

    async def _finished(self, event: TurnFinished) -> None:
        """Keep the turn, for itself and in its conversation, and see what was told in passing."""
        self._focus.finished(event.session, event.turn, event.asked, event.heard)
        item = as_turn(event) if self._settings.turns else None
        if item is not None:
            await self._keep_turn(item)
        rests_on = [item.id for item in self._focus.rests_on(event.session)]
        await self._history.said(self._ctx, event, rests_on)
        self._ctx.tasks.create_task(self._notice(event), name="memory:noticing")

    async def _keep_turn(self, turn: Item) -> None:
        try:
            await self._writing.do(self._store.keep, turn)
            self._wake()
        except (MemoryDamaged, MemoryFull) as error:
            _log.warning("a turn was not kept", reason=str(error))

    async def _notice(self, event: TurnFinished) -> None:
        try:
            if self._settings.notice and await self._noticing.consider(self._ctx, event):
                self._changes += 1
                self._wake()
        except (MemoryDamaged, MemoryFull) as error:
            _log.warning("what was said in passing was not kept", reason=str(error))

    # ---- finding

    async def _answer(self, query: MemoryQuery) -> None:
        problem = ""
        try:
            while True:  # until nothing was forgotten meanwhile
                seen = self._changes
                items, by = await self._finding.answer(query)
                if seen == self._changes:
                    break
        except (MemoryDamaged, MemoryFull) as error:
            items, by, problem = (), "words", str(error)
            self._ctx.degraded(problem)
        if query.purpose in ("value", "about", "search", "facts", "told") and query.turn:
            self._focus.told(query.session, query.turn, items, outright=True)
        self._ctx.emit(MemoryResult, request=query.id, items=items, by=by, problem=problem)

    async def _watch_model(self) -> None:
        """See what the model is really told: a result that came too late was not, nor what was too long."""
        kinds = (LlmRequest, LlmResponse, ModelLoaded)
        seen = self._ctx.bus.subscribe(*kinds, name="memory-told", capacity=64, overflow=Overflow.DROP_OLDEST)
        with seen:
            async for event in seen:
                if isinstance(event, ModelLoaded):
                    self._model.there = self._model.there or event.role == "llm"
                elif isinstance(event, LlmResponse):
                    self._history.told(event)
                elif isinstance(event, LlmRequest) and event.recalled:
                    self._focus.told(event.session, event.turn, event.recalled, outright=False)

    # ---- forgetting

    async def _erase(self, event: MemoryErase) -> None:
        self._changes += 1
        texts, removed = await self._forgetting.erase(self._ctx, event)
        self._changes += 1
        self._ctx.emit(MemoryErased, request=event.id, texts=texts, removed=removed)
        _log.info("forgot", what=event.what, items=texts)

    # ---- vectors

    def _indexing(self) -> Indexing:
        folder, server = self._settings.root / "vectors", self._settings.chroma_url.rstrip("/")

        async def embed(texts: tuple[str, ...]) -> Embedded | None:
            return await _embedded(self._ctx, texts, "passage", _INDEX_WAIT_S, turn=0)

        return Indexing(
            self._store,
            self._writing,
            opener=lambda: open_chroma(folder, server),
            owe=lambda: None if server else owe(folder),
            embed=embed,
            now=self._ctx.clock.now_ns,
            monotonic=self._ctx.clock.monotonic_ns,
            troubled=self._ctx.degraded,
            recovered=self._ctx.ready,
        )

    async def _asked(self, text: str, wait_s: float) -> Embedded | None:
        return await _embedded(self._ctx, (text,), "query", wait_s)


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
