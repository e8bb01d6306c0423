"""A feed: bounded whatever comes, with an account that adds up, and the latest readings for whoever is slow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hypothesis import given
from hypothesis import strategies as st

from bus import Bus
from services.gateway.feed import Feed, Filter, Missed
from services.gateway.hub import Hub
from shared.clock import ManualClock
from shared.events import REGISTRY, Event, MetricSample, Stamp, TextEntered
from shared.ids import id_source

EVERYTHING = Filter.of(REGISTRY, "", None, None)
stamp = Stamp("test", ManualClock(), id_source("e-"), "s")


def text(number: int) -> Event:
    return stamp(TextEntered, text=str(number), speak=False)


def reading(value: int, name: str = "cpu") -> Event:
    return stamp(MetricSample, name=name, value=value, labels={})


async def read(feed: Feed) -> list[Event | Missed]:
    """All that waits."""
    items = []
    while feed.queued or feed.left_alone:
        items.append(await anext(feed))
    return items


def words(items: Iterable[Event | Missed]) -> list[int]:
    return [int(item.text) for item in items if isinstance(item, TextEntered)]


async def test_whoever_is_slow_gets_the_latest_readings() -> None:
    """Once it is behind; words are kept, and what was left out is told before what follows."""
    feed = Feed(EVERYTHING, 1000)
    said = [text(n) for n in range(64)]
    for event in (*said, *(reading(n) for n in range(500))):
        feed.offer(event)
    items = await read(feed)
    assert items[0] == Missed({"metric.sample": 499})
    assert items[1:65] == said
    assert [event.value for event in items[65:] if isinstance(event, MetricSample)] == [499]


async def test_whoever_keeps_up_gets_every_reading() -> None:
    feed = Feed(EVERYTHING, 1000)
    for n in range(10):
        feed.offer(reading(n))
    assert [event.value for event in await read(feed) if isinstance(event, MetricSample)] == list(range(10))


async def test_whoever_falls_behind_goes_on_with_the_newest() -> None:
    """After what it was given, and is told what lies between; while it does not read it costs nothing."""
    bus = Bus()
    hub, feed = Hub(bus), Feed(EVERYTHING, 10)
    hub.attach(feed, None)
    for n in range(25):
        bus.publish(text(n))
    assert feed.left_alone
    first = [await anext(feed) for _ in range(10)]
    missed = await anext(feed)
    rest = [await anext(feed) for _ in range(10)]
    assert missed == Missed({"text.entered": 5})
    assert words((*first, *rest)) == [*range(10), *range(15, 25)]
    bus.publish(text(25))
    assert words([await anext(feed)]) == [25]
    hub.detach(feed)


async def test_each_is_told_of_what_it_asked_for_alone() -> None:
    """Kinds, session and turn that it does not want are not missed."""
    bus = Bus()
    hub, feed = Hub(bus), Feed(Filter.of(REGISTRY, "text.*", "s", 1), 2)
    hub.attach(feed, None)
    for n in range(9):
        bus.publish(stamp(TextEntered, text=str(n), speak=False, turn=1))
        bus.publish(stamp(TextEntered, text="x", speak=False, turn=2))
        bus.publish(stamp(TextEntered, text="y", speak=False, turn=1, session="other"))
        bus.publish(reading(n))
    first = [await anext(feed) for _ in range(2)]
    assert await anext(feed) == Missed({"text.entered": 5})
    assert words([*first, await anext(feed), await anext(feed)]) == [0, 1, 7, 8]
    hub.detach(feed)


@given(
    steps=st.lists(st.one_of(st.just("take"), st.integers(0, 3), st.sampled_from(["x", "y"])), max_size=300),
    capacity=st.integers(1, 100),
    past=st.integers(0, 20),
)
async def test_the_account_adds_up_at_any_moment(steps: Sequence[int | str], capacity: int, past: int) -> None:
    """Offered is delivered, dropped and queued; what is told as missed is what was dropped; nothing else is lost."""
    bus = Bus()
    hub, feed = Hub(bus), Feed(EVERYTHING, capacity)
    first = text(-1)
    bus.publish(first)
    for n in range(past):
        bus.publish(text(n))
    hub.attach(feed, first.id)
    told = published = 0
    for number, step in enumerate(steps):
        if step == "take":
            if feed.queued or feed.left_alone:
                item = await anext(feed)
                told += item.count if isinstance(item, Missed) else 0
        else:
            bus.publish(reading(number, step) if isinstance(step, str) else text(number))
            published += 1
        assert feed.offered == feed.delivered + feed.dropped + feed.queued
        assert feed.queued <= max(capacity, past) + capacity
    told += sum(item.count for item in await read(feed) if isinstance(item, Missed))
    assert told == feed.dropped
    assert feed.delivered + feed.dropped == past + published
    hub.detach(feed)


async def test_a_closed_feed_ends_at_once_and_takes_nothing() -> None:
    feed = Feed(EVERYTHING, 10)
    feed.offer(text(1))
    feed.close()
    feed.offer(text(2))
    assert [item async for item in feed] == []
