"""A call that comes again, because its process was killed before anybody knew that it was done, takes effect once."""

from __future__ import annotations

import pytest

from shared.events import ToolCall, ToolResult


def alarms(store):
    """What is set, as the person knows it."""
    return {(alarm.name, alarm.length, alarm.due, alarm.state) for alarm in store.kept}


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


async def test_a_call_that_comes_again_late_undoes_nothing_that_came_after_it(talking):
    """Whoever was stopped in the middle of it finds it done, and what was cancelled since stays cancelled."""
    async with talking() as talk:
        call = talk.bench.event(
            ToolCall, sentence="set a pasta timer for ten minutes", name="", arguments={}, language="en", turn=1
        )
        talk.bench.bus.publish(call)
        first = await talk.bench.next(ToolResult)
        await talk.say("cancel the pasta timer")
        talk.bench.bus.publish(call)
        assert (await talk.bench.next(ToolResult)).speech == first.speech
        assert talk.store.kept == ()


async def test_the_same_words_again_are_another_call(talking):
    async with talking() as talk:
        await talk.say("set a pasta timer for ten minutes")
        await talk.say("add five minutes to the pasta timer")
        await talk.say("add five minutes to the pasta timer")
        assert [alarm.length for alarm in talk.store.kept] == [20 * 60 * 10**9]


async def test_only_calls_that_changed_something_are_kept_and_of_the_last_their_results(talking):
    """An older one is known to be done, and does nothing when it comes again; however late, until a thousand are."""
    async with talking(most_alarms=100) as talk:
        await talk.say("what time is it")
        assert talk.store.done == ()
        call = talk.bench.event(
            ToolCall, sentence="set a pasta timer for a minute", name="", arguments={}, language="en", turn=1
        )
        talk.bench.bus.publish(call)
        await talk.bench.next(ToolResult)
        await talk.say("cancel the pasta timer")
        for _ in range(70):
            await talk.say("set a timer for ten minutes")
        assert len(talk.store.done) == 64
        assert len(talk.store.before) == 8
        talk.bench.bus.publish(call)
        assert (await talk.bench.next(ToolResult)).outcome == "answered"
        assert len(talk.store.kept) == 70
