"""A crash loses no control event: what was in hand comes again, first and in order, until it is handled or given up."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import ClassVar

import pytest

from services.contract import Context
from services.supervisor import Backoff, Child
from shared.events import Event, EventDead, LlmRequest, ServiceReady, TextEntered

pytestmark = pytest.mark.looptime

EVENTS = 20_000


class Shaky:
    """Handles texts and raises on five in a hundred of them, whenever they come; some are worked on in tasks."""

    name: ClassVar[str] = "shaky"
    consumes: ClassVar[tuple[type[Event], ...]] = (TextEntered,)

    def __init__(self, dice: random.Random, done: list[str], *, in_tasks: bool) -> None:
        self._dice = dice
        self._done = done
        self._in_tasks = in_tasks

    async def run(self, ctx: Context) -> None:
        ctx.ready()
        async for event in ctx.inbox:
            assert isinstance(event, TextEntered)
            if self._in_tasks:
                ctx.turn(event).start(self._work(event))
            else:
                await self._work(event)

    async def _work(self, event: TextEntered) -> None:
        if self._in_tasks:
            await asyncio.sleep(self._dice.random())
        if self._dice.random() < 0.05:
            raise ValueError("a bad day")
        self._done.append(event.text)


async def feed(tree, count: int) -> list[str]:
    """Publish `count` texts as fast as they are read."""
    texts = [str(number) for number in range(count)]
    for start in range(0, count, 500):
        for text in texts[start : start + 500]:
            tree.say(text)
        assert await tree.bus.drain(10_000)
    return texts


async def test_twenty_thousand_events_survive_a_service_that_raises_on_five_percent(plant):
    """Each is handled exactly once, in the order in which they were published."""
    done: list[str] = []
    dice = random.Random(1)
    child = Child(Shaky, lambda: Shaky(dice, done, in_tasks=False))
    async with plant(child, backoff=Backoff(jitter=0)) as tree:
        texts = await feed(tree, EVENTS)
    assert done == texts
    assert not list(tree.bus.replay(None, EventDead))


async def test_events_worked_on_in_tasks_survive_too(plant):
    """A task's crash ends the service and with it all other tasks; what these worked on is done again, from the start.

    Work that was cut short has not been done: at least once is all that can be promised, and here it is exactly once,
    because the work appends at its very end.
    """
    done: list[str] = []
    dice = random.Random(2)
    child = Child(Shaky, lambda: Shaky(dice, done, in_tasks=True))
    async with plant(child, backoff=Backoff(jitter=0, limit=1000)) as tree:
        tree.supervisor._lives[0].mailbox.tries = 1000  # with 5 % raising nothing else is ever given up by chance
        texts = [str(number) for number in range(2000)]
        for start in range(0, 2000, 20):
            for text in texts[start : start + 20]:
                tree.say(text)
            await asyncio.sleep(20)
        async with asyncio.timeout(100_000):
            while tree.supervisor._lives[0].mailbox.in_hand:
                await asyncio.sleep(1)
    assert Counter(done) == Counter(texts)


async def test_a_service_stopped_with_work_in_hand_by_a_siblings_crash_does_it_again(plant):
    """Under one_for_all a healthy service is cancelled in the middle of its work; its event is kept."""
    began: list[str] = []
    go = asyncio.Event()

    class Slow:
        name: ClassVar[str] = "slow"
        consumes: ClassVar[tuple[type[Event], ...]] = (TextEntered,)

        async def run(self, ctx: Context) -> None:
            ctx.ready()
            async for event in ctx.inbox:
                assert isinstance(event, TextEntered)
                began.append(event.text)
                await go.wait()

    class Fragile:
        name: ClassVar[str] = "fragile"
        consumes: ClassVar[tuple[type[Event], ...]] = (LlmRequest,)

        async def run(self, ctx: Context) -> None:
            ctx.ready()
            await asyncio.sleep(5)
            if len(began) == 1:
                raise ValueError("broke")
            go.set()
            await asyncio.Event().wait()

    async with plant(Child(Slow), Child(Fragile), strategy="one_for_all") as tree:
        await tree.until(ServiceReady, service="slow")
        tree.say("one")
        tree.say("two")
        await tree.until(ServiceReady, service="slow")
        await tree.bus.drain(10)
    assert began[:2] == ["one", "one"]
    assert began[2:] == ["two"]


async def test_work_cut_short_by_a_crash_beside_it_is_done_again_however_slowly_the_service_ends(plant):
    """The crash of a background task cancels the work long before the service itself has cleaned up."""
    began: list[str] = []

    class Careful:
        name: ClassVar[str] = "careful"
        consumes: ClassVar[tuple[type[Event], ...]] = (TextEntered,)

        async def run(self, ctx: Context) -> None:
            ctx.ready()
            if not began:
                ctx.tasks.create_task(self._fall())
            try:
                async for event in ctx.inbox:
                    ctx.turn(event).start(self._work())
            finally:
                await asyncio.sleep(5)

        async def _work(self) -> None:
            began.append("work")
            await asyncio.sleep(1000)

        async def _fall(self) -> None:
            await asyncio.sleep(10)
            raise ValueError("fell")

    async with plant(Child(Careful), stop_within=10) as tree:
        tree.say("something")
        await asyncio.sleep(30)
        assert began == ["work", "work"]


async def test_a_fenced_task_is_called_off_for_good(plant):
    """A fence ends the work on an old turn, and a later crash does not bring it back."""
    began: list[str] = []

    class Worker:
        name: ClassVar[str] = "worker"
        consumes: ClassVar[tuple[type[Event], ...]] = (TextEntered,)

        async def run(self, ctx: Context) -> None:
            ctx.ready()
            async for event in ctx.inbox:
                assert isinstance(event, TextEntered)
                if event.text == "crash" and began.count("crash") == 0:
                    began.append("crash")
                    raise ValueError("asked to")
                began.append(event.text)
                ctx.turn(event).start(asyncio.sleep(1000))

    async with plant(Child(Worker)) as tree:
        tree.say("old", turn=1)
        tree.say("new", turn=2)
        await tree.bus.drain(1)
        tree.bus.fence("test", 2)
        await asyncio.sleep(1)
        assert tree.supervisor._lives[0].mailbox.in_hand == 1  # the new one alone
        tree.say("crash", turn=2)
        await asyncio.sleep(1)
    assert began == ["old", "new", "crash", "new", "crash"]
