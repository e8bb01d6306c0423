"""How fast sound that is not live goes: as in real time, or as fast as the assistant keeps up."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Protocol

from bus import Bus, Overflow, Subscription
from shared.events import (
    Event,
    ServiceCrashed,
    ServiceDegraded,
    ServiceFailed,
    ServiceReady,
    ServiceStarting,
    ServiceStopped,
)

__all__ = ["KeepingUp", "Pace", "RealTime", "everyone_up"]

_FRAME_S = 0.02
_FORGIVEN_S = 2.0
_QUEUED = 16
_PATIENCE_S = 0.25
_ANSWER_S = 60.0
_STARTING_S = 20.0
_STATES = (ServiceStarting, ServiceReady, ServiceDegraded, ServiceCrashed, ServiceFailed, ServiceStopped)


class Pace(Protocol):
    """Waits between frames."""

    async def tick(self) -> None:
        """Return when the next frame is due."""
        ...


async def everyone_up(bus: Bus) -> None:
    """Return when no service is starting any more, so that nobody misses the beginning of a file (20 s at most)."""
    starting: set[str] = set()
    states: Subscription[Event] = bus.subscribe(*_STATES, name="audio.start", overflow=Overflow.DROP_OLDEST)
    with states, contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_STARTING_S):
            while True:
                while (state := states.take_nowait()) is not None:
                    _note(starting, state)
                if not starting:
                    return
                _note(starting, await anext(states))


def _note(starting: set[str], state: Event) -> None:
    match state:
        case ServiceStarting(service=service):
            starting.add(service)
        case (
            ServiceReady(service=service)
            | ServiceDegraded(service=service)
            | ServiceCrashed(service=service)
            | ServiceFailed(service=service)
            | ServiceStopped(service=service)
        ):
            starting.discard(service)


class RealTime:
    """A frame every 20 ms on an absolute schedule: what is late is made up for, unless it is later than 2 s."""

    def __init__(self) -> None:
        self._due: float | None = None

    async def tick(self) -> None:
        now = asyncio.get_running_loop().time()
        due = now if self._due is None or now - self._due > _FORGIVEN_S else self._due
        self._due = due + _FRAME_S
        await asyncio.sleep(max(0.0, self._due - now))


class KeepingUp:
    """The next frame is due when everybody has read the last ones and every request is answered.

    So the captured clock stands still while recognition decodes, a skill answers or a clause is synthesised, and a
    conversation from a file goes the same way however fast the machine is. A reader that does not move for a quarter
    of a second holds nobody up, nor does a request after a minute.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._asked: dict[str, Event] = {}
        self._answered = asyncio.Event()
        self._stuck: dict[str, int] = {}
        self._stop = bus.tap(self._watch)

    def close(self) -> None:
        """Watch the bus no more."""
        self._stop()

    async def tick(self) -> None:
        await asyncio.sleep(0)
        while True:
            await self._answers()
            if not self._behind():
                return
            before = self._delivered()
            if not await self._bus.drain(_PATIENCE_S):
                after = self._delivered()
                self._stuck = {name: count for name, count in after.items() if before.get(name) == count}

    def _watch(self, event: Event) -> None:
        if event.replies:
            self._asked[event.id] = event
        asked = self._asked.get(event.cause) if event.cause is not None else None
        if asked is not None and event.kind in asked.replies:
            del self._asked[asked.id]
            self._answered.set()

    async def _answers(self) -> None:
        try:
            async with asyncio.timeout(_ANSWER_S):
                while self._pending():
                    self._answered.clear()
                    await self._answered.wait()
        except TimeoutError:
            self._asked.clear()

    def _pending(self) -> bool:
        for event in [e for e in self._asked.values() if self._bus.is_stale(e)]:
            del self._asked[event.id]
        return bool(self._asked)

    def _behind(self) -> bool:
        return any(s.queued > _QUEUED and self._stuck.get(s.name) != s.delivered for s in self._bus.stats())

    def _delivered(self) -> dict[str, int]:
        return {s.name: s.delivered for s in self._bus.stats()}
