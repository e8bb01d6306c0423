"""Whoever joins late: what he gets of what was published before he was known."""

from __future__ import annotations

import asyncio

import pytest

from bus import Bus, Mailbox
from shared.events import AudioCaptured, Event, ServiceReady, SttFinish, SttStart, TextEntered
from tests.bus.transport.conftest import Household, ask, owner, watch, worker


async def test_what_is_asked_before_anybody_is_known_waits_for_who_joins(household: Household) -> None:
    """A conversation may begin before its link has met the workers."""
    bus = Bus()
    here = household.start("home", bus=bus, services=("dialogue",), sessions=("s",))
    first, second = ask(here), ask(here)
    bus.publish(first)
    await here.knows()
    bus.publish(second)
    _, box = worker(household, "worker")
    async with asyncio.timeout(30):
        assert [await anext(box), await anext(box)] == [first, second]


@pytest.mark.usefixtures("never_too_late")
@pytest.mark.parametrize("met", [False, True])
async def test_what_is_begun_before_its_worker_is_known_reaches_it(household: Household, *, met: bool) -> None:
    """In order, with the sound: an utterance whose recogniser joins in the midst of it is understood from its start."""
    bus = Bus()
    here = household.start("home", bus=bus, services=("dialogue",), sessions=("s",))
    if met:
        await here.knows()
    said: list[Event] = [
        here.publish(SttStart, utterance="u", from_sample=0, language="en"),
        here.publish(AudioCaptured, first_sample=0, rate=16_000, pcm=bytes(640)),
        here.publish(SttFinish, utterance="u", until_sample=320),
        here.publish(SttStart, utterance="v", from_sample=320, language="en"),
    ]
    there = Bus()
    box = watch(there, SttStart, AudioCaptured, SttFinish)
    there.subscribe(SttStart, SttFinish, name="stt")
    household.start("worker", bus=there, services=("stt",))
    async with asyncio.timeout(30):
        assert [await anext(box) for _ in said] == said


@pytest.mark.usefixtures("never_too_late")
async def test_who_begins_to_read_a_kind_gets_what_came_shortly_before(household: Household) -> None:
    """Between opening a subscription and being known for it nothing is missed; what is retained is told then, too."""
    there = Bus()
    household.start("other", bus=there)
    here = household.start("here")
    await here.knows("other")
    ready = here.publish(ServiceReady, service="memory")
    text = here.publish(TextEntered, text="x", speak=False)
    texts, told = watch(there, TextEntered), watch(there, ServiceReady)
    async with asyncio.timeout(30):
        assert (await anext(texts), await anext(told)) == (text, ready)
        last = here.publish(TextEntered, text="y", speak=False)
        assert await anext(texts) == last


@pytest.mark.usefixtures("never_too_late")
async def test_what_a_worker_has_had_it_does_not_get_again_when_it_returns(household: Household) -> None:
    """Its next life begins with what comes after what the last one handled."""
    for life, word in enumerate(("first", "second"), start=1):
        bus = Bus()
        box = Mailbox(bus, bus.subscribe(TextEntered, name="memory"))
        there = household.start("worker", bus=bus, services=("memory",), life=life)
        if life == 1:
            here = await owner(household, "worker")
        sent = here.publish(TextEntered, text=word, speak=False)
        async with asyncio.timeout(30):
            assert await anext(box) == sent
            waiting = asyncio.ensure_future(anext(box))  # the first is handled now
            while there.transport.held:
                await asyncio.sleep(0.01)
        waiting.cancel()
        await there.end()
        await here.knows()


async def test_who_comes_later_gets_what_is_retained(household: Household) -> None:
    """A worker's readiness is known to a conversation that began after it."""
    there, _ = worker(household, "worker")
    there.bus.publish(there.stamp(ServiceReady, service="llm").model_copy(update={"session": "w"}))
    bus = Bus()
    ready = watch(bus, ServiceReady)
    household.start("home", bus=bus, sessions=("s",))
    async with asyncio.timeout(30):
        assert (await anext(ready)).service == "llm"


async def test_what_a_worker_missed_while_it_was_away_it_finds_when_it_returns(household: Household) -> None:
    """Facts are kept for who works for conversations, in order."""
    bus = Bus()
    bus.subscribe(TextEntered, name="memory")
    there = household.start("worker", bus=bus, services=("memory",))
    here = household.start("home", sessions=("s",))
    await here.knows("worker")
    await there.end()
    await here.knows()
    sent = [here.publish(TextEntered, text=str(number), speak=False) for number in range(10)]
    bus = Bus()
    kept = Mailbox(bus, bus.subscribe(TextEntered, name="memory"))
    household.start("worker", bus=bus, services=("memory",), life=2)
    async with asyncio.timeout(30):
        assert [await anext(kept) for _ in sent] == sent
