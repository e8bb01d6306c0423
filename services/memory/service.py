"""The memory service: keeps what it is told and what was heard, finds it again, and forgets it for good.

It also keeps whole conversations as they were heard, so that a later session can go on with one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from services.contract import Context
from services.memory.errors import MemoryDamaged, MemoryFull
from services.memory.focus import Focus
from services.memory.forgetting import refuse
from services.memory.life import Life
from services.memory.pauses import Pauses
from services.memory.settings import MemorySettings
from services.memory.store import Store
from services.memory.worker import Worker
from shared.events import (
    Event,
    MemoryErase,
    MemoryErased,
    MemoryQuery,
    MemoryResult,
    MemoryStore,
    MemoryStored,
    SessionCleared,
    SessionResume,
    SessionResumed,
    TurnFinished,
    TurnHeard,
)

__all__ = ["MemoryService"]

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 5.0, 300.0


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

    async def run(self, ctx: Context) -> None:
        """Serve until cancelled. With a file that cannot be opened it says so, and answers everything with why.

        A damaged file stays refused until the service is started again. One that is held by another program or cannot
        be written is tried again with the first event after a pause of 5 s, then of twice as long each time, up to 5
        minutes.
        """
        ctx.ready()
        writing, reading = Worker("memory"), Worker("memory-reading")
        opened = await self._opened(ctx, writing, reading)
        if opened is None:
            return
        store, reader, first = opened
        life = Life(ctx, self._settings, self._focus, store, writing, reader, reading, stores=self._stores)
        try:
            await life.live(first)
        finally:
            await life.close()

    async def _opened(self, ctx: Context, writing: Worker, reading: Worker) -> tuple[Store, Store, Event | None] | None:
        """Open the file for writing and for reading, after pauses where it must be; None when the inbox ended before.

        Returns with them the event in hand, which is still to be served.
        """
        pauses = Pauses(ctx.clock.monotonic_ns, first_s=_FIRST_PAUSE_S, most_s=_LONGEST_PAUSE_S)
        told, event = "", None
        while True:
            try:
                store, reader = await self._open(writing, reading)
            except (MemoryDamaged, MemoryFull) as error:
                pauses.failed()
                problem, again = str(error), None if isinstance(error, MemoryDamaged) else pauses
            else:
                if told:
                    ctx.ready()
                return store, reader, event
            if problem != told:
                told = problem
                ctx.degraded(problem)
            event = await self._refuse(ctx, event, problem, again)
            if event is None:
                return None

    async def _open(self, writing: Worker, reading: Worker) -> tuple[Store, Store]:
        path = self._settings.root / "memory.sqlite3"
        store = await writing.do(Store, path)
        try:
            return store, await reading.do(Store, path)
        except (MemoryDamaged, MemoryFull):
            await writing.do(store.close)
            raise

    async def _refuse(self, ctx: Context, first: Event | None, problem: str, again: Pauses | None) -> Event | None:
        """Answer `first` and what comes with what is wrong; returns the first event after the pause of `again`."""
        if first is not None:
            await self._answer(ctx, first, problem)
        async for event in ctx.inbox:
            if again is not None and again.over:
                return event
            await self._answer(ctx, event, problem)
        return None

    async def _answer(self, ctx: Context, event: Event, problem: str) -> None:
        match event:
            case MemoryStore():
                ctx.emit(MemoryStored, item=None, replaced=(), problem=problem)
            case MemoryQuery():
                ctx.emit(MemoryResult, request=event.id, items=(), by="words", problem=problem)
            case MemoryErase():
                removed = await refuse(ctx, event, problem, stores=self._stores, wait_s=self._settings.forget_wait_s)
                ctx.emit(MemoryErased, request=event.id, texts=0, removed=removed)
            case SessionResume():
                ctx.emit(SessionResumed, name=event.name, turns=(), summary=None, problem=problem)
            case _:
                return
