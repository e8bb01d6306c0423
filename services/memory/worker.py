"""A thread of its own for what blocks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

__all__ = ["Worker"]

P = ParamSpec("P")
T = TypeVar("T")


class Worker:
    """Does one job at a time, in the order they came."""

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._closed = False

    async def do(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what `work(*args, **kwargs)` returns. Cancelling waits for nothing: a job that began goes on.

        After `close` the caller is cancelled: what it works for has ended.
        """
        if self._closed:
            raise asyncio.CancelledError
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(work, *args, **kwargs))

    def leave(self) -> None:
        """Drop what has not begun, and let what has end by itself."""
        self._closed = True
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def close(self, last: Callable[[], None] | None = None) -> None:
        """Drop what has not begun, do `last` after what has, and end the thread."""
        self.leave()
        ender = ThreadPoolExecutor(1)
        await asyncio.get_running_loop().run_in_executor(ender, self._thread.shutdown)
        if last is not None:
            await asyncio.get_running_loop().run_in_executor(ender, last)
        ender.shutdown(wait=False)
