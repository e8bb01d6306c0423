"""Replay: everything after a given event, in order, or the word that it cannot be given."""

from __future__ import annotations

import pytest

from bus import Bus, ReplayGap
from shared.events import AudioCaptured, Event, TextEntered


@pytest.fixture
def small():
    return Bus(ring=4, payload_ring=2)


async def test_replay_gives_what_came_after_in_order_and_of_the_kinds_asked_for(bus, make):
    events = [make.fact("1"), make.sound(), make.fact("2"), make.work("3")]
    for event in events:
        bus.publish(event)
    assert list(bus.replay()) == events
    assert list(bus.replay(events[0].id)) == events[1:]
    assert list(bus.replay(events[0].id, TextEntered)) == [events[2]]
    assert list(bus.replay(events[-1].id)) == []
    assert list(bus.replay(None, AudioCaptured)) == [events[1]]


async def test_sound_does_not_crowd_out_words(small, make):
    small.publish(word := make.fact("kept"))
    for _ in range(100):
        small.publish(make.sound())
    assert list(small.replay(None, TextEntered)) == [word]
    assert len(list(small.replay())) == 3


async def test_an_event_that_left_the_ring_is_a_gap(small, make):
    events = [make.fact(str(i)) for i in range(6)]
    for event in events:
        small.publish(event)
    with pytest.raises(ReplayGap, match=events[0].id):
        small.replay(events[0].id)
    with pytest.raises(ReplayGap):
        small.replay("never published")
    assert list(small.replay(events[2].id)) == events[3:]


async def test_a_gap_in_the_kinds_asked_for_is_told_and_in_others_is_not(small, make):
    small.publish(first := make.fact("1"))
    for _ in range(5):
        small.publish(make.sound())
    small.publish(second := make.fact("2"))
    assert list(small.replay(first.id, TextEntered)) == [second]
    for kinds in ((), (Event,), (AudioCaptured,), (TextEntered, AudioCaptured)):
        with pytest.raises(ReplayGap, match="fewer kinds"):
            small.replay(first.id, *kinds)


async def test_what_is_published_while_reading_a_replay_is_not_in_it(bus, make):
    bus.publish(make.fact())
    seen = 0
    for _ in bus.replay():
        bus.publish(make.fact())
        seen += 1
    assert seen == 1
