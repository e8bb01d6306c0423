"""Upkeep: what memory does by the clock."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator

from services.memory.errors import MemoryDamaged, MemoryFull
from services.memory.settings import MemorySettings
from services.memory.store import Store
from services.memory.watching import Watching
from services.memory.worker import Worker
from shared.clock import Clock
from shared.logs import get_logger

__all__ = ["Upkeep"]

_EXPIRY_S = 3600.0
_DAY_NS = 86_400 * 10**9
_log = get_logger("memory")


class Upkeep:
    """Of `store`, which is used in `writing`; `changed` is told when it was changed.

    `troubled` is told in words why it cannot be, once; it is tried again.
    """

    def __init__(
        self,
        settings: MemorySettings,
        store: Store,
        writing: Worker,
        *,
        changed: Callable[[], None],
        troubled: Callable[[str], None],
    ) -> None:
        self._settings, self._store, self._writing = settings, store, writing
        self._changed, self._troubled = changed, troubled
        self._told = set[str]()

    async def expire(self, clock: Clock) -> None:
        """Delete what is past its time, now and every hour."""
        while True:
            with self._telling():
                await self._expire(clock.now_ns())
            await asyncio.sleep(_EXPIRY_S)

    async def follow_folders(self) -> None:
        """Keep the documents in step with the watched folders."""
        worker = Worker("memory-folders")
        store: Store | None = None
        watching: Watching | None = None
        try:
            while True:
                with self._telling():
                    if store is None or watching is None:
                        store = await worker.do(Store, self._settings.root / "memory.sqlite3")
                        watching = Watching(store)
                    await self._look(worker, store, watching)
                await asyncio.sleep(self._settings.watch_s)
        finally:
            await worker.close(store.close if store else None)

    async def _expire(self, now: int) -> None:
        turns, facts = self._settings.keep_turns_days, self._settings.keep_facts_days
        gone = await self._writing.do(
            self._store.expire,
            now,
            turns_before=now - int(turns * _DAY_NS) if turns else 0,
            facts_before=now - int(facts * _DAY_NS) if facts else 0,
        )
        if turns:
            await self._writing.do(self._store.conversations.expire, now - int(turns * _DAY_NS))
        if gone:
            self._changed()

    async def _look(self, worker: Worker, store: Store, watching: Watching) -> None:
        for folder in self._settings.watch:
            for problem in await worker.do(watching.follow, folder):
                if problem not in self._told:
                    self._told.add(problem)
                    _log.warning("a document cannot be read", reason=problem)
        if await worker.do(store.anything):
            self._changed()

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except (MemoryDamaged, MemoryFull) as error:
            if str(error) not in self._told:
                self._told.add(str(error))
                self._troubled(str(error))
