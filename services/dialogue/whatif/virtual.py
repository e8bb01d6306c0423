"""Virtual time: an event loop that, instead of waiting, is at once where the next thing happens."""

from __future__ import annotations

import asyncio
import selectors

__all__ = ["LoopClock", "VirtualLoop"]


class _Jump(selectors.DefaultSelector):
    """Watches the loop's own pipe and moves its time."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready: list[tuple[selectors.SelectorKey, int]] = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("nothing is left that could ever happen")
        if not ready and timeout is not None:
            self.now += max(0.0, timeout)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Begins at 0 and takes no time for anything."""

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        return self._jump.now


class LoopClock:
    """The running loop's time as a clock that shows `start` (unix ns) at 0."""

    def __init__(self, start: int) -> None:
        self._start = start

    def now_ns(self) -> int:
        return self._start + self.monotonic_ns()

    def monotonic_ns(self) -> int:
        return round(asyncio.get_running_loop().time() * 1e9)
