"""One generation: written by the engine's thread, read by the event loop.

Text that is not read in time is joined, never queued piece by piece; it is bounded by the generation's own length.
Leaving the iteration before its end cancels it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future

from services.llm.engines.abort import AbortFlag
from services.llm.port import Outcome

__all__ = ["Generation"]

_APART_S = 0.001
"""What is written sooner after the last reading is read with what follows: waking the loop costs more than a token."""


class Generation:
    """An answer under way; made on the event loop. `wake` tells the engine's thread that it was cancelled."""

    def __init__(self, wake: Callable[[], None] = lambda: None) -> None:
        self._loop = asyncio.get_running_loop()
        self._arrived = asyncio.Event()
        self._unread: deque[str] = deque()
        self._wake = wake
        self.flag = AbortFlag()
        """Raised when the generation is to end."""
        self._ended: Future[Outcome] = Future()
        self._future = asyncio.wrap_future(self._ended)
        self._future.add_done_callback(self._on_end)

    # ---- on the engine's thread

    def write(self, text: str) -> None:
        """Hand text over."""
        if not text:
            return
        self._unread.append(text)
        if len(self._unread) == 1:  # with more, the reader was woken and has not yet emptied the queue
            self._loop.call_soon_threadsafe(self._arrived.set)

    def settle(self, outcome: Outcome) -> None:
        """Say how it ended; nothing is written after that."""
        self._ended.set_result(outcome)

    def fail(self, error: BaseException) -> None:
        """Say what broke it. Harmless when it has ended."""
        if not self._ended.done():
            self._ended.set_exception(error)

    # ---- on the event loop

    async def __aiter__(self) -> AsyncIterator[str]:
        """Yield text as it arrives; raises what the engine raised once the text before it was read."""
        ended, read_at = False, float("-inf")
        try:
            while not ended:
                await self._arrived.wait()
                soon = read_at + _APART_S - self._loop.time()
                if soon > 0 and not self._future.done():
                    await asyncio.sleep(soon)
                self._arrived.clear()
                ended = self._future.done()
                text, read_at = self._take(), self._loop.time()
                if text:
                    yield text
            self._future.result()
        finally:
            if not ended:
                self.cancel()

    async def outcome(self) -> Outcome:
        """Wait until the engine has let go of it, and return how it ended."""
        return await asyncio.shield(self._future)

    def cancel(self) -> None:
        """End it within one step of the engine."""
        self.flag.raise_()
        self._wake()

    def _on_end(self, future: asyncio.Future[Outcome]) -> None:
        if not future.cancelled():
            future.exception()  # whoever left early does not ask what became of it
        self._arrived.set()

    def _take(self) -> str:
        text = []
        while self._unread:
            text.append(self._unread.popleft())
        return "".join(text)
