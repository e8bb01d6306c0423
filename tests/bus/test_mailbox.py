"""A mailbox keeps what is in hand until it is done with, and gives it again after a crash."""

from __future__ import annotations

import asyncio

import pytest

from bus import Mailbox
from shared.events import LlmDelta, TextEntered, current


@pytest.fixture
async def mailbox(bus):
    return Mailbox(bus, bus.subscribe(TextEntered, LlmDelta))


async def take(mailbox, count=1):
    return [(await anext(mailbox)).text for _ in range(count)]


async def test_an_event_is_in_hand_until_the_next_is_asked_for(bus, make, mailbox):
    bus.publish(make.fact("1"))
    bus.publish(make.fact("2"))
    event = await anext(mailbox)
    assert (mailbox.in_hand, mailbox.handled, current.get()) == (1, 0, event)
    await anext(mailbox)
    assert (mailbox.in_hand, mailbox.handled) == (1, 1)
    mailbox.finish()
    assert (mailbox.in_hand, mailbox.handled) == (0, 2)


async def test_waiting_for_the_next_has_finished_the_one_before(bus, make, mailbox):
    bus.publish(make.fact("1"))
    await anext(mailbox)
    waiting = asyncio.create_task(anext(mailbox))
    await asyncio.sleep(0)
    assert mailbox.in_hand == 0
    waiting.cancel()


async def test_an_event_that_tasks_work_on_stays_in_hand_until_all_ended(bus, make, mailbox):
    bus.publish(make.fact("1"))
    event = await anext(mailbox)
    mailbox.hold(event)
    mailbox.hold(event)
    mailbox.finish()
    mailbox.release(event)
    assert (mailbox.in_hand, mailbox.handled) == (1, 0)
    mailbox.release(event)
    assert (mailbox.in_hand, mailbox.handled) == (0, 1)
    mailbox.release(event)
    assert mailbox.handled == 1


async def test_after_a_crash_what_was_in_hand_comes_first_and_in_order(bus, make, mailbox):
    for text in "1234":
        bus.publish(make.fact(text))
    held = await anext(mailbox)
    mailbox.hold(held)
    assert await take(mailbox, 2) == ["2", "3"]  # 1 is worked on by a task, 2 is done with, 3 is in hand
    mailbox.blame()
    blamed, dead, crashes = mailbox.crashed()
    assert (blamed.text, dead, crashes) == ("3", None, 1)
    assert await take(mailbox, 3) == ["1", "3", "4"]
    mailbox.finish()
    assert mailbox.in_hand == 0


async def test_a_second_crash_during_redelivery_keeps_the_order(bus, make, mailbox):
    for text in "123":
        bus.publish(make.fact(text))
    for _ in range(3):
        mailbox.hold(await anext(mailbox))
    mailbox.crashed()
    assert await take(mailbox) == ["1"]
    mailbox.crashed()
    assert await take(mailbox, 3) == ["1", "2", "3"]


async def test_the_first_blamed_is_blamed(bus, make, mailbox):
    for text in "12":
        bus.publish(make.fact(text))
    first = await anext(mailbox)
    mailbox.hold(first)
    await anext(mailbox)
    mailbox.blame(first)
    mailbox.blame()
    assert mailbox.crashed()[0] is first


async def test_a_crash_on_no_event_blames_none(bus, make, mailbox):
    bus.publish(make.fact("1"))
    await anext(mailbox)
    mailbox.finish()
    mailbox.blame()
    assert mailbox.crashed() == (None, None, 0)


async def test_an_event_that_was_blamed_but_finished_after_all_is_not_redelivered(bus, make, mailbox):
    for text in "12":
        bus.publish(make.fact(text))
    await anext(mailbox)
    mailbox.blame()
    await anext(mailbox)
    assert mailbox.crashed() == (None, None, 0)
    assert await take(mailbox) == ["2"]


async def test_an_event_is_given_up_at_its_fifth_crash_and_the_next_comes(bus, make, mailbox):
    bus.publish(make.fact("poison"))
    bus.publish(make.fact("fine"))
    for crashes in range(1, 5):
        poison = await anext(mailbox)
        mailbox.blame()
        assert mailbox.crashed() == (poison, None, crashes)
    poison = await anext(mailbox)
    mailbox.blame()
    assert mailbox.crashed() == (poison, poison, 5)
    assert mailbox.in_hand == 0
    assert await take(mailbox) == ["fine"]


async def test_crashes_are_counted_for_each_event_by_itself(bus, make, mailbox):
    for text in "12":
        bus.publish(make.fact(text))
    for text, count in (("1", 1), ("1", 2), ("2", 1)):
        event = await anext(mailbox)
        if text == "2":
            event = await anext(mailbox)
        mailbox.blame()
        assert mailbox.crashed() == (event, None, count)


async def test_work_that_was_fenced_meanwhile_is_not_delivered_again(bus, make, mailbox):
    bus.publish(make.work("old", turn=1))
    bus.publish(make.fact("fact", turn=1))
    mailbox.hold(await anext(mailbox))
    mailbox.hold(await anext(mailbox))
    mailbox.crashed()
    bus.fence("s", 2)
    assert await take(mailbox) == ["fact"]
    assert (mailbox.in_hand, mailbox.handled) == (1, 1)


async def test_an_overflow_is_forgiven_at_the_restart(bus, make):
    mailbox = Mailbox(bus, bus.subscribe(TextEntered, capacity=1))
    bus.publish(make.fact("kept"))
    bus.publish(make.fact("lost"))
    mailbox.crashed()
    assert await take(mailbox) == ["kept"]


async def test_a_closed_mailbox_ends_after_what_is_in_it(bus, make, mailbox):
    bus.publish(make.fact("1"))
    mailbox.close()
    bus.publish(make.fact("2"))
    assert [event.text async for event in mailbox] == ["1"]
    assert mailbox.handled == 1
