"""A feed: bounded whatever comes, with an account that adds up, and the latest readings for whoever is slow."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.feed import Feed, Filter, Missed
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
    while feed.queued:
        items.append(await anext(feed))
    return items


async def test_whoever_is_slow_gets_the_latest_readings() -> None:
    """Once it is behind; words are kept, and what was left out is told before what follows."""
    feed = Feed(EVERYTHING, 1000)
    words = [text(n) for n in range(64)]
    for event in (*words, *(reading(n) for n in range(500))):
        feed.offer(event)
    items = await read(feed)
    assert items[0] == Missed({"metric.sample": 499})
    assert items[1:65] == words
    assert [event.value for event in items[65:] if isinstance(event, MetricSample)] == [499]


async def test_whoever_keeps_up_gets_every_reading() -> None:
    feed = Feed(EVERYTHING, 1000)
    for n in range(10):
        feed.offer(reading(n))
    assert [event.value for event in await read(feed) if isinstance(event, MetricSample)] == list(range(10))


async def test_the_oldest_go_first_and_are_told() -> None:
    feed = Feed(EVERYTHING, 10)
    for n in range(25):
        feed.offer(text(n))
    missed, *events = await read(feed)
    assert missed == Missed({"text.entered": 15})
    assert [event.text for event in events if isinstance(event, TextEntered)] == [str(n) for n in range(15, 25)]


@given(
    steps=st.lists(st.one_of(st.just("take"), st.integers(0, 3), st.sampled_from(["x", "y"])), max_size=300),
    capacity=st.integers(1, 100),
    past=st.integers(0, 20),
)
async def test_the_account_adds_up_at_any_moment(steps: Sequence[int | str], capacity: int, past: int) -> None:
    """Offered is delivered, dropped and queued; what is told as missed is what was dropped; it never grows beyond."""
    feed = Feed(EVERYTHING, capacity)
    feed.begin(text(n) for n in range(past))
    told = 0
    for number, step in enumerate(steps):
        if step == "take":
            if feed.queued:
                item = await anext(feed)
                told += item.count if isinstance(item, Missed) else 0
        elif isinstance(step, str):
            feed.offer(reading(number, step))
        else:
            feed.offer(text(number))
        assert feed.offered == feed.delivered + feed.dropped + feed.queued
        assert feed.queued <= capacity + past
    told += sum(item.count for item in await read(feed) if isinstance(item, Missed))
    assert told == feed.dropped


async def test_a_closed_feed_ends_at_once_and_takes_nothing() -> None:
    feed = Feed(EVERYTHING, 10)
    feed.offer(text(1))
    feed.close()
    feed.offer(text(2))
    assert [item async for item in feed] == []
