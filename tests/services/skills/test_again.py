"""A call that comes again, because its process was killed before anybody knew that it was done, takes effect once."""

from __future__ import annotations

import pytest

from shared.events import ToolCall, ToolResult


def alarms(store):
    """What is set, as the person knows it."""
    return {(alarm.name, alarm.length, alarm.due, alarm.state) for alarm in store.alarms}


@pytest.mark.parametrize(
    "sentence",
    [
        "set a tea timer for three minutes",
        "add five minutes to the pasta timer",
        "take two minutes off the pasta timer",
        "cancel the pasta timer",
        "cancel all timers",
        "pause the pasta timer",
    ],
)
async def test_a_call_that_is_killed_in_the_very_middle_takes_effect_once(talking, sentence):
    """What it did is on disk, nobody has heard of it; the next life answers the same, and nothing was done twice."""
    async with talking() as talk:
        store = talk.store
        await talk.say("set a pasta timer for ten minutes")
        call = talk.bench.event(ToolCall, sentence=sentence, name="", arguments={}, language="en", turn=2)
        talk.bench.bus.publish(call)
        first = await talk.bench.next(ToolResult)
        done = alarms(store)
    for _ in range(2):
        async with talking(store=store) as talk:
            talk.bench.bus.publish(call)
            again = await talk.bench.next(ToolResult)
        assert (again.outcome, again.speech, again.data) == (first.outcome, first.speech, first.data)
        assert alarms(store) == done


async def test_what_was_done_to_a_timer_by_another_call_is_not_undone(talking):
    """Only the very same call is repeated."""
    async with talking() as talk:
        await talk.say("set a pasta timer for ten minutes")
        await talk.say("add five minutes to the pasta timer")
        await talk.say("add five minutes to the pasta timer")
        assert [alarm.length for alarm in talk.store.kept] == [20 * 60 * 10**9]
        await talk.say("cancel the pasta timer")
        await talk.say("what time is it")
        await talk.say("set a tea timer for ten minutes")
        assert [alarm.name for alarm in talk.store.kept] == ["tea"]
