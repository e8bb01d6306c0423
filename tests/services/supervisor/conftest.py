"""A tree under test: a bus, everything it says in order, and virtual time where a test asks for it."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

from bus import Bus
from services.supervisor import Child, Supervisor
from shared.clock import ManualClock
from shared.events import Event, Stamp, TextEntered
from shared.ids import id_source

E = TypeVar("E", bound=Event)


@dataclass
class Tree:
    """A running supervisor and what can be seen of it from outside."""

    supervisor: Supervisor
    bus: Bus
    stamp: Stamp
    seen: deque[Event]
    news: asyncio.Event

    def say(self, text: str, turn: int = 1) -> TextEntered:
        event = self.stamp(TextEntered, text=text, speak=False, turn=turn)
        self.bus.publish(event)
        return event

    async def until(self, kind: type[E], **fields: object) -> E:
        """The next event of the kind with these fields."""
        while True:
            while self.seen:
                event = self.seen.popleft()
                if isinstance(event, kind) and all(getattr(event, k) == v for k, v in fields.items()):
                    return event
            self.news.clear()
            async with asyncio.timeout(10_000):
                await self.news.wait()

    def service_events(self) -> list[tuple[str, str]]:
        """Everything the supervisor said so far, as (service, what happened)."""
        return [
            (event.service, event.kind.removeprefix("service."))  # type: ignore[attr-defined]  # by their kind
            for event in self.bus.replay()
            if event.kind.startswith("service.")
        ]


Plant = Callable[..., contextlib.AbstractAsyncContextManager[Tree]]


@pytest.fixture
def plant() -> Plant:
    """`async with plant(Child(A), Child(B), strategy=...) as tree`: the tree runs until the block ends."""

    @contextlib.asynccontextmanager
    async def planted(*children: Child, **options: Any) -> AsyncIterator[Tree]:
        bus = Bus(clock=ManualClock(), ids=id_source("bus-"), ring=200_000)
        stamp = Stamp("test", ManualClock(), id_source("test-"), "test")
        seen: deque[Event] = deque()
        news = asyncio.Event()

        def watch(event: Event) -> None:
            seen.append(event)
            news.set()

        bus.tap(watch)
        supervisor = Supervisor(bus, ManualClock(), id_source("id-"), "test", children, **options)
        async with supervisor:
            yield Tree(supervisor, bus, stamp, seen, news)

    return planted
