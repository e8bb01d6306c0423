"""Loading what takes its time, a web framework say, beside the event loop."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable
from typing import TypeVar

__all__ = ["loaded"]

T = TypeVar("T")


async def loaded(load: Callable[[], T]) -> T:
    """Return what `load` does, called on a thread of its own that does not hold up the end of the process."""
    return await _on_a_thread(lambda: _uncollected(load))


def _uncollected(load: Callable[[], T]) -> T:
    """Load without looking for garbage meanwhile, for which everybody would stand still; nor later in what is there.

    What exists by then (it is the last to load) mostly lives as long as the process.
    """
    gc.disable()
    try:
        return load()
    finally:
        if not gc.get_freeze_count():
            gc.freeze()
        gc.enable()


async def _on_a_thread(work: Callable[[], T]) -> T:
    """Run `work` on a thread of its own that does not hold up the end of the process."""
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()

    def tell(result: T | None, error: BaseException | None) -> None:
        if outcome.done():
            return
        if error is not None:
            outcome.set_exception(error)
        else:
            outcome.set_result(result)  # type: ignore[arg-type]  # there is a result where there is no error

    def run() -> None:
        try:
            result, error = work(), None
        except BaseException as raised:  # noqa: BLE001 (it is raised where it is awaited)
            result, error = None, raised
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell, result, error)

    threading.Thread(target=run, name="sotto-gateway", daemon=True).start()
    return await outcome
