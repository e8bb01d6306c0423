"""What the bus costs beside a bare asyncio.Queue hop that carries the same validated event, in one run.

Both sides are given the same event object, one task for each reader, and the same moments to run: after every event
(`wake`: each reader is woken once for each) or after every 64 (`burst`). Rounds of both alternate; the figure is the
ratio of the best round's CPU time. The whole contract is on: routes, ring, ledger, fence, cause, bounds.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Coroutine, Hashable
from pathlib import Path
from typing import Literal

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bus import Bus, Overflow, Subscription, latest
from scripts.figures import Figure, at_most, parser, plain, report
from shared.clock import SystemClock
from shared.events import AudioCaptured, Event, LlmRequest, Stamp
from shared.ids import id_source

STAMP = Stamp("bench", SystemClock(), id_source("bench-"), "s1")
Hop = Callable[[Event, int, int, int], Coroutine[None, None, float]]
Fifth = Literal["absent", "reads", "stuck"]
Policy = Overflow | tuple[Overflow, Callable[[Event], Hashable]]
POLICIES: dict[str, Policy] = {
    "drop-oldest": Overflow.DROP_OLDEST,
    "latest": latest(lambda e: e.turn),
    "fail": Overflow.FAIL,
}


def frame() -> AudioCaptured:
    """20 ms of silence as the microphone's frame."""
    return STAMP(AudioCaptured, turn=3, first_sample=0, rate=16_000, pcm=bytes(640))


async def timed(
    publish: Callable[[Event], None], readers: list[asyncio.Task[None]], event: Event, n: int, every: int
) -> float:
    """CPU seconds until `n` events were published and read by all, yielding to the readers after `every`."""
    await asyncio.sleep(0)
    gc.collect()
    gc.disable()
    start = time.process_time()
    for i in range(1, n + 1):
        publish(event)
        if i % every == 0:
            await asyncio.sleep(0)
    await asyncio.gather(*readers)
    spent = time.process_time() - start
    gc.enable()
    return spent


async def through_queues(event: Event, readers: int, n: int, every: int) -> float:
    """The floor: one bare asyncio.Queue for each reader."""
    queues: list[asyncio.Queue[Event]] = [asyncio.Queue() for _ in range(readers)]

    async def read(queue: asyncio.Queue[Event]) -> None:
        for _ in range(n):
            await queue.get()

    def publish(event: Event) -> None:
        for queue in queues:
            queue.put_nowait(event)

    return await timed(publish, [asyncio.create_task(read(queue)) for queue in queues], event, n, every)


async def through_bus(event: Event, readers: int, n: int, every: int) -> float:
    """The same through the bus."""
    bus = Bus()
    subscriptions = [bus.subscribe(AudioCaptured) for _ in range(readers)]

    async def read(subscription: Subscription[AudioCaptured]) -> None:
        left = n
        async for _ in subscription:
            left -= 1
            if not left:
                return

    spent = await timed(bus.publish, [asyncio.create_task(read(s)) for s in subscriptions], event, n, every)
    assert all(ledger.delivered == n and ledger.dropped == 0 for ledger in bus.stats())
    return spent


def hops(rounds: int, scale: int) -> list[Figure]:
    """The ratio of bus to queues, for 1, 5 and 50 readers, by single events and in bursts."""
    results, event = [], frame()
    for every, mode, goals in ((1, "wake", (1.05, 1.0, 1.0)), (64, "burst", (1.4, 1.4, 1.4))):
        for readers, n, goal in zip((1, 5, 50), (12_800, 6_400, 1_280), goals, strict=True):
            cost: dict[Hop, list[float]] = {through_queues: [], through_bus: []}
            for _ in range(rounds):
                for way, spent in cost.items():
                    spent.append(asyncio.run(way(event, readers, n * scale, every)))
            queue, bus = (min(spent) / (n * scale) * 1e6 for spent in cost.values())
            results += [
                plain(f"queue, {readers} readers, {mode}", queue, "us/event"),
                plain(f"bus, {readers} readers, {mode}", bus, "us/event"),
                at_most(f"ratio, {readers} readers, {mode}", bus / queue, "x", goal),
            ]
    return results


async def fence(rounds: int) -> Figure:
    """A fence while 50 queues hold 50,000 stale events, ten services watch, and one stream of the turn is open."""
    bus = Bus()
    for _ in range(50):
        bus.subscribe(AudioCaptured)
    for _ in range(1000):
        bus.publish(frame())
    bus.subscribe(LlmRequest, capacity=rounds)
    for _ in range(10):
        bus.on_fence(lambda session, turn: None)
    spent = []
    for turn in range(4, 4 + rounds):
        stream = bus.stream(
            STAMP(LlmRequest, turn=turn - 1, messages=(), tools=(), max_tokens=1, temperature=0.0, seed=0, stop=())
        )
        start = time.perf_counter_ns()
        bus.fence("s1", turn)
        spent.append(time.perf_counter_ns() - start)
        assert stream.closed
    return at_most("fence, 50,000 events queued, a stream open", statistics.median(spent) / 1e3, "us", 5)


async def latencies(policy: Policy, n: int, fifth: Fifth) -> float:
    """Median wall time in ns from publishing to delivery at each of four readers, whatever the fifth does."""
    bus, seen = Bus(), []
    published, event = 0, frame()

    async def read(subscription: Subscription[AudioCaptured]) -> None:
        while await anext(subscription):
            seen.append(time.perf_counter_ns() - published)

    async def discard(subscription: Subscription[AudioCaptured]) -> None:
        async for _ in subscription:
            pass

    tasks = [asyncio.create_task(read(bus.subscribe(AudioCaptured))) for _ in range(4)]
    if fifth != "absent":
        subscription = bus.subscribe(AudioCaptured, capacity=64, overflow=policy)
        if fifth == "reads":
            tasks.append(asyncio.create_task(discard(subscription)))
    for _ in range(n):
        await asyncio.sleep(0)
        published = time.perf_counter_ns()
        bus.publish(event)
        await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    return statistics.median(seen)


def isolation(rounds: int) -> list[Figure]:
    """How far a reader that never reads moves the median latency of four others, beside reading or not being there."""
    results = []
    for name, policy in POLICIES.items():
        medians: dict[Fifth, list[float]] = {"absent": [], "reads": [], "stuck": []}
        for _ in range(rounds):
            for fifth, measured in medians.items():
                measured.append(asyncio.run(latencies(policy, 2000, fifth)))
        absent, reads, stuck = (min(measured) for measured in medians.values())
        moved = stuck / min(absent, reads) - 1
        results.append(at_most(f"a stuck {name} reader moves the others' median", moved * 100, "%", 10))
    return results


async def growth(policy: Policy) -> int:
    """Bytes that Python holds more after 20,000 further events, a reader having been stuck all along."""
    bus = Bus()
    bus.subscribe(AudioCaptured, capacity=64, overflow=policy)
    held = []
    tracemalloc.start()
    for _ in range(2):
        for _ in range(20_000):
            bus.publish(frame())
        await asyncio.sleep(0)
        gc.collect()
        held.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    return held[1] - held[0]


def figures(rounds: int, scale: int) -> list[Figure]:
    """Everything measured."""
    memory = [
        at_most(f"memory after a stuck {name} reader's 20,000 events", asyncio.run(growth(policy)) / 1024, "KiB", 16)
        for name, policy in POLICIES.items()
    ]
    return [*hops(rounds, scale), asyncio.run(fence(1000)), *isolation(rounds), *memory]


def main() -> int:
    """Print the table, or one JSON object a line; 1 when a goal was missed."""
    options = parser(__doc__).parse_args()
    return report(figures(25 if options.full else 9, 3 if options.full else 1), as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
