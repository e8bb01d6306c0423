"""Where the book is kept while it is used: a file of our own, or a register that workers on several machines share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import ClassVar, Protocol

from pydantic import ValidationError

from bus.transport import Register
from services.skills.offload import off_loop
from services.skills.ringing.alarm import settled
from services.skills.ringing.kept import Kept
from services.skills.ringing.store import AlarmsDamaged, AlarmStore
from shared.clock import Clock

__all__ = ["HouseClock", "OwnShelf", "SharedShelf", "Shelf"]


def _nobody(_: str) -> None:
    """Hears of it."""


class Shelf(Protocol):
    """A place that outlives the service."""

    shared: ClassVar[bool]
    """Whether others write there too."""

    async def load(self, troubled: Callable[[str], None] = _nobody) -> tuple[int, Kept]:
        """Return what stands there, and its number. `troubled` hears of a long wait. Raises AlarmsDamaged."""
        ...

    async def save(self, kept: Kept, over: int) -> int:
        """Keep exactly this over what has that number, or is older; returns its own. Raises Unsaved, Outdated."""
        ...

    async def other(self, than: int) -> None:
        """Wait until something else than what has that number stands there."""
        ...


class OwnShelf:
    """A store that nobody else writes, used in a thread."""

    shared: ClassVar[bool] = False

    def __init__(self, store: AlarmStore, thread: Executor) -> None:
        self._store = store
        self._thread = thread

    async def load(self, troubled: Callable[[str], None] = _nobody) -> tuple[int, Kept]:
        return 0, await off_loop(self._thread, lambda: _settled(self._store.load()))

    async def save(self, kept: Kept, over: int) -> int:
        await off_loop(self._thread, self._store.save, kept)
        return 0

    async def other(self, than: int) -> None:
        await asyncio.get_running_loop().create_future()


class HouseClock:
    """The time of the register's Redis, as it was told last: one time for all who share it, whoever's clock jumps."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead = clock.now_ns() - clock.monotonic_ns()

    def set(self, now_ns: int) -> None:
        """It is that late now."""
        self._ahead = now_ns - self._clock.monotonic_ns()

    def now_ns(self) -> int:
        return self._clock.monotonic_ns() + self._ahead

    def monotonic_ns(self) -> int:
        return self._clock.monotonic_ns()


class SharedShelf:
    """A register in Redis; sets the clock of the house. A worker without its Redis has nobody to ring for: it waits."""

    shared: ClassVar[bool] = True

    def __init__(self, register: Register, clock: HouseClock, thread: Executor) -> None:
        self._register = register
        self._clock = clock
        self._thread = thread

    async def load(self, troubled: Callable[[str], None] = _nobody) -> tuple[int, Kept]:
        self._register.away = troubled
        there = await self._register.read()
        self._clock.set(there.at_ns)
        return there.number, await off_loop(self._thread, _settled, self._read(there.value))

    async def save(self, kept: Kept, over: int) -> int:
        return await self._register.write(kept.model_dump_json().encode(), over)

    async def other(self, than: int) -> None:
        await self._register.other(than)

    def _read(self, value: bytes) -> Kept:
        if not value:
            return Kept(alarms=())
        try:
            return Kept.model_validate_json(value)
        except ValidationError as error:
            raise AlarmsDamaged(
                f"The timers and alarms that workers share cannot be read: {str(error).splitlines()[0]}.",
                remedy=f"Bring this worker up to date, or take the key {self._register.key} out of Redis.",
            ) from error


def _settled(kept: Kept) -> Kept:
    return kept.model_copy(update={"alarms": tuple(settled(alarm) for alarm in kept.alarms)})
