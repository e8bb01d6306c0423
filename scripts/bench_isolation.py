"""What it costs to keep a service in a process of its own, and how soon its death is told and mended.

A service that echoes requests, in a process: the way there and back, the flow of sound into it, the time from a death
in mid-answer to `service.crashed` (which dialogue turns into an apology at once), and to the next answer.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import ClassVar

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psutil

from bus import Bus, Overflow, Subscription
from scripts.figures import Figure, at_most, parser, percentile, plain, report
from services.contract import Context
from services.isolation import Apart, Isolated, Nursery
from services.supervisor import Backoff, Child, Supervisor
from shared.clock import SystemClock
from shared.events import (
    EmbedRequest,
    EmbedResult,
    Event,
    MetricSample,
    ServiceCrashed,
    ServiceReady,
    Stamp,
    TextEntered,
)
from shared.ids import id_source
from shared.logs import configure

_VECTORS = bytes(1000 * 384 * 4)
"""A thousand of MiniLM's."""


class Echo:
    """Answers texts, and embeds them all as zeros."""

    name: ClassVar[str] = "echo"
    consumes: ClassVar[tuple[type[Event], ...]] = (TextEntered, EmbedRequest)

    async def run(self, ctx: Context) -> None:
        """See Service."""
        ctx.ready()
        async for event in ctx.inbox:
            if isinstance(event, TextEntered):
                ctx.emit(MetricSample, name=event.text, value=os.getpid(), labels={})
                if event.text == "wait":
                    ctx.turn(event).start(asyncio.sleep(3600))
            elif isinstance(event, EmbedRequest):
                ctx.emit(
                    EmbedResult,
                    request=event.id,
                    model="zeros",
                    engine="none",
                    fingerprint="",
                    count=1000,
                    dimensions=384,
                    tokens=0,
                    truncated=(),
                    vectors=_VECTORS,
                )


class House:
    """A tree with the echo, apart or not."""

    def __init__(self, *, apart: bool) -> None:
        clock, ids = SystemClock(), id_source("id-")
        self.bus, nursery = Bus(clock=clock, ids=ids), Nursery()
        self.stamp = Stamp("bench", clock, ids, "s")
        self.seen: Subscription[Event] = self.bus.subscribe(Event, capacity=100_000, overflow=Overflow.DROP_OLDEST)
        echo = Child(Echo, (lambda: Isolated(Echo, Apart(), nursery)) if apart else Echo)
        children = [echo, Child(Nursery, lambda: nursery)]
        self.supervisor = Supervisor(self.bus, clock, ids, "s", children, backoff=Backoff(base=0.0))

    async def next(self, kind: type[Event], wanted: Callable[[Event], bool] = lambda _: True) -> Event:
        """The next event of the kind."""
        async for event in self.seen:
            if isinstance(event, kind) and wanted(event):
                return event
        raise AssertionError

    async def ask(self, text: str) -> int:
        """Ask, and return the number of the process that answered."""
        self.bus.publish(self.stamp(TextEntered, text=text, speak=False))
        answer = await self.next(MetricSample)
        assert isinstance(answer, MetricSample)
        return int(answer.value)


async def crossing(rounds: int, *, apart: bool) -> tuple[list[float], list[float]]:
    """Milliseconds there and back of a text, and of a request for a thousand vectors."""
    house, texts, vectors = House(apart=apart), [], []
    async with house.supervisor:
        await house.next(ServiceReady, lambda event: getattr(event, "service", "") == "echo")
        for number in range(rounds):
            began = time.perf_counter()
            await house.ask(str(number))
            texts.append((time.perf_counter() - began) * 1e3)
        for _ in range(rounds // 20):
            began = time.perf_counter()
            house.bus.publish(house.stamp(EmbedRequest, texts=("a",), purpose=""))
            await house.next(EmbedResult)
            vectors.append((time.perf_counter() - began) * 1e3)
    return texts, vectors


async def dying(rounds: int, number: signal.Signals) -> AsyncIterator[tuple[float, float, int]]:
    """Milliseconds from a death in mid-answer until it is told and until the next answer; bytes the process had."""
    house = House(apart=True)
    async with house.supervisor:
        for _ in range(rounds):
            pid = await house.ask("wait")
            await asyncio.sleep(1.0)  # so that the next process is there ahead
            held = psutil.Process(pid).memory_full_info().uss
            began = time.perf_counter()
            os.kill(pid, number)
            await house.next(ServiceCrashed)
            told = (time.perf_counter() - began) * 1e3
            await house.next(MetricSample)
            yield told, (time.perf_counter() - began) * 1e3, held


async def deaths(rounds: int, number: signal.Signals) -> list[tuple[float, float, int]]:
    """See dying."""
    return [one async for one in dying(rounds, number)]


def figures(scale: int) -> list[Figure]:
    """Everything measured."""
    here, here_vectors = asyncio.run(crossing(1000 * scale, apart=False))
    there, there_vectors = asyncio.run(crossing(1000 * scale, apart=True))
    found = [
        plain("a request and its answer, in one process, p50", percentile(here, 50), "ms"),
        plain("a request and its answer, apart, p50", percentile(there, 50), "ms"),
        plain("a request and its answer, apart, p99", percentile(there, 99), "ms"),
        plain("a thousand vectors, in one process, p50", percentile(here_vectors, 50), "ms"),
        plain("a thousand vectors, apart, p50", percentile(there_vectors, 50), "ms"),
    ]
    for number in (signal.SIGKILL, signal.SIGSEGV, signal.SIGSTOP):
        told = asyncio.run(deaths(3 * scale, number))
        found += [
            at_most(f"{number.name}: until it is told, worst", max(t for t, _, _ in told), "ms", 1000),
            plain(f"{number.name}: until the next process answers, worst", max(a for _, a, _ in told), "ms"),
        ]
    return [*found, plain("memory of an idle process, its own", told[0][2] / 2**20, "MiB")]


def main() -> int:
    """Print the table, or one JSON object a line; 1 when a goal was missed."""
    options = parser(__doc__).parse_args()
    configure("error", "console")
    logging.disable(logging.ERROR)  # each death would be told
    return report(figures(5 if options.full else 1), as_json=options.json)


if __name__ == "__main__":
    from scripts import bench_isolation  # its classes travel to other processes by the name of their module

    sys.exit(bench_isolation.main())
