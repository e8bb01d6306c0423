"""One generation: written by the engine's thread, read by the event loop.

Text that is not read in time is joined, never queued piece by piece; it is bounded by the generation's own length.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor

from services.llm.engines.abort import AbortFlag
from services.llm.port import Outcome

__all__ = ["Generation"]


class Generation:
    """An answer under way. `work(generation)` runs on `executor` and returns the outcome."""

    def __init__(self, executor: Executor, work: Callable[[Generation], Outcome]) -> None:
        self._loop = asyncio.get_running_loop()
        self._arrived = asyncio.Event()
        self._unread: deque[str] = deque()
        self.flag = AbortFlag()
        """Raised when the generation is to end."""
        self._future = asyncio.wrap_future(executor.submit(work, self))
        self._future.add_done_callback(lambda _: self._arrived.set())

    def write(self, text: str) -> None:
        """Hand text over (the engine's thread calls this)."""
        if not text:
            return
        self._unread.append(text)
        if len(self._unread) == 1:  # with more, the reader was woken and has not yet emptied the queue
            self._loop.call_soon_threadsafe(self._arrived.set)

    async def __aiter__(self) -> AsyncIterator[str]:
        """Yield text as it arrives; raises what the engine raised once the text before it was read."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            ended = self._future.done()
            text = self._take()
            if text:
                yield text
            if ended:
                self._future.result()
                return

    async def outcome(self) -> Outcome:
        """Wait until the engine has let go of it, and return how it ended."""
        return await asyncio.shield(self._future)

    def cancel(self) -> None:
        """End it within one step of the engine."""
        self.flag.raise_()

    def _take(self) -> str:
        text = []
        while self._unread:
            text.append(self._unread.popleft())
        return "".join(text)
