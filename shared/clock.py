"""The clocks: wall time for stamps, monotonic time for durations, both injected so that a run can be repeated."""

from __future__ import annotations

import time
from typing import Protocol

__all__ = ["Clock", "ManualClock", "SystemClock"]


class Clock(Protocol):
    """A source of time in nanoseconds. Waiting is asyncio's business (and virtual under looptime)."""

    def now_ns(self) -> int:
        """Unix time in ns; may jump when the system's clock is set."""
        ...

    def monotonic_ns(self) -> int:
        """Time in ns from an arbitrary start; never goes back."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now_ns(self) -> int:
        return time.time_ns()

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()


class ManualClock:
    """A clock that stands still until it is moved; for tests and byte-identical replays."""

    def __init__(self, now_ns: int = 1_700_000_000_000_000_000) -> None:
        self._now = now_ns
        self._start = now_ns

    def now_ns(self) -> int:
        return self._now

    def monotonic_ns(self) -> int:
        return self._now - self._start

    def advance(self, ns: int) -> None:
        """Move both readings forward by `ns` (0 or more)."""
        if ns < 0:
            raise ValueError("a clock cannot be moved back: pass ns >= 0")
        self._now += ns
