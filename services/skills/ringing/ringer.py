"""Waits for what is due, keeps the book on disk, and says what rings.

Every change is written before it is said: a ring is counted on disk first, so no attempt is ever made twice, and an
alarm whose ring was lost with a crash rings again at its next attempt.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from typing import TypeVar

from services.skills.ringing.alarm import Alarm, settled
from services.skills.ringing.book import AlarmBook
from services.skills.ringing.store import AlarmsDamaged, AlarmStore, Unsaved

__all__ = ["Ringer"]

T = TypeVar("T")


class Ringer:
    """Rings the alarms of a book.

    `rang` is called for each ring, `troubled` with a sentence for a person when the store fails. The wall clock is
    looked at every `look` seconds while an alarm waits for a time of day: nothing tells a process that it was set.
    """

    def __init__(
        self,
        book: AlarmBook,
        store: AlarmStore,
        *,
        thread: Executor,
        rang: Callable[[Alarm], Awaitable[None]],
        troubled: Callable[[str], None],
        look: float = 15.0,
    ) -> None:
        self._book = book
        self._store = store
        self._thread = thread
        self._rang = rang
        self._troubled = troubled
        self._look = look
        self._woken = asyncio.Event()
        self._saving = asyncio.Lock()

    async def open(self) -> None:
        """Read what was kept."""
        try:
            kept = await self._in_thread(self._load)
        except AlarmsDamaged as error:
            self._troubled(str(error))
            kept = ()
        self._book.replace_all(kept)
        self._book.changed = self._woken.set

    async def keep(self) -> bool:
        """Write the book; returns whether that went well. After it returned True nothing set before can be lost."""
        async with self._saving:
            alarms = self._book.kept()
            try:
                await self._in_thread(lambda: self._store.save(alarms))
            except Unsaved as error:
                self._troubled(str(error))
                return False
            return True

    async def run(self) -> None:
        """Ring what is due, for ever."""
        while True:
            await self._wait()
            rung = self._book.ring()
            await self.keep()
            for alarm in rung:
                if self._book.holds(alarm):
                    await self._rang(alarm)

    async def _wait(self) -> None:
        """Return when something is due; looks again at every change of the book."""
        while (left := self._book.next_due()) is None or left > 0:
            self._woken.clear()
            wait = None if left is None else left / 1e9
            if wait is not None and self._book.follows_wall_clock:
                wait = min(wait, self._look)
            try:
                async with asyncio.timeout(wait):
                    await self._woken.wait()
            except TimeoutError:
                continue

    def _load(self) -> tuple[Alarm, ...]:
        return tuple(settled(alarm) for alarm in self._store.load())

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
