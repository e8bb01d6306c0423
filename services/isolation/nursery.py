"""The nursery: keeps one process started ahead, for whichever isolated service needs the next one."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from services.contract import Context
from services.isolation.process import Process
from shared.events import Event

__all__ = ["Nursery"]


class Nursery:
    """See the module. A service that died is back as soon as its engine has loaded, without waiting for Python."""

    name: ClassVar[str] = "isolation"
    consumes: ClassVar[tuple[type[Event], ...]] = ()

    def __init__(self) -> None:
        self._spare: Process | None = None
        self._wanted = asyncio.Event()

    async def run(self, ctx: Context) -> None:
        ctx.ready()
        try:
            while True:
                await self._wanted.wait()
                self._wanted.clear()
                if self._spare is None:
                    self._spare = await Process.start()
        finally:
            if self._spare is not None:
                await self._spare.end()
                self._spare = None

    def prepare(self) -> None:
        """Start one ahead, beside everything else: the services that begin are up."""
        self._wanted.set()

    async def take(self) -> Process:
        """Return a process that waits for its plan."""
        spare, self._spare = self._spare, None
        if spare is not None and spare.alive:
            return spare
        return await Process.start()
