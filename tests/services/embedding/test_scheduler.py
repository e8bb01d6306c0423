"""The scheduler: everything in its place, the urgent first, nothing for those who left, and no more than fits."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable

import pytest

from services.embedding.port import Overloaded, Passage
from services.embedding.scheduler import Scheduler
from tests.services.embedding.conftest import Watched

Make = Callable[..., Scheduler]


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    made: list[Scheduler] = []

    def scheduler(*, threads: int = 1, batch_tokens: int = 100, waiting_tokens: int = 1000) -> Scheduler:
        made.append(Scheduler(threads=threads, batch_tokens=batch_tokens, waiting_tokens=waiting_tokens))
        return made[-1]

    yield scheduler
    for one in made:
        one.close()


def passages(count: int, tokens: int = 10) -> list[Passage]:
    return [Passage(tuple(range(at << 8, (at + tokens) << 8, 1 << 8)), False) for at in range(count)]


async def until(condition: Callable[[], bool]) -> None:
    for _ in itertools.repeat(None):
        if condition():
            return
        await asyncio.sleep(0)


@pytest.mark.parametrize("threads", [1, 2, 3])
async def test_rows_come_in_the_order_of_the_passages(make: Make, threads: int) -> None:
    encoder, scheduler, asked = Watched(), make(threads=threads), passages(100)
    together = await scheduler.encode(encoder, asked, urgent=False)
    assert together == b"".join([encoder._encoder.encode([one]) for one in asked])
    assert encoder.computed == 100


async def test_what_waits_is_shared_among_the_idle_threads(make: Make) -> None:
    encoder, scheduler = Watched(), make(threads=2)
    await scheduler.encode(encoder, passages(8), urgent=False)
    assert sorted(encoder.batches) == [4, 4]


async def test_a_thread_takes_no_more_than_its_budget(make: Make) -> None:
    encoder, scheduler = Watched(), make(batch_tokens=30)
    await scheduler.encode(encoder, passages(7), urgent=False)
    assert encoder.batches == [3, 3, 1]


async def test_a_passage_larger_than_the_budget_goes_alone(make: Make) -> None:
    encoder, scheduler = Watched(), make(batch_tokens=5)
    await scheduler.encode(encoder, passages(2), urgent=False)
    assert encoder.batches == [1, 1]


async def test_the_urgent_go_first(make: Make) -> None:
    encoder, scheduler = Watched(), make(batch_tokens=10)
    encoder.gate.clear()
    order: list[str] = []

    async def ask(name: str, *, urgent: bool) -> None:
        await scheduler.encode(encoder, passages(1), urgent=urgent)
        order.append(name)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(ask("at work", urgent=False))
        await until(encoder.began.is_set)
        for name in ("indexing", "more indexing"):
            tasks.create_task(ask(name, urgent=False))
        tasks.create_task(ask("turn", urgent=True))
        await until(lambda: scheduler.waiting == 30)
        encoder.gate.set()
    assert order == ["at work", "turn", "indexing", "more indexing"]


async def test_what_is_asked_in_one_turn_of_the_loop_is_computed_together(make: Make) -> None:
    encoder, scheduler = Watched(), make()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(5):
            tasks.create_task(scheduler.encode(encoder, passages(1), urgent=False))
    assert encoder.batches == [5]


async def test_what_nobody_waits_for_is_not_computed(make: Make) -> None:
    encoder, scheduler = Watched(), make(batch_tokens=10)
    encoder.gate.clear()
    first = asyncio.create_task(scheduler.encode(encoder, passages(1), urgent=False))
    left = asyncio.create_task(scheduler.encode(encoder, passages(50), urgent=False))
    await until(lambda: scheduler.waiting == 500)
    left.cancel()
    await asyncio.wait([left])
    assert scheduler.waiting == 0
    encoder.gate.set()
    await first
    assert encoder.computed == 1


async def test_more_than_may_wait_is_refused_with_when_to_come_back(make: Make) -> None:
    encoder, scheduler = Watched(), make(waiting_tokens=100)
    encoder.gate.clear()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(scheduler.encode(encoder, passages(1), urgent=False))
        tasks.create_task(scheduler.encode(encoder, passages(10), urgent=False))
        await until(lambda: scheduler.waiting == 100)
        with pytest.raises(Overloaded, match="Ask again in") as refused:
            await scheduler.encode(encoder, passages(1), urgent=True)
        assert refused.value.retry_ms > 0
        encoder.gate.set()
    assert await scheduler.encode(encoder, passages(1), urgent=False)


async def test_one_request_alone_is_never_too_large(make: Make) -> None:
    scheduler = make(waiting_tokens=10)
    assert await scheduler.encode(Watched(), passages(100), urgent=False)
    assert await scheduler.encode(Watched(), [], urgent=False) == b""


async def test_what_an_encoder_raises_reaches_those_who_asked(make: Make) -> None:
    class Broken(Watched):
        def encode(self, passages: object) -> bytes:
            raise MemoryError("no room")

    scheduler = make()
    with pytest.raises(MemoryError, match="no room"):
        await scheduler.encode(Broken(), passages(3), urgent=False)
    assert await scheduler.encode(Watched(), passages(3), urgent=False)


async def test_closing_ends_those_who_wait(make: Make) -> None:
    encoder, scheduler = Watched(), make(batch_tokens=10)
    encoder.gate.clear()
    waiting = asyncio.create_task(scheduler.encode(encoder, passages(3), urgent=False))
    await until(lambda: scheduler.waiting == 20)
    scheduler.close()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    encoder.gate.set()
