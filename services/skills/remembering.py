"""Remembering: long-term memory as skills use it, over the bus."""

from __future__ import annotations

from typing import Any, Protocol

from bus import Fenced, NoMailbox, RequestTimeout
from services.contract import Context
from shared.events import (
    Event,
    MemoryErase,
    MemoryErased,
    MemoryQuery,
    MemoryResult,
    MemoryStore,
    MemoryStored,
    Remembered,
)

__all__ = ["Memory", "MemoryOff", "MemoryOnTheBus", "MemoryUnavailable", "MemoryUnreadable", "NoMemory"]

_STORE_S = 5.0
_ERASE_S = 9.0
"""Less than the conversation waits for a skill."""


class MemoryOff(Exception):
    """There is no memory in this assistant."""


class MemoryUnavailable(Exception):
    """It does not answer now."""


class MemoryUnreadable(MemoryUnavailable):
    """It answers that nothing can be looked up."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem
        """Why, and what to do, for a person."""


class Memory(Protocol):
    """What skills ask of memory. Every method raises MemoryOff or MemoryUnavailable."""

    async def store(self, text: str, language: str, *, corrects: bool = False) -> MemoryStored:
        """Keep a fact, or correct the last one."""
        ...

    async def find(
        self,
        purpose: str,
        text: str = "",
        *,
        what: tuple[str, ...] = (),
        limit: int = 5,
        since: int = 0,
        until: int = 0,
    ) -> tuple[Remembered, ...]:
        """Return what is known, the best first. Raises MemoryUnreadable where that cannot be looked up."""
        ...

    async def erase(self, what: str, *, text: str = "", since: int = 0, items: tuple[str, ...] = ()) -> MemoryErased:
        """Forget; returns the receipt."""
        ...


class NoMemory:
    """The memory of an assistant without one."""

    async def store(self, *_: Any, **__: Any) -> MemoryStored:
        raise MemoryOff

    async def find(self, *_: Any, **__: Any) -> tuple[Remembered, ...]:
        raise MemoryOff

    async def erase(self, *_: Any, **__: Any) -> MemoryErased:
        raise MemoryOff


class MemoryOnTheBus:
    """Asks the memory service, as part of the call that is being answered."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def store(self, text: str, language: str, *, corrects: bool = False) -> MemoryStored:
        reply = await self._ask(_STORE_S, MemoryStore, text=text, language=language, corrects=corrects)
        assert isinstance(reply, MemoryStored)
        return reply

    async def find(
        self,
        purpose: str,
        text: str = "",
        *,
        what: tuple[str, ...] = (),
        limit: int = 5,
        since: int = 0,
        until: int = 0,
    ) -> tuple[Remembered, ...]:
        fields = {"purpose": purpose, "text": text, "what": what, "limit": limit, "since": since, "until": until}
        reply = await self._ask(_STORE_S, MemoryQuery, **fields)
        assert isinstance(reply, MemoryResult)
        if reply.problem:
            raise MemoryUnreadable(reply.problem)
        return reply.items

    async def erase(self, what: str, *, text: str = "", since: int = 0, items: tuple[str, ...] = ()) -> MemoryErased:
        reply = await self._ask(_ERASE_S, MemoryErase, what=what, text=text, since=since, items=items)
        assert isinstance(reply, MemoryErased)
        return reply

    async def _ask(self, timeout: float, kind: type[Event], **fields: Any) -> Event:
        try:
            return await self._ctx.bus.request(self._ctx.event(kind, **fields), timeout)
        except NoMailbox as error:
            raise MemoryOff from error
        except (RequestTimeout, Fenced) as error:
            raise MemoryUnavailable from error
