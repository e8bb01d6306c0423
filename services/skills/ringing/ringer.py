"""Waits for what is due, keeps the book, and says what rings.

Every change is kept before it is said: a ring is counted first, so no attempt is ever made twice, and an alarm whose
ring was lost with a crash rings again at its next attempt. Where several share the book, whoever counts first rings.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from bus.transport import Outdated
from services.skills.ringing.alarm import Alarm
from services.skills.ringing.book import AlarmBook
from services.skills.ringing.kept import Kept
from services.skills.ringing.shelf import Shelf
from services.skills.ringing.store import AlarmsDamaged, Unsaved

__all__ = ["Ringer"]

_LATE_S = 1.0
"""A ring that took longer to be counted is looked at once more: whoever was stopped may find it silenced."""


class Ringer:
    """Rings the alarms of a book.

    `rang` is called for each ring, `troubled` with a sentence for a person when the shelf fails. The wall clock is
    looked at every `look` seconds while an alarm waits for a time of day: nothing tells a process that it was set.
    """

    def __init__(
        self,
        book: AlarmBook,
        shelf: Shelf,
        *,
        rang: Callable[[Alarm], Awaitable[None]],
        troubled: Callable[[str], None],
        look: float = 15.0,
    ) -> None:
        self._book = book
        self._shelf = shelf
        self._rang = rang
        self._troubled = troubled
        self._look = look
        self._woken = asyncio.Event()
        self._turn = asyncio.Lock()
        self._kept = 0
        """Changes of the book that are on the shelf."""
        self._number = 0
        """Of what stands there, as far as the book knows."""

    async def open(self) -> None:
        """Read what was kept."""
        try:
            self._take(*await self._shelf.load(self._troubled))
        except AlarmsDamaged as error:
            self._troubled(str(error))
        self._book.changed = self._woken.set

    async def keep(self) -> bool:
        """Keep the book; False where it cannot be written. After True what is in the book cannot be lost.

        Where somebody else had written meanwhile, the book is as that one left it: what was set is not in it.
        """
        async with self._turn:
            changes = self._book.changes
            try:
                self._number = await self._shelf.save(self._book.kept(), self._number)
            except Unsaved as error:
                self._troubled(str(error))
                return False
            except Outdated:
                self._take(*await self._shelf.load())
            else:
                self._kept = changes
            return True

    async def follow(self) -> None:
        """Take over what others write, for ever."""
        while True:
            await self._shelf.other(self._number)
            await self._look_again()

    async def run(self) -> None:
        """Ring what is due, for ever."""
        while True:
            await self._wait()
            rung, began = self._book.ring(), asyncio.get_running_loop().time()
            await self.keep()
            if asyncio.get_running_loop().time() - began > _LATE_S:
                await self._look_again()
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
                await self._look_again()

    async def _look_again(self) -> None:
        """Read what others have written, unless there is something of ours to be kept first.

        What is older than what we know, the shelf has forgotten: it gets ours.
        """
        if not self._shelf.shared:
            return
        async with self._turn:
            number, kept = await self._shelf.load()
            if number > self._number and self._kept == self._book.changes:
                self._take(number, kept)
        if number < self._number:
            await self.keep()

    def _take(self, number: int, kept: Kept) -> None:
        self._book.replace_all(kept)
        self._number, self._kept = number, self._book.changes
