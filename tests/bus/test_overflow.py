"""What each policy does with an event that finds the queue full; and that the ledger shows it."""

from __future__ import annotations

import asyncio

import pytest

from bus import Overflow, SlowReader, latest
from shared.events import TextEntered


def balanced(subscription):
    ledger = subscription.ledger()
    assert ledger.offered == ledger.delivered + ledger.dropped + ledger.stale + ledger.queued
    return ledger


async def test_drop_oldest_keeps_the_newest(bus, make, texts):
    subscription = bus.subscribe(TextEntered, capacity=3, overflow=Overflow.DROP_OLDEST)
    for i in range(10):
        bus.publish(make.fact(str(i)))
    ledger = balanced(subscription)
    assert (ledger.dropped, ledger.queued, ledger.high_water) == (7, 3, 3)
    assert texts(subscription) == ["7", "8", "9"]
    balanced(subscription)


async def test_latest_keeps_the_newest_of_each_key_at_its_own_place(bus, make, texts):
    subscription = bus.subscribe(TextEntered, capacity=3, overflow=latest(lambda event: event.turn))
    for text, turn in (("a1", 1), ("b1", 2), ("a2", 1), ("c1", 3), ("d1", 4)):
        bus.publish(make.fact(text, turn=turn))
    assert balanced(subscription).dropped == 2  # a1 replaced, b1 the oldest of the rest
    assert texts(subscription) == ["a2", "c1", "d1"]


async def test_fail_keeps_what_is_queued_and_tells_the_reader_once(bus, make):
    subscription = bus.subscribe(TextEntered, name="ears", capacity=2)
    for i in range(5):
        bus.publish(make.fact(str(i)))
    with pytest.raises(SlowReader, match=r"ears.*3 lost"):
        await anext(subscription)
    assert [(await anext(subscription)).text for _ in range(2)] == ["0", "1"]
    assert balanced(subscription).dropped == 3
    bus.publish(make.fact("on"))
    assert (await anext(subscription)).text == "on"


async def test_a_forgiven_overflow_is_not_told(bus, make):
    subscription = bus.subscribe(TextEntered, capacity=1)
    bus.publish(make.fact("kept"))
    bus.publish(make.fact("lost"))
    subscription.forgive()
    assert (await anext(subscription)).text == "kept"


async def test_who_is_told_of_an_overflow_leaves_what_is_queued_to_the_next(bus, make):
    """Two readers wait, two events come where one has room: one reader is told, the other gets the event."""
    subscription = bus.subscribe(TextEntered, capacity=1)
    first, second = (asyncio.create_task(anext(subscription)) for _ in range(2))
    await asyncio.sleep(0)
    bus.publish(make.fact("kept"))
    bus.publish(make.fact("lost"))
    with pytest.raises(SlowReader):
        await first
    assert (await second).text == "kept"


@pytest.mark.parametrize("overflow", [Overflow.FAIL, latest(lambda event: event.turn)], ids=["queue", "by key"])
async def test_the_ledger_says_since_when_the_oldest_waits(bus, make, overflow):
    """Nothing does once all was read."""
    subscription = bus.subscribe(TextEntered, capacity=3, overflow=overflow)
    first, second = make.fact("a", turn=1), make.fact("b", turn=2)
    assert balanced(subscription).oldest_at == 0
    bus.publish(first)
    bus.publish(second)
    assert balanced(subscription).oldest_at == first.at
    assert await anext(subscription) is first
    assert balanced(subscription).oldest_at == second.at
    await anext(subscription)
    assert balanced(subscription).oldest_at == 0
