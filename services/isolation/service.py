"""The stand-in: takes an isolated service's place in the tree, and keeps its process.

The mailbox, the event in hand, restarts, blame and giving up are the supervisor's, as for any service: when the process
dies, the stand-in crashes with the reason in words, and what the process had in hand is delivered to the next one.
"""

from __future__ import annotations

import asyncio
import json
import pickle
from collections.abc import Callable
from typing import ClassVar

from bus import Overflow
from services.contract import Context, Service
from services.isolation.host import BEAT_S, Plan
from services.isolation.nursery import Nursery
from services.isolation.process import EngineDied, Process
from services.isolation.settings import Apart
from shared.events import REGISTRY, Event, ServiceDegraded, ServiceReady, decode, encode

__all__ = ["Isolated"]

_SILENT_S = 0.6
"""A process that says nothing for so long, and does nothing, hangs."""
_MUTE_S = 15.0
"""One that says nothing for so long hangs, even if it computes."""
_WAITING = 4096
"""Events beside the mailbox that may wait for a process that does not read."""


class Isolated:
    """See the module. `make` and `prepare` (called first) travel to the process, pickled."""

    name: ClassVar[str] = "isolated"
    consumes: ClassVar[tuple[type[Event], ...]] = ()

    def __init__(
        self,
        make: Callable[[], Service],
        limits: Apart,
        nursery: Nursery,
        *,
        prepare: Callable[[], object] = bool,
        capacity: int = 1024,
    ) -> None:
        self.make = make
        self._limits = limits
        self._nursery = nursery
        self._prepare = prepare
        self._capacity = capacity

    async def run(self, ctx: Context) -> None:
        process = await self._nursery.take()
        try:
            plan = Plan(self.make, self._prepare, ctx.name, ctx.session, self._capacity, self._limits.cores)
            process.wire.send(b"M", body=pickle.dumps(plan))
            await _Post(ctx, process, self._limits, self._nursery).run()
        finally:
            await process.end()


class _Post:
    """One life of the process."""

    def __init__(self, ctx: Context, process: Process, limits: Apart, nursery: Nursery) -> None:
        self._ctx = ctx
        self._process = process
        self._wire = process.wire
        self._limits = limits
        self._nursery = nursery
        self._hands: dict[str, asyncio.Future[None]] = {}
        """What the process works on, oldest first."""
        self._readers: dict[tuple[tuple[str, ...], str | None], asyncio.Task[None]] = {}
        self._spoke = 0.0
        """When it last said that it lives; 0 until it did."""

    async def run(self) -> None:
        """Until the process has finished. Raises EngineDied, here or in the task of the event that is to blame."""
        unwatch = self._ctx.bus.on_fence(lambda *fence: self._wire.send(b"F", json.dumps(fence).encode()))
        feeding = self._ctx.tasks.create_task(self._feed(), name=f"{self._ctx.name}:feed")
        watching = self._ctx.tasks.create_task(self._watch(), name=f"{self._ctx.name}:watch")
        try:
            await self._relay()
        finally:
            unwatch()
            for task in (feeding, watching, *self._readers.values()):
                task.cancel()

    # ---- to the process

    async def _feed(self) -> None:
        async for event in self._ctx.inbox:
            handled = self._hands[event.id] = asyncio.get_running_loop().create_future()
            self._ctx.turn(event).start(self._held(event, handled))
            stream = self._ctx.bus.stream_of(event)
            if stream is not None:
                self._wire.send(b"W", json.dumps((event.id, stream.window)).encode())
                stream.on_read = lambda total, name=event.id: self._wire.send(b"R", json.dumps((name, total)).encode())
            self._wire.send(b"E", *encode(event))

    async def _held(self, event: Event, handled: asyncio.Future[None]) -> None:
        """Work on an event, as far as this side can: wait until it is done, or called off."""
        try:
            await handled
        except asyncio.CancelledError:
            self._wire.send(b"A", event.id.encode())
            raise
        finally:
            self._hands.pop(event.id, None)

    async def _read(self, kinds: tuple[str, ...], session: str | None) -> None:
        """Pass on what it reads beside its mailbox; sound that it does not take in time is dropped."""
        classes = [REGISTRY.latest(kind) for kind in kinds]
        name = f"{self._ctx.name}:apart"
        subscription = self._ctx.bus.subscribe(
            *classes, session=session, name=name, capacity=_WAITING, overflow=Overflow.DROP_OLDEST
        )
        async with subscription:
            async for event in subscription:
                self._wire.send(b"E", *encode(event))
                await self._wire.drained()

    # ---- from the process

    async def _relay(self) -> None:
        async for kind, head, body in self._wire.messages():
            match kind:
                case b"e":
                    self._publish(decode(REGISTRY, head, body))
                case b"h" if (handled := self._hands.get(head.decode())) is not None and not handled.done():
                    handled.set_result(None)
                case b"w":
                    self._want({(tuple(kinds), session) for kinds, session in json.loads(head)})
                case b"b":
                    self._spoke = asyncio.get_running_loop().time()
                case b"x":
                    await self._crash(body.decode(), head.decode())
                case b"f":
                    return
        await self._crash(f"The process of {self._ctx.name} {await self._process.death()}.")

    def _publish(self, event: Event) -> None:
        own = isinstance(event, ServiceReady | ServiceDegraded) and event.service == self._ctx.name
        if not own:
            self._ctx.bus.publish(event)
        elif isinstance(event, ServiceDegraded):
            self._ctx.degraded(event.reason)
        else:
            self._ctx.ready()
        if own:
            self._nursery.prepare()

    def _want(self, wants: set[tuple[tuple[str, ...], str | None]]) -> None:
        for want in wants - self._readers.keys():
            name = f"{self._ctx.name}:apart:{'+'.join(want[0])}"
            self._readers[want] = self._ctx.tasks.create_task(self._read(*want), name=name)
        for want in self._readers.keys() - wants:
            self._readers.pop(want).cancel()

    async def _crash(self, words: str, blamed: str = "") -> None:
        """Raise in the task of the event that is to blame: the named one, else the one that is longest in hand."""
        error = EngineDied(words, remedy="It is started again.")
        working = {name: handled for name, handled in self._hands.items() if not handled.done()}
        handled = working.get(blamed) or next(iter(working.values()), None)
        if handled is None:
            raise error
        handled.set_exception(error)
        await asyncio.get_running_loop().create_future()  # until that task's end ends us

    # ---- its health

    async def _watch(self) -> None:
        still = False
        while True:
            began = asyncio.get_running_loop().time()
            await asyncio.sleep(BEAT_S)
            now = asyncio.get_running_loop().time()
            if self._spoke and now - began > 2 * BEAT_S:  # we were late ourselves, and could not listen
                self._spoke = now
            silent = now - self._spoke if self._spoke else 0.0
            if self._process.was_stopped():
                self._process.kill("hung: it was stopped (SIGSTOP)")
            elif silent > _MUTE_S:
                self._process.kill(f"hung: it did not answer for {_MUTE_S:.0f} s")
            elif silent > _SILENT_S:
                was_still, still = still, await asyncio.to_thread(self._process.at_rest)
                if still and was_still:
                    self._process.kill("hung: it neither answered nor did anything")
            else:
                still = False
            await self._weigh()

    async def _weigh(self) -> None:
        limit = self._limits.memory_mb
        if limit and await asyncio.to_thread(self._process.memory) > limit << 20:
            self._process.kill(f"took more than the {limit} MiB of memory that it may (isolation.{self._ctx.name})")
