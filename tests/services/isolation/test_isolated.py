"""A service in a process of its own is what it is in ours, and however it dies, the next event is answered."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest

from bus import Bus
from services.isolation import Apart, Isolated, Nursery
from services.supervisor import Backoff, Child, Supervisor
from shared.clock import SystemClock
from shared.events import (
    AudioCaptured,
    Event,
    EventDead,
    MetricSample,
    ServiceCrashed,
    ServiceReady,
    Stamp,
    TextEntered,
)
from shared.ids import id_source
from tests.services.isolation.engines import Parrot

pytestmark = pytest.mark.slow

E = TypeVar("E", bound=Event)


class Household:
    """A tree with a parrot that lives apart."""

    def __init__(self, deadly: Path, limits: Apart) -> None:
        clock, ids = SystemClock(), id_source("id-")
        self.bus = Bus(clock=clock, ids=ids)
        self.stamp = Stamp("test", clock, ids, "s")
        self.seen: deque[Event] = deque()
        self._news = asyncio.Event()
        self.bus.tap(self._saw)
        nursery = Nursery()
        make = partial(Parrot, deadly)
        self.supervisor = Supervisor(
            self.bus,
            clock,
            ids,
            "s",
            [Child(Parrot, lambda: Isolated(make, limits, nursery)), Child(Nursery, lambda: nursery)],
            backoff=Backoff(jitter=0.0),
        )

    def _saw(self, event: Event) -> None:
        self.seen.append(event)
        self._news.set()

    def say(self, text: str, turn: int = 1) -> TextEntered:
        event = self.stamp(TextEntered, text=text, speak=False, turn=turn)
        self.bus.publish(event)
        return event

    async def next(self, kind: type[E], wanted: Callable[[E], bool] = lambda _: True) -> E:
        async with asyncio.timeout(60):
            while True:
                while self.seen:
                    event = self.seen.popleft()
                    if isinstance(event, kind) and wanted(event):
                        return event
                self._news.clear()
                await self._news.wait()

    async def answer(self, text: str) -> MetricSample:
        return await self.next(MetricSample, lambda sample: sample.name == text)

    async def up(self) -> None:
        await self.next(ServiceReady, lambda event: event.service == "parrot")


Keep = Callable[..., contextlib.AbstractAsyncContextManager[Household]]


@pytest.fixture
def deadly(tmp_path: Path) -> Path:
    """How the parrot dies, one death a line."""
    return tmp_path / "deadly"


@pytest.fixture
def keep(deadly: Path) -> Keep:
    @contextlib.asynccontextmanager
    async def kept(**limits: int) -> AsyncIterator[Household]:
        home = Household(deadly, Apart(isolate="process", **limits))
        async with home.supervisor:
            yield home

    return kept


async def test_it_answers_as_if_it_were_here(keep: Keep) -> None:
    """What caused the answer, its turn and its session are what they would be."""
    async with keep() as home:
        asked = home.say("hello", turn=7)
        answer = await home.answer("hello")
    assert (answer.cause, answer.root, answer.turn, answer.session) == (asked.id, asked.root, 7, "s")
    assert answer.labels == {"session": "s"}


async def test_it_hears_what_it_reads_beside_its_mailbox(keep: Keep) -> None:
    """Sound, of its own session, byte for byte."""
    async with keep() as home:
        await home.up()
        while True:
            home.bus.publish(home.stamp(AudioCaptured, first_sample=0, rate=16_000, pcm=bytes(640)))
            home.say("heard")
            if (await home.answer("heard")).value >= 640:
                break


@pytest.mark.parametrize(
    ("death", "words"),
    [
        ("segfault", "segmentation fault"),
        ("kill", "was killed (SIGKILL)"),
        ("stop", "hung: it was stopped (SIGSTOP)"),
        ("deadlock", "hung: it neither answered nor did anything"),
        ("raise", "ValueError: out of words"),
    ],
)
async def test_however_it_dies_that_is_named_and_what_it_had_in_hand_is_done_by_the_next(
    keep: Keep, deadly: Path, death: str, words: str
) -> None:
    """The event is delivered again, as after any crash."""
    async with keep() as home:
        deadly.write_text(death)
        asked = home.say("again")
        crash = await home.next(ServiceCrashed)
        assert words in crash.error
        assert crash.handling == asked.id
        assert (await home.answer("again")).cause == asked.id


async def test_what_takes_too_much_memory_is_ended(keep: Keep, deadly: Path) -> None:
    """Before it takes the machine's."""
    async with keep(memory_mb=300) as home:
        deadly.write_text("hoard")
        home.say("again")
        assert "took more than the 300 MiB of memory" in (await home.next(ServiceCrashed)).error
        await home.answer("again")


async def test_an_event_that_kills_every_process_is_given_up(keep: Keep, deadly: Path) -> None:
    """After five, and the next one is answered."""
    async with keep() as home:
        deadly.write_text("\n".join(["segfault"] * 5))
        poison = home.say("poison")
        dead = await home.next(EventDead)
        home.say("fine")
        await home.answer("fine")
    assert (dead.event, dead.crashes) == (poison.id, 5)


async def test_a_fence_ends_what_it_works_on(keep: Keep) -> None:
    """There as here, and the event is no longer in hand."""
    async with keep() as home:
        home.say("wait", turn=1)
        await home.next(MetricSample)
        home.bus.fence("s", 2)
        home.say("after", turn=2)
        await home.answer("after")


async def test_a_spare_process_is_started_ahead(keep: Keep, deadly: Path) -> None:
    """The next life does not wait for an interpreter."""
    async with keep() as home:
        await home.up()
        deadly.write_text("kill\nkill")
        home.say("again")
        await home.answer("again")
        pids = {event.name for event in home.bus.replay() if isinstance(event, MetricSample)}
    assert len([name for name in pids if name.startswith("again from")]) == 3
