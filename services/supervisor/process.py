"""The process around a tree: signals that ask it to stop, and an end in time even where something hangs.

The first SIGINT or SIGTERM asks; a second one ends at once. From the first on a timer on a thread of its own runs:
when it is over, what still runs is named and the process ends anyway, be it a task that swallows its cancellation, a
blocked event loop, or an engine's thread that the interpreter would wait for.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

from shared.logs import get_logger

__all__ = ["run_process"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SWITCH = 0.001
"""Seconds after which a busy thread passes the interpreter on: the event loop must not wait 5 ms for each of them."""
_SWEEP = 0.1
"""Seconds for tasks that nobody owns any more to obey their cancellation."""

_log = get_logger("process")


def run_process(
    main: Callable[[asyncio.Event], Coroutine[Any, Any, int]],
    *,
    exit_within: float = 0.95,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop,
) -> int:
    """Run `main(stop)` on a new event loop and return what it returns; call it on the main thread, once.

    `stop` is set at the first SIGINT or SIGTERM; the process is gone `exit_within` seconds later at the latest. When
    tasks are left that do not end, they are named and the process exits here and now with the same status. Once all of
    them have ended, threads that still load something are not waited for beyond that time either.
    """
    sys.setswitchinterval(_SWITCH)
    loop = loop_factory()
    loop.set_exception_handler(_unhandled)
    stop = asyncio.Event()
    end = _End()
    with _stopped_by_signals(lambda: loop.call_soon_threadsafe(stop.set), exit_within, end):
        try:
            asyncio.set_event_loop(loop)
            status = loop.run_until_complete(main(stop))
            left = loop.run_until_complete(_sweep())
            if left:
                _log.error("these did not end and are left behind", tasks=left)
                _exit_now(status)
            loop.run_until_complete(loop.shutdown_asyncgens())
            end.status = status
        finally:
            asyncio.set_event_loop(None)
            loop.close()
    return status


@dataclass(slots=True)
class _End:
    status: int | None = None
    """What the process ends with, once everything that had something to finish has finished it."""


async def _sweep() -> list[str]:
    """Cancel every task but this one; return the names of those that go on nevertheless."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if not tasks:
        return []
    _, pending = await asyncio.wait(tasks, timeout=_SWEEP)
    return sorted(task.get_name() for task in pending)


@contextlib.contextmanager
def _stopped_by_signals(ask: Callable[[], object], within: float, end: _End) -> Iterator[None]:
    asked = False

    def handle(number: int, _frame: object) -> None:
        nonlocal asked
        if asked:
            _exit_now(128 + number)
        asked = True
        _deadline(within, 128 + number, end)
        with contextlib.suppress(RuntimeError):  # the loop has just been closed: the end is near anyway
            ask()

    before = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _deadline(within: float, status: int, end: _End) -> None:
    def late() -> None:
        threads = sorted(t.name for t in threading.enumerate() if not t.daemon and t is not threading.main_thread())
        if end.status is not None:
            _log.info("threads were left behind", threads=threads)
            _exit_now(end.status)
        _log.error("not ended in time", seconds=within, threads=threads)
        _exit_now(status)

    timer = threading.Timer(within, late)
    timer.daemon = True
    timer.start()


def _exit_now(status: int) -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)


def _unhandled(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    _log.error("nobody handled an error", what=context["message"], exc_info=context.get("exception"))
