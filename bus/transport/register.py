"""A register: one value that several processes keep together in Redis; who writes over what is newer is refused.

It is a stream of one entry, whose number rises by one with each writing: Redis itself refuses a number that was taken,
and tells who waits for the next one.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from bus.transport.errors import BusUnfit
from bus.transport.place import BLOCK_MS, close_place, failures, open_place, shown, text, waits

__all__ = ["Outdated", "Register", "Written"]

T = TypeVar("T")

_REST_S = 0.2
_TAKEN = "equal or smaller"
"""Of Redis's words for a number that is not the next."""


class Outdated(Exception):
    """Another process has written meanwhile: read, and think again."""


@dataclass(frozen=True, slots=True)
class Written:
    """What stands in a register."""

    number: int
    """How often it was written; 0: never."""
    value: bytes
    at_ns: int
    """When this was read: unix ns, by Redis's clock."""
    mark: bytes = b""
    """Of whose writing it is."""


class Register:
    """See the module. While Redis is away each method waits for it, and says so once to `away`."""

    def __init__(self, url: str, name: str, *, prefix: str = "sotto") -> None:
        self.key = f"{prefix}:{name}"
        """Where it stands."""
        self._place = shown(url)
        self._redis: Any = open_place(url)
        self.away: Callable[[str], None] = lambda _: None
        """Hears that Redis cannot be reached."""

    async def read(self) -> Written:
        """Return what stands there."""
        return await self._persevere(self._read)

    async def write(self, value: bytes, over: int) -> int:
        """Write over what has this number, or a lower one; returns the new one. Raises Outdated for a higher one."""
        mark = os.urandom(8)
        return await self._persevere(lambda: self._write(value, over, mark))

    async def other(self, than: int) -> None:
        """Wait until what stands there has a higher number; or a lower one, since a Redis that was killed forgot."""
        sure = False

        async def look() -> bool:
            nonlocal sure
            if not sure and (await self._read()).number < than:
                return True
            sure = False  # until it has answered
            found = await self._redis.xread({self.key: f"{than}-0"}, block=BLOCK_MS)
            sure = True
            return bool(found)

        while not await self._persevere(look):
            pass

    async def close(self) -> None:
        """Leave the connections."""
        await close_place(self._redis)

    async def _read(self) -> Written:
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.xrevrange(self.key, count=1)
            pipe.time()
            found, (seconds, microseconds) = await pipe.execute()
        at_ns = (int(seconds) * 1_000_000 + int(microseconds)) * 1000
        if not found:
            return Written(0, b"", at_ns)
        entry, fields = found[0]
        return Written(int(text(entry).partition("-")[0]), fields[b"v"], at_ns, fields[b"m"])

    async def _write(self, value: bytes, over: int, mark: bytes) -> int:
        from redis import exceptions

        fields, number = {"v": value, "m": mark}, over + 1
        try:
            await self._redis.xadd(self.key, fields, id=f"{number}-0", maxlen=1, approximate=False)
        except exceptions.ResponseError as error:
            if _TAKEN not in str(error):
                raise
            there = await self._read()
            if there.mark != mark:  # else it is ours, and only the answer was lost
                raise Outdated from error
        return number

    async def _persevere(self, attempt: Callable[[], Awaitable[T]]) -> T:
        told = False
        while True:
            try:
                return await attempt()
            except failures() as error:
                if not waits(error):
                    raise BusUnfit(f"Redis at {self._place} refuses: {error}.", remedy="See its log.") from error
                if not told:
                    self.away(f"Redis at {self._place} cannot be reached: {error}")
                told = True
                await asyncio.sleep(_REST_S)
