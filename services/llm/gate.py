"""A gate that many pass at once, and that closes for one who needs to be alone, in the order they came."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

__all__ = ["Gate"]


class Gate:
    """Used on one event loop. Whoever waits to be alone keeps those who come later waiting."""

    def __init__(self) -> None:
        self._turnstile = asyncio.Lock()
        self._inside = 0
        self._empty = asyncio.Event()
        self._empty.set()

    @contextlib.asynccontextmanager
    async def passing(self) -> AsyncIterator[None]:
        """Be inside with others."""
        async with self._turnstile:
            self._inside += 1
            self._empty.clear()
        try:
            yield
        finally:
            self._inside -= 1
            if not self._inside:
                self._empty.set()

    @contextlib.asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Wait until all are out, and be inside alone."""
        async with self._turnstile:
            await self._empty.wait()
            yield
