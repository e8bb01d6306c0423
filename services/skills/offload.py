"""Runs blocking work in a thread that somebody owns, and waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import ParamSpec, TypeVar

__all__ = ["off_loop"]

P = ParamSpec("P")
T = TypeVar("T")


async def off_loop(thread: Executor, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what `work(*args, **kwargs)` returns, done in `thread`. Cancelling waits for nothing: the work goes on."""
    return await asyncio.get_running_loop().run_in_executor(thread, partial(work, *args, **kwargs))
