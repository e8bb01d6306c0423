"""Upkeep: what memory does by the clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from services.memory.documents import follow
from services.memory.settings import MemorySettings
from services.memory.store import Store
from services.memory.worker import Worker
from shared.clock import Clock
from shared.logs import get_logger

__all__ = ["Upkeep"]

_EXPIRY_S = 3600.0
_DAY_NS = 86_400 * 10**9
_log = get_logger("memory")


class Upkeep:
    """Of `store`, which is used in `writing`; `changed` is told when it was changed."""

    def __init__(self, settings: MemorySettings, store: Store, writing: Worker, changed: Callable[[], None]) -> None:
        self._settings, self._store, self._writing, self._changed = settings, store, writing, changed

    async def expire(self, clock: Clock) -> None:
        """Delete what is past its time, now and every hour."""
        while True:
            now = clock.now_ns()
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
            await asyncio.sleep(_EXPIRY_S)

    async def follow_folders(self) -> None:
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
                if await worker.do(store.anything):
                    self._changed()
                await asyncio.sleep(self._settings.watch_s)
        finally:
            await worker.close(store.close)
