"""The pace at which watchers are told, all together: the event loop belongs to the conversation first."""

from __future__ import annotations

import asyncio
from collections import deque

__all__ = ["Pace"]

_TICK_S = 0.005


class Pace:
    """At most `rate` writes a second, and `burst` at once; whoever waits is served in the order of coming."""

    def __init__(self, rate: float = 1600, burst: int = 8) -> None:
        self._rate = rate
        self._burst = burst
        self._left = float(burst)
        self._refilled_at = 0.0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def turn(self) -> None:
        """Wait until one more write may be made."""
        waiter = asyncio.get_running_loop().create_future()
        self.serve(waiter)
        await waiter

    def serve(self, waiter: asyncio.Future[None]) -> None:
        """Let `waiter` be done when it may write; it need not wait for anything else before."""
        loop = waiter.get_loop()
        self._refill(loop.time())
        if self._left >= 1 and not self._waiting:
            self._left -= 1
            if not waiter.done():
                waiter.set_result(None)
            return
        if not self._waiting:
            loop.call_later(_TICK_S, self._tick, loop)
        self._waiting.append(waiter)

    def _refill(self, now: float) -> None:
        self._left = min(self._burst, self._left + (now - self._refilled_at) * self._rate)
        self._refilled_at = now

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        self._refill(loop.time())
        while self._waiting and self._left >= 1:
            waiter = self._waiting.popleft()
            if not waiter.done():  # whoever was cancelled leaves its turn to the next
                waiter.set_result(None)
                self._left -= 1
        if self._waiting:
            loop.call_later(_TICK_S, self._tick, loop)
