"""Wakes: the alarm clock of one conversation, on the capture clock while sound comes in and on the loop's while not.

A wake at a sample is due when the capture clock reaches it. When no frame has come for a while (text mode, a
microphone that was pulled out), it is due when the sample would have been captured, and a little later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from services.dialogue.commands import Forget, WakeAfter, WakeAt
from services.dialogue.state import RATE
from shared.events import Event, current

__all__ = ["Wakes"]

_PATIENCE_S = 0.5
"""A capture clock that has stood still for so long counts as stopped; frames come every 20 ms."""
_LATE_S = 0.1
"""A loop that is later than this stood still itself: the frames of meanwhile are still to come."""
_EARLY_S = 1e-6
"""A loop may call us so much before the time: its clock has steps."""


@dataclass(slots=True)
class _Wake:
    sample: int | None
    due_s: float
    """On the loop's clock."""
    cause: Event | None
    """What was being handled when it was set."""


class Wakes:
    """Named wakes; `due` is called with the name of each when its time has come, at most once."""

    def __init__(self, due: Callable[[str], None]) -> None:
        self._due = due
        self._wakes: dict[str, _Wake] = {}
        self._changed = asyncio.Event()
        self._position = 0
        self._moved_s = float("-inf")

    def set(self, command: WakeAt | WakeAfter | Forget) -> None:
        """Take over a command of the reducer."""
        now = asyncio.get_running_loop().time()
        self._wakes.pop(command.name, None)
        if isinstance(command, WakeAfter):
            self._wakes[command.name] = _Wake(None, now + command.ns / 1e9, current.get())
        elif isinstance(command, WakeAt):
            due = now + max(0, command.sample - self._position) / RATE + _PATIENCE_S
            self._wakes[command.name] = _Wake(command.sample, due, current.get())
        self._changed.set()

    def advance(self, position: int) -> None:
        """The capture clock reached `position`: call what is due at it, earliest sample first."""
        self._position, self._moved_s = position, asyncio.get_running_loop().time()
        ripe = [(w.sample, name) for name, w in self._wakes.items() if w.sample is not None and w.sample <= position]
        for _, name in sorted(ripe):
            if self._wakes.pop(name, None) is not None:
                self._due(name)

    async def run(self) -> None:
        """Call what is due on the loop's clock, for ever. An error of what is called is raised here."""
        loop = asyncio.get_running_loop()
        while True:
            self._changed.clear()
            next_s = min((wake.due_s for wake in self._wakes.values()), default=None)
            if next_s is None or next_s > loop.time() + _EARLY_S:
                await self._pause(next_s)
                continue
            name, wake = min(self._wakes.items(), key=lambda item: item[1].due_s)
            if wake.sample is not None and loop.time() - self._moved_s < _PATIENCE_S:
                wake.due_s = self._moved_s + max(0, wake.sample - self._position) / RATE + _PATIENCE_S
                continue
            del self._wakes[name]
            current.set(wake.cause)
            self._due(name)

    async def _pause(self, until_s: float | None) -> None:
        try:
            async with asyncio.timeout_at(until_s):
                await self._changed.wait()
        except TimeoutError:
            now = asyncio.get_running_loop().time()
            if until_s is not None and now - until_s > _LATE_S:
                self._moved_s = now
