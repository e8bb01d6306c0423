"""The program of a service's process: runs one service on a bus of its own, tied to the assistant's by a wire.

It ends with the assistant, and when the service crashes: supervision is the assistant's.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pickle
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bus import Bus, Mailbox
from bus.stream import DistantStream
from services.contract import Context, Service
from services.isolation.wire import Message, Wire
from shared.clock import SystemClock
from shared.events import REGISTRY, Event, decode, encode
from shared.ids import id_source, process_prefix
from shared.logs import get_logger

__all__ = ["BEAT_S", "Plan", "main"]

BEAT_S = 0.2
"""How often it says that it lives."""
_LIKELY_VICTIM = "500"
"""When the machine's memory runs out, the kernel takes this process rather than the assistant."""

_log = get_logger("isolation")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a service's process is to do; it travels pickled, functions by their name."""

    make: Callable[[], Service]
    prepare: Callable[[], object]
    """Called first, before anything native is loaded: logs, say."""
    name: str
    session: str
    capacity: int
    """Of the mailbox."""
    cores: int
    """It may use so many; 0 for all."""


class Host:
    """See the module."""

    def __init__(self, wire: Wire, plan: Plan) -> None:
        self._wire = wire
        self._plan = plan
        self._arriving: Event | None = None
        self._streams: dict[str, DistantStream] = {}
        self._windows: dict[str, int] = {}
        self._ids = id_source(process_prefix())
        self._bus = Bus(ids=self._ids)

    async def run(self) -> None:
        """Run the service until it ends, or until the assistant is gone."""
        service = self._plan.make()
        bus, kinds = self._bus, service.consumes
        inbox = Mailbox(bus, bus.subscribe(*kinds, name=self._plan.name, capacity=self._plan.capacity))
        bus.tap(self._leaving)
        bus.on_handled(lambda event: self._wire.send(b"h", event.id.encode()))
        bus.on_readers(lambda: self._tell_wants(kinds))
        life = asyncio.create_task(self._live(service, inbox), name=self._plan.name)
        beat = asyncio.create_task(self._beat(), name="isolation:beat")
        life.add_done_callback(lambda _: self._wire.close())
        async for message in self._wire.messages():
            self._take(message)
        for task in (life, beat):
            task.cancel()
        await asyncio.wait((life, beat))

    async def _live(self, service: Service, inbox: Mailbox) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                ctx = Context(
                    self._plan.name,
                    bus=self._bus,
                    inbox=inbox,
                    clock=SystemClock(),
                    ids=self._ids,
                    session=self._plan.session,
                    tasks=tasks,
                )
                await ctx.serve(service)
            self._wire.send(b"f")
        except Exception as error:  # noqa: BLE001 (the assistant's supervisor hears of whatever it is)
            _log.info("a service ends its process", service=self._plan.name, exc_info=error)
            blamed, _, _ = inbox.crashed()
            self._wire.send(b"x", blamed.id.encode() if blamed is not None else b"", _words(error).encode())
        await self._wire.drained()

    async def _beat(self) -> None:
        while True:
            self._wire.send(b"b")
            await asyncio.sleep(BEAT_S)

    def _leaving(self, event: Event) -> None:
        if event is not self._arriving:
            self._wire.send(b"e", *encode(event))

    def _tell_wants(self, kinds: tuple[type[Event], ...]) -> None:
        """What it reads beside its mailbox."""
        wants = [([cls.kind for cls in read], session) for read, session, _ in self._bus.readers() if read != kinds]
        self._wire.send(b"w", json.dumps(wants).encode())

    def _take(self, message: Message) -> None:
        kind, head, body = message
        match kind:
            case b"E":
                self._deliver(decode(REGISTRY, head, body))
            case b"F":
                self._bus.fence(*json.loads(head))
            case b"W":
                request, window = json.loads(head)
                self._windows[request] = window
            case b"R":
                request, total = json.loads(head)
                if (stream := self._streams.get(request)) is not None:
                    stream.was_read(total)
            case b"A" if (stream := self._streams.pop(head.decode(), None)) is not None:
                stream.close()

    def _deliver(self, event: Event) -> None:
        window = self._windows.pop(event.id, 0)
        if window:
            self._streams = {name: stream for name, stream in self._streams.items() if not stream.closed}
            self._streams[event.id] = self._bus.read_elsewhere(event, window)
        self._arriving = event
        try:
            self._bus.publish(event)
        finally:
            self._arriving = None


def _words(error: BaseException) -> str:
    """The first error at the bottom of what a group of tasks raised, in one line."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


async def _host(end: socket.socket) -> None:
    wire = await Wire.over(end)
    async for kind, _, body in wire.messages():
        assert kind == b"M", "the plan comes first"
        plan: Any = pickle.loads(body)  # noqa: S301 (from the assistant that started us, and nobody else)
        assert isinstance(plan, Plan)
        _keep_to(plan.cores)
        plan.prepare()
        await Host(wire, plan).run()
        return


def _keep_to(cores: int) -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_LIKELY_VICTIM, encoding="ascii")
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])


def main(number: int) -> None:
    """Serve the socket with this number."""
    asyncio.run(_host(socket.socket(fileno=number)))
    os._exit(0)  # threads of engines may wait for what never comes
