"""A loop whose time goes more slowly than the wall's: what a busy machine or a line delays is late by that much less.

A conversation over processes is held in real time, for nothing tells when all of them are idle. People speak at their
pace in it, and dialogue decides within tenths of a second: with time to spare, what is decided is the conversation's.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any

__all__ = ["SLOWER", "slowly"]

SLOWER = 2.0
"""Seconds on the wall in a second of the loop."""


def slowly(work: Coroutine[Any, Any, None]) -> None:
    """Run it to its end on such a loop."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        runner.run(work)


class _Selector(selectors.DefaultSelector):  # type: ignore[valid-type,misc]  # it is another one on each system
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found: list[tuple[selectors.SelectorKey, int]] = super().select(timeout and timeout * SLOWER)
        return found


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        super().__init__(_Selector())

    def time(self) -> float:
        return super().time() / SLOWER
