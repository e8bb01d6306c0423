"""A clock that jumps."""

from __future__ import annotations

import time

__all__ = ["JumpingClock"]


class JumpingClock:
    """The system's clock, off by as many hours as it jumped."""

    def __init__(self) -> None:
        self._off_ns = 0

    def jump(self) -> None:
        """Be an hour later."""
        self._off_ns += 3_600_000_000_000

    def now_ns(self) -> int:
        return time.time_ns() + self._off_ns

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()
