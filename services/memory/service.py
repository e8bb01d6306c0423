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
        life = Life(ctx, self._settings, self._focus, store, writing, reader, reading, stores=self._stores)
        try:
            await life.live()
        finally:
            await life.close()

    async def _refuse(self, ctx: Context, problem: str) -> None:
        """Answer everything with what is wrong."""
        async for event in ctx.inbox:
            match event:
                case MemoryStore():
                    ctx.emit(MemoryStored, item=None, replaced=(), problem=problem)
                case MemoryQuery():
                    ctx.emit(MemoryResult, request=event.id, items=(), by="words")
                case MemoryErase():
                    removed = await refuse(
                        ctx, event, problem, stores=self._stores, wait_s=self._settings.forget_wait_s
                    )
                    ctx.emit(MemoryErased, request=event.id, texts=0, removed=removed)
                case SessionResume():
                    ctx.emit(SessionResumed, name=event.name, turns=(), summary=None, problem=problem)
                case _:
                    continue
