"""Buses in several "processes" that share a real Redis."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from bus import Bus, Link, Mailbox, Overflow, Subscription, describe, late
from bus.transport import Node, RedisTransport
from shared.clock import SystemClock
from shared.events import NOTHING_USED, REGISTRY, Event, LlmDelta, LlmRequest, LlmResponse, Registry, Stamp
from shared.ids import id_source
from tests.kit.redis_server import RedisServer, redis_server

E = TypeVar("E", bound=Event)


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as running:
        yield running


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> str:
    """Every test has keys of its own."""
    return f"test:{request.node.name}"


@dataclass
class Process:
    """One bus with its link, as a process has."""

    name: str
    bus: Bus
    link: Link
    stamp: Stamp
    task: asyncio.Task[None]
    transport: RedisTransport
    answers: Subscription[LlmDelta | LlmResponse] = field(init=False)
    """What comes of its requests; of an `owner` alone."""

    def publish(self, kind: type[E], **fields: Any) -> E:
        event = self.stamp(kind, **fields)
        self.bus.publish(event)
        return event

    async def knows(self, *names: str) -> None:
        """Wait until exactly these processes live for us, and are known with all they want."""
        async with asyncio.timeout(30):
            while set(self.link.nodes) != {self.name, *names}:
                await asyncio.sleep(0.01)

    async def end(self) -> None:
        """As kill -9 does: without a word."""
        self.transport.leave = _silent  # type: ignore[method-assign]
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task


async def _silent(*, for_good: bool = False) -> None:
    """What a killed process says."""


class Household:
    """Starts processes on one Redis."""

    def __init__(self, url: str, prefix: str) -> None:
        self.url, self.prefix = url, prefix
        self.processes: list[Process] = []

    def start(
        self,
        name: str,
        *,
        bus: Bus | None = None,
        services: tuple[str, ...] = (),
        sessions: tuple[str, ...] = (),
        life: int = 1,
        registry: Registry = REGISTRY,
    ) -> Process:
        """Link a bus; whoever is to be wanted subscribes to it before."""
        clock, ids = SystemClock(), id_source(f"{name}{life}-")
        bus = bus or Bus(clock=clock, ids=ids)
        transport = RedisTransport(self.url, name, prefix=self.prefix, alive_s=0.6)

        def node() -> Node:
            return describe(
                bus, registry, name=name, token=str(life), version="1", services=services, sessions=sessions
            )

        link = Link(bus, transport, registry, node, Stamp("link", clock, ids), beat_s=0.05)
        task = asyncio.get_running_loop().create_task(link.run(), name=name)
        process = Process(name, bus, link, Stamp("test", clock, ids, "s"), task, transport)
        self.processes.append(process)
        return process


@contextlib.asynccontextmanager
async def households(url: str, prefix: str) -> AsyncIterator[Household]:
    """One, whose processes end with it."""
    home = Household(url, prefix)
    try:
        yield home
    finally:
        for process in home.processes:
            process.task.cancel()
            await asyncio.wait([process.task])
            await process.transport.close()


@pytest.fixture
async def household(server: RedisServer, prefix: str) -> AsyncIterator[Household]:
    async with households(server.url, prefix) as home:
        yield home


def watch(bus: Bus, *kinds: type[E], session: str | None = None) -> Subscription[E]:
    """A reader that is no mailbox."""
    return bus.subscribe(*kinds, session=session, overflow=Overflow.DROP_OLDEST, capacity=100_000)


def ask(process: Process, turn: int = 1) -> LlmRequest:
    """A question of that process; it is not published yet."""
    return process.stamp(LlmRequest, messages=(), tools=(), max_tokens=9, temperature=0.0, seed=0, stop=(), turn=turn)


def answer(process: Process, request: LlmRequest) -> LlmResponse:
    """Its answer, the name of that process."""
    event = process.stamp(
        LlmResponse,
        request=request.id,
        text=process.name,
        finish="stop",
        tool_requests=(),
        usage=NOTHING_USED,
        model="m",
        turn=request.turn,
    )
    return event.model_copy(update={"cause": request.id, "session": request.session})


async def serve(process: Process, box: Mailbox) -> None:
    """Answer requests with our name."""
    async for event in box:
        assert isinstance(event, LlmRequest)
        process.bus.publish(answer(process, event))


def worker(home: Household, name: str, life: int = 1) -> tuple[Process, Mailbox]:
    """A process that runs the language model, and that one's mailbox."""
    bus = Bus()
    box = Mailbox(bus, bus.subscribe(LlmRequest, name="llm"))
    return home.start(name, bus=bus, services=("llm",), life=life), box


async def owner(home: Household, *others: str) -> Process:
    """A process that holds the conversation, once it knows the others."""
    bus = Bus()
    process = home.start("home", bus=bus, services=("dialogue",), sessions=("s",))
    process.answers = watch(bus, LlmResponse, LlmDelta)
    await process.knows(*others)
    return process


@pytest.fixture
def never_too_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is."""
    monkeypatch.setattr(late, "_LATE_S", 3600.0)
