"""A bench for one service: run it alone on a bus of its own, feed it events, read what it says.

async with running(Clockmaker()) as bench:
    bench.publish(TextEntered, text="what time is it", speak=False, turn=1)
    answer = await bench.next(ToolResult)
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any, TypeVar

from bus import Bus, Mailbox, Overflow, Subscription
from services.contract import Context, Service
from shared.clock import Clock, SystemClock
from shared.events import Event, ServiceReady, Stamp
from shared.ids import id_source

__all__ = ["Bench", "running"]

E = TypeVar("E", bound=Event)


class Bench:
    """The outside world of a service under test, in session `test`."""

    def __init__(self, bus: Bus, stamp: Stamp, seen: Subscription[Event]) -> None:
        self.bus = bus
        self.event = stamp
        """Stamps events as the outside world: `bench.event(Kind, **fields)`."""
        self.log: list[Event] = []
        """Everything read so far by `next`, whatever its kind."""
        self._seen = seen

    def publish(self, kind: type[E], **fields: Any) -> E:
        """Publish a stamped event from outside and return it."""
        event = self.event(kind, **fields)
        self.bus.publish(event)
        return event

    async def next(self, *kinds: type[E], timeout: float = 10.0) -> E:
        """Return the next event of one of `kinds`, passing over others (they stay in `log`).

        Raises AssertionError naming what came instead when none comes in time; a crashed service raises its error.
        """
        passed: Counter[str] = Counter()
        try:
            async with asyncio.timeout(timeout):
                async for event in self._seen:
                    self.log.append(event)
                    if isinstance(event, kinds):
                        return event
                    passed[event.kind] += 1
        except TimeoutError:
            pass
        raise AssertionError(f"no {' or '.join(k.kind for k in kinds)} came within {timeout:g} s; came: {dict(passed)}")


@contextlib.asynccontextmanager
async def running(
    service: Service, *, bus: Bus | None = None, clock: Clock | None = None, wait_ready: bool = True
) -> AsyncIterator[Bench]:
    """Run `service` without a supervisor until the block ends; its exception, if any, is raised from the block."""
    clock = clock or SystemClock()
    bus = bus or Bus(clock=clock, ids=id_source("bus-"))
    seen: Subscription[Event] = bus.subscribe(Event, name="bench", capacity=100_000, overflow=Overflow.DROP_OLDEST)
    bench = Bench(bus, Stamp("test", clock, id_source("test-"), "test"), seen)
    inbox = (
        Mailbox(bus, bus.subscribe(*service.consumes, name=service.name)) if service.consumes else _empty(bus, service)
    )
    async with asyncio.TaskGroup() as outer:

        async def life() -> None:
            async with asyncio.TaskGroup() as tasks:
                ctx = Context(
                    service.name,
                    bus=bus,
                    inbox=inbox,
                    clock=clock,
                    ids=id_source(f"{service.name}-"),
                    session="test",
                    tasks=tasks,
                )
                await ctx.serve(service)

        task = outer.create_task(life(), name=service.name)
        if wait_ready:
            await bench.next(ServiceReady)
        yield bench
        task.cancel()


def _empty(bus: Bus, service: Service) -> Mailbox:
    subscription: Subscription[Event] = bus.subscribe(Event, name=service.name)
    subscription.close()
    return Mailbox(bus, subscription)
