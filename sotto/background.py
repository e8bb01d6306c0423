"""The thread on which the package works: an event loop, and the door to whoever answers, made at the first question.

It ends with the process, or by `close`.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, TypeVar

from sotto.door import Door

__all__ = ["Background", "background", "close"]

T = TypeVar("T")
_END: Any = object()

_opened: dict[int, Background] = {}
"""By process: a thread does not outlive a fork."""
_opening = threading.Lock()


def background() -> Background:
    """Return this process's, started at the first call."""
    with _opening:
        opened = _opened.get(os.getpid())
        if opened is None:
            _opened.clear()
            opened = _opened[os.getpid()] = Background()
            _at_exit(close)
    return opened


def close() -> None:
    """Let models that were loaded here go; the next question loads them again."""
    with _opening:
        opened = _opened.pop(os.getpid(), None)
    if opened is not None:
        opened.close()


class Background:
    """An event loop on a thread of its own, with a door."""

    def __init__(self) -> None:
        self.door = Door()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sotto", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it there and wait; an interrupt calls it off."""
        doing = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return doing.result()
        except BaseException:
            doing.cancel()
            raise

    async def awaited(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it there while this loop goes on; a cancellation calls it off."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def each(self, items: AsyncGenerator[T, None]) -> Iterator[T]:
        """Yield what is yielded there; leaving ends it."""
        try:
            while (item := self.run(_next(items))) is not _END:
                yield item
        finally:
            self.run(_closed(items))

    async def each_awaited(self, items: AsyncGenerator[T, None]) -> AsyncIterator[T]:
        """Yield what is yielded there while this loop goes on; leaving ends it."""
        try:
            while (item := await self.awaited(_next(items))) is not _END:
                yield item
        finally:
            await self.awaited(_closed(items))

    def close(self) -> None:
        """End the loop and let everything go. Closing twice is harmless."""
        if not self._thread.is_alive():
            return
        self.run(self.door.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def _at_exit(call: Callable[[], None]) -> None:
    """Have it called when the process ends, while executors still take work: `atexit` comes after them."""
    getattr(threading, "_register_atexit", atexit.register)(call)


async def _next(items: AsyncGenerator[T, None]) -> T:
    return await anext(items, _END)


async def _closed(items: AsyncGenerator[T, None]) -> None:
    await items.aclose()
