"""Publishing, subscribing, retained events, taps, groups, fences, draining and stats."""

from __future__ import annotations

import asyncio

import pytest

from bus import Overflow, latest
from shared.events import (
    Event,
    LlmDelta,
    ServiceCrashed,
    ServiceReady,
    SubscriptionOverflowed,
    TextEntered,
    TtsAudio,
    current,
)


async def test_a_subscription_gets_the_kinds_it_asked_for_in_the_published_order(bus, make, texts):
    both, facts = bus.subscribe(TextEntered, LlmDelta), bus.subscribe(TextEntered)
    for event in (make.fact("1"), make.work("2"), make.sound(), make.fact("3")):
        bus.publish(event)
    assert texts(both) == ["1", "2", "3"]
    assert texts(facts) == ["1", "3"]


async def test_a_base_class_means_all_kinds_below_it(bus, make):
    everything = bus.subscribe(Event)
    bus.publish(make.fact())
    bus.publish(make.sound())
    assert everything.queued == 2


async def test_a_session_keeps_to_one_conversation(bus, make, texts):
    mine = bus.subscribe(TextEntered, session="s")
    bus.publish(make.fact("mine"))
    bus.publish(make.fact("theirs", session="other"))
    assert texts(mine) == ["mine"]
    assert mine.ledger().offered == 1


async def test_a_waiting_reader_gets_the_event_and_handles_it_as_its_cause(bus, make):
    """What is stamped while an event is handled names it as its cause, and inherits session, turn and root."""
    subscription = bus.subscribe(TextEntered)
    seen = []

    async def handle():
        async for event in subscription:
            assert current.get() is event
            seen.append(make.stamp(LlmDelta, request="r", index=0, text=""))

    task = asyncio.create_task(handle())
    await asyncio.sleep(0)
    bus.publish(event := make.fact(turn=7))
    subscription.close()
    await task
    assert (seen[0].cause, seen[0].root, seen[0].turn, seen[0].session) == (event.id, event.id, 7, "s")


async def test_a_closed_subscription_ends_after_what_is_queued_and_leaves_the_stats(bus, make):
    async with bus.subscribe(TextEntered) as subscription:
        bus.publish(make.fact("before"))
    bus.publish(make.fact("after"))
    assert [event.text async for event in subscription] == ["before"]
    assert bus.stats() == ()


async def test_closing_ends_a_pending_read(bus):
    subscription = bus.subscribe(TextEntered)
    task = asyncio.create_task(anext(subscription))
    await asyncio.sleep(0)
    subscription.close()
    with pytest.raises(StopAsyncIteration):
        await task


async def test_cancelling_a_read_that_was_woken_gives_its_event_to_the_next(bus, make):
    subscription = bus.subscribe(TextEntered)
    first, second = (asyncio.create_task(anext(subscription)) for _ in range(2))
    await asyncio.sleep(0)
    bus.publish(make.fact("kept"))
    first.cancel()
    assert (await second).text == "kept"


async def test_late_subscribers_get_the_last_event_of_each_retained_slot(bus, make):
    for service in ("ears", "voice"):
        bus.publish(make.stamp(ServiceReady, service=service))
    bus.publish(make.stamp(ServiceCrashed, service="ears", error="broke", handling=None))
    late = bus.subscribe(ServiceReady, ServiceCrashed)
    assert [(e.kind, e.service) for e in iter(late.take_nowait, None)] == [
        ("service.ready", "voice"),
        ("service.crashed", "ears"),
    ]
    assert [e.service for e in iter(bus.subscribe(ServiceReady).take_nowait, None)] == ["voice"]
    assert bus.subscribe(ServiceReady, session="elsewhere").queued == 0


async def test_group_members_share_one_queue_and_each_event_goes_to_one(bus, make):
    workers = [bus.subscribe(TextEntered, group="workers") for _ in range(3)]
    done: list[str] = []

    async def work(subscription):
        async for event in subscription:
            done.append(event.text)
            await asyncio.sleep(0)

    tasks = [asyncio.create_task(work(worker)) for worker in workers]
    await asyncio.sleep(0)
    for i in range(30):
        bus.publish(make.fact(f"{i:02}"))
    assert await bus.drain(5)
    for worker in workers:
        worker.close()
    await asyncio.gather(*tasks)
    assert sorted(done) == [f"{i:02}" for i in range(30)]


async def test_a_member_that_leaves_does_not_end_the_group(bus, make, texts):
    stays, leaves = (bus.subscribe(TextEntered, group="workers") for _ in range(2))
    leaves.close()
    leaves.close()
    bus.publish(make.fact("on"))
    with pytest.raises(StopAsyncIteration):
        await anext(leaves)
    assert len(bus.stats()) == 1
    assert texts(stays) == ["on"]
    stays.close()
    assert bus.stats() == ()


async def test_a_group_has_one_set_of_kinds(bus):
    bus.subscribe(TextEntered, group="workers")
    with pytest.raises(ValueError, match="workers"):
        bus.subscribe(LlmDelta, group="workers")


async def test_a_tap_sees_everything_at_once_until_it_is_stopped(bus, make):
    seen: list[Event] = []
    stop = bus.tap(seen.append)
    bus.publish(event := make.sound())
    stop()
    stop()
    bus.publish(make.sound())
    assert seen == [event]


async def test_a_tap_that_raises_is_removed_and_harms_nobody(bus, make, texts):
    subscription = bus.subscribe(TextEntered)
    calls = []

    def broken(event: Event) -> None:
        calls.append(event)
        raise RuntimeError("a watcher's mistake")

    bus.tap(broken)
    bus.publish(make.fact("1"))
    bus.publish(make.fact("2"))
    assert len(calls) == 1
    assert texts(subscription) == ["1", "2"]


async def test_what_a_tap_publishes_comes_after_what_it_saw_for_everybody(bus, make, texts):
    seen: list[str] = []

    def echo(event: Event) -> None:
        if event.text == "call":
            bus.publish(make.fact("echo"))

    before = bus.subscribe(TextEntered)
    bus.tap(echo)
    bus.tap(lambda event: seen.append(event.text))
    after = bus.subscribe(TextEntered)
    bus.publish(make.fact("call"))
    assert texts(before) == texts(after) == seen == ["call", "echo"]
    assert [event.text for event in bus.replay()] == ["call", "echo"]


async def test_after_a_fence_work_of_older_turns_is_skipped_wherever_it_waits_and_facts_arrive(bus, make, texts):
    subscription = bus.subscribe(TextEntered, LlmDelta)
    bus.publish(make.work("old work", turn=1))
    bus.publish(make.fact("old fact", turn=1))
    bus.fence("s", 2)
    bus.publish(make.work("late work", turn=1))
    bus.publish(make.work("new work", turn=2))
    bus.publish(make.work("another's work", turn=1, session="other"))
    bus.publish(make.work("outside turns", turn=0))
    assert texts(subscription) == ["old fact", "new work", "another's work", "outside turns"]
    assert subscription.ledger().stale == 2


async def test_a_fence_never_moves_back_and_tells_its_watchers_once(bus):
    told: list[tuple[str, int]] = []
    stop = bus.on_fence(lambda session, turn: told.append((session, turn)))
    for turn in (3, 2, 3, 5):
        bus.fence("s", turn)
    stop()
    stop()
    bus.fence("s", 9)
    assert told == [("s", 3), ("s", 5)]
    assert (bus.fenced_turn("s"), bus.fenced_turn("unknown")) == (9, 0)


async def test_drain_waits_until_every_queue_is_empty(bus, make):
    subscription = bus.subscribe(TextEntered)
    bus.publish(make.fact())
    bus.publish(make.fact())
    drained = asyncio.create_task(bus.drain(5)), asyncio.create_task(bus.drain(5))
    await asyncio.sleep(0)
    await anext(subscription)
    assert not any(task.done() for task in drained)
    await anext(subscription)  # and never reads again
    assert await asyncio.gather(*drained) == [True, True]


async def test_drain_says_when_time_ran_out(bus, make):
    bus.subscribe(TextEntered)
    bus.publish(make.fact())
    assert await bus.drain(0.001) is False


async def test_drain_does_not_wait_for_who_left(bus, make):
    subscription = bus.subscribe(TextEntered)
    bus.publish(make.fact())
    drained = asyncio.create_task(bus.drain(5))
    await asyncio.sleep(0)
    subscription.close()
    assert await drained is True


async def test_stats_are_the_open_ledgers_oldest_first(bus, make):
    bus.subscribe(TextEntered, name="ears")
    bus.subscribe(LlmDelta, TtsAudio)
    bus.publish(make.fact())
    ears, voice = bus.stats()
    assert (ears.name, ears.offered, ears.queued, ears.high_water) == ("ears", 1, 1, 1)
    assert (voice.name, voice.offered) == ("llm.delta+tts.audio", 0)


async def test_capacity_and_key_are_checked(bus):
    with pytest.raises(ValueError, match="capacity"):
        bus.subscribe(TextEntered, capacity=0)
    with pytest.raises(ValueError, match="key"):
        bus.subscribe(TextEntered, overflow=Overflow.LATEST)


async def test_overflow_is_told_at_the_first_drop_and_whenever_the_drops_doubled(bus, make):
    """And it is nobody's doing: the event has no cause, whatever the publisher was handling."""
    told = bus.subscribe(SubscriptionOverflowed)
    bus.subscribe(TextEntered, name="slow", capacity=1, overflow=Overflow.DROP_OLDEST)
    current.set(make.fact(turn=4))
    for _ in range(10):
        bus.publish(make.fact())
        await asyncio.sleep(0)
    events = list(iter(told.take_nowait, None))
    assert [event.dropped for event in events] == [1, 2, 4, 8]
    assert {(e.subscription, e.policy, e.cause, e.session, e.turn) for e in events} == {
        ("slow", "drop-oldest", None, "", 0)
    }


async def test_the_overflow_callback_comes_at_every_event_that_finds_the_queue_full(bus, make):
    full = []
    slow = bus.subscribe(TextEntered, capacity=2, overflow=Overflow.FAIL, overflowed=full.append)
    for _ in range(5):
        bus.publish(make.fact())
    assert full == [slow, slow, slow]


async def test_latest_needs_no_event_of_another_key_to_go(bus, make, texts):
    subscription = bus.subscribe(TextEntered, capacity=2, overflow=latest(lambda event: event.turn))
    for text, turn in (("a1", 1), ("b1", 2), ("a2", 1)):
        bus.publish(make.fact(text, turn=turn))
    assert subscription.ledger().dropped == 1
    assert texts(subscription) == ["b1", "a2"]
