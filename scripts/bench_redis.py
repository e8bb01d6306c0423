"""What crossing processes costs: two buses linked through a Redis of the benchmark's own, on a Unix socket.

A flood of control events (throughput, and local deliveries to 50 subscriptions there), and 50 events a second (latency
from publishing here to the handler there), beside bare XADD and XREADGROUP of one event each in the same run, and
beside FastStream where `--peer PYTHON` names an interpreter that has faststream[redis]. Then the work of 1, 2 and 4
scripted workers of fixed waiting time, one thing at a time each.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import subprocess
import sys
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import redis

from bus import Bus, Link, Mailbox, Overflow, Subscription, describe
from bus.transport import Node, RedisTransport
from scripts.figures import Figure, at_least, at_most, parser, percentile, plain, report
from shared.clock import SystemClock
from shared.events import NOTHING_USED, REGISTRY, LlmRequest, LlmResponse, Stamp, TextEntered
from shared.ids import id_source
from shared.logs import configure
from tests.kit.redis_server import redis_server

_PACE_S = 0.02
_QUESTION: dict[str, Any] = {
    "messages": (),
    "tools": (),
    "max_tokens": 1,
    "temperature": 0.0,
    "seed": 0,
    "stop": (),
}
_ANSWER: dict[str, Any] = {
    "text": "",
    "finish": "stop",
    "tool_requests": (),
    "usage": NOTHING_USED,
    "model": "scripted",
}


def linked(url: str, name: str, bus: Bus) -> tuple[Link, Stamp]:
    """A link of this process, and what stamps events for it."""
    ids = id_source(f"{name}-")
    stamp = Stamp(name, SystemClock(), ids, "s")

    def node() -> Node:
        return describe(bus, REGISTRY, name=name, token=name, version="1", services=(), sessions=())

    return Link(bus, RedisTransport(url, name, waiting=1_000_000), REGISTRY, node, stamp, beat_s=0.2), stamp


async def read(subscription: Subscription[TextEntered], count: int, late: list[float]) -> None:
    """Take `count` events; keep the milliseconds that each was under way."""
    async for event in subscription:
        late.append((time.time_ns() - event.at) / 1e6)
        count -= 1
        if not count:
            return


async def there(url: str, count: int, readers: int, pipe: Connection) -> None:
    """The other process: reads everything, and tells when it was done and how late each was."""
    bus, late = Bus(), [list[float]() for _ in range(readers)]
    subscriptions = [
        bus.subscribe(TextEntered, capacity=1_000_000, overflow=Overflow.DROP_OLDEST) for _ in range(readers)
    ]
    link, _ = linked(url, "there", bus)
    linking = asyncio.create_task(link.run())
    await link.met.wait()
    pipe.send("ready")
    await asyncio.gather(*(read(one, count, times) for one, times in zip(subscriptions, late, strict=True)))
    pipe.send((time.perf_counter(), late[0]))
    await stopped(linking)


async def stopped(task: asyncio.Task[None]) -> None:
    """Cancel and wait."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def other(url: str, count: int, readers: int, pipe: Connection) -> None:
    """The entry of the other process."""
    configure("error", "console")
    asyncio.run(there(url, count, readers, pipe))


async def here(url: str, count: int, pace_s: float, pipe: Connection) -> tuple[float, list[float]]:
    """Publish `count` events; return the seconds until the other had them all, and how late each was."""
    bus = Bus()
    link, stamp = linked(url, "here", bus)
    linking = asyncio.create_task(link.run())
    while "there" not in link.nodes or not link.nodes["there"].wants:  # noqa: ASYNC110 (it is another process's doing)
        await asyncio.sleep(0.01)
    began = time.perf_counter()
    for number in range(count):
        bus.publish(stamp(TextEntered, text="what time is it", speak=False, turn=number))
        if pace_s:
            await asyncio.sleep(max(0.0, began + (number + 1) * pace_s - time.perf_counter()))
        elif number % 64 == 0:
            await asyncio.sleep(0)
    while not pipe.poll():  # noqa: ASYNC110 (it is another process's doing)
        await asyncio.sleep(0.001)
    done, late = pipe.recv()
    await stopped(linking)
    return done - began, late


def crossing(url: str, count: int, readers: int = 1, pace_s: float = 0.0) -> tuple[float, list[float]]:
    """One run with a fresh Redis."""
    with redis.Redis.from_url(url) as client:
        client.flushall()
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=other, args=(url, count, readers, theirs))
    process.start()
    ours.recv()
    try:
        return asyncio.run(here(url, count, pace_s, ours))
    finally:
        process.join(10)


def bare(url: str, count: int) -> float:
    """Seconds for `count` times one XADD and one XREADGROUP with its XACK, a round trip each: the floor of latency."""
    body = json.dumps({"kind": "text.entered", "text": "what time is it"})
    with redis.Redis.from_url(url) as client:
        client.flushall()
        client.xgroup_create("bare", "g", id="$", mkstream=True)
        began = time.perf_counter()
        for _ in range(count):
            client.xadd("bare", {"h": body})
            ((_, ((entry, _),)),) = client.xreadgroup("g", "c", {"bare": ">"}, count=1)
            client.xack("bare", "g", entry)
        return time.perf_counter() - began


def peer(url: str, python: str, count: int) -> float:
    """Events a second through FastStream, in two processes as well."""
    program = Path(__file__).with_name("peer_faststream.py")
    done = subprocess.run([python, str(program), url, str(count)], capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout)["rate"])


class Worker:
    """A scripted language model in a process's stead: a bus of its own, and one answer at a time, each after a wait."""

    def __init__(self, url: str, name: str, wait_s: float) -> None:
        self._bus, self._wait_s = Bus(), wait_s
        self._inbox = Mailbox(self._bus, self._bus.subscribe(LlmRequest, name="llm"))
        self._link, self._stamp = linked(url, name, self._bus)

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._link.run())
            async for request in self._inbox:
                await asyncio.sleep(self._wait_s)
                answer = self._stamp(LlmResponse, request=request.id, **_ANSWER, session=request.session)
                self._bus.publish(answer.model_copy(update={"cause": request.id}))


async def served(url: str, workers: int, count: int, wait_s: float) -> float:
    """Requests a second that so many workers answer for twenty conversations."""
    bus = Bus()
    link, stamp = linked(url, "home", bus)
    running = [asyncio.create_task(link.run())]
    running += [asyncio.create_task(Worker(url, f"worker{n}", wait_s).run()) for n in range(workers)]
    while sum("llm.request" in node.serves for node in link.nodes.values()) < workers:  # noqa: ASYNC110
        await asyncio.sleep(0.01)

    async def converse(session: str) -> None:
        for _ in range(count // 20):
            await bus.request(stamp(LlmRequest, **_QUESTION, session=session), 60)

    began = time.perf_counter()
    await asyncio.gather(*(converse(f"s{number}") for number in range(20)))
    took = time.perf_counter() - began
    for task in running:
        await stopped(task)
    return count / took


def scale_figures(url: str, scale: int) -> Iterator[Figure]:
    """How the work grows with the workers."""
    rates = {}
    for workers in (1, 2, 4):
        with redis.Redis.from_url(url) as client:
            client.flushall()
        rates[workers] = asyncio.run(served(url, workers, 200 * scale, 0.02))
        yield plain(f"requests of 20 ms, {workers} workers", rates[workers], "1/s")
    yield at_least("2 workers over 1", rates[2] / rates[1], "x", 1.9)
    yield at_least("4 workers over 1", rates[4] / rates[1], "x", 3.6)


def figures(scale: int, python: str) -> Iterator[Figure]:
    """Everything measured."""
    with redis_server("--appendfsync", "everysec") as server:
        floor = bare(server.url, 1000 * scale) / (1000 * scale)
        yield plain("bare XADD, XREADGROUP and XACK, one event", floor * 1e3, "ms")
        count = 20_000 * scale
        seconds, _ = crossing(server.url, count)
        yield at_least("events across, flood", count / seconds, "1/s", 40_000)
        count = 4_000 * scale
        seconds, _ = crossing(server.url, count, readers=50)
        yield at_least("local deliveries to 50 subscriptions, flood", 50 * count / seconds, "1/s", 500_000)
        _, late = crossing(server.url, 250 * scale, pace_s=_PACE_S)
        yield at_most("publish to handler at 50 Hz, p50", percentile(late, 50), "ms", 1.2)
        yield at_most("publish to handler at 50 Hz, p99", percentile(late, 99), "ms", 6)
        if python:
            yield plain("events across by FastStream", peer(server.url, python, 2000 * scale), "1/s")
        yield from scale_figures(server.url, scale)


def main() -> int:
    """Print the table, or one JSON object a line; 1 when a goal was missed."""
    arguments = parser(__doc__)
    arguments.add_argument("--peer", metavar="PYTHON", default="", help="an interpreter that has faststream[redis]")
    options = arguments.parse_args()
    configure("error", "console")
    if not options.peer:
        print("FastStream is left out: give --peer PYTHON.", file=sys.stderr)
    return report(figures(5 if options.full else 1, options.peer), as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
