"""Timers by voice: several, named, told apart by length, and kept over a restart."""

from __future__ import annotations

import pytest

from services.skills.ringing import Kept, Unsaved
from shared.events import AlarmRang

SECOND = 1_000_000_000


async def test_a_timer_is_set_and_kept(talk):
    result = await talk.say("set a timer for ten minutes")
    assert result.speech == "Timer set for 10 minutes."
    [kept] = talk.store.kept
    assert (kept.kind, kept.length, kept.session) == ("timer", 600 * SECOND, "test")


async def test_a_named_timer_is_called_by_its_name(talk):
    result = await talk.say("set a pasta timer for ten minutes")
    assert result.speech == "The pasta timer is set for 10 minutes."
    talk.clock.advance(90 * SECOND)
    assert (await talk.say("how long is left on the pasta timer")).speech == (
        "The pasta timer has 8 minutes and 30 seconds left."
    )


async def test_without_a_length_it_asks_for_one_and_sets_nothing(talk):
    result = await talk.say("set a timer")
    assert result.outcome == "failed"
    assert result.speech.startswith("For how long?")
    assert talk.store.kept == ()


async def test_what_is_left_is_told_for_all(talk):
    await talk.say("set a pasta timer for ten minutes")
    await talk.say("set a timer for two hours")
    result = await talk.say("how long is left")
    assert result.speech == ("2 timers: the pasta timer, 10 minutes left; the timer for 2 hours, 2 hours left.")
    assert [timer["seconds_left"] for timer in result.data["timers"]] == [600, 7200]


async def test_a_name_need_not_be_said_to_the_letter(talk):
    """Nor as a whole; but whoever is called just so comes first, and what only sounds alike is not meant."""
    await talk.say("set a timer for five minutes called eggs")
    await talk.say("set a timer for six minutes called steak")
    assert (await talk.say("how long is left on the egg timer")).speech == "The eggs timer has 5 minutes left."
    assert (await talk.say("cancel the tea timer")).speech == "There is no such timer."
    await talk.say("set an egg timer for three minutes")
    assert (await talk.say("cancel the egg timer")).speech == "The egg timer is cancelled."
    assert (await talk.say("cancel the egg timer")).speech == "The eggs timer is cancelled."


async def test_of_several_it_asks_which_to_cancel(talk):
    await talk.say("set a pasta timer for ten minutes")
    await talk.say("set a timer for two hours")
    result = await talk.say("cancel the timer")
    assert (result.outcome, result.speech) == (
        "failed",
        "Which one? There is the pasta timer and the timer for 2 hours.",
    )
    assert (await talk.say("cancel the two hour timer")).speech == "The timer for 2 hours is cancelled."
    assert (await talk.say("cancel the timer")).speech == "The pasta timer is cancelled."
    assert talk.store.kept == ()


async def test_timers_of_the_same_length_are_told_apart_by_what_is_left(talk):
    """And named by their place among all, the next to ring first."""
    await talk.say("set a timer for five minutes")
    talk.clock.advance(60 * SECOND)
    await talk.say("set a timer for five minutes")
    await talk.say("set a pasta timer for ten minutes")
    assert (await talk.say("cancel the five minute timer")).speech == (
        "Which one? There is the timer for 5 minutes, 4 minutes left; the timer for 5 minutes, 5 minutes left."
    )
    assert (await talk.say("how long is left on the second timer")).speech.endswith("5 minutes left.")
    assert (await talk.say("cancel the last timer")).speech == "The pasta timer is cancelled."
    await talk.say("cancel the first timer")
    assert (await talk.say("how long is left")).speech == "The timer for 5 minutes has 5 minutes left."
    assert (await talk.say("cancel the third timer")).speech == "There is no such timer."


async def test_all_are_cancelled_at_once(talk):
    await talk.say("set a pasta timer for ten minutes")
    await talk.say("set a timer for two hours")
    await talk.say("set an alarm for seven")
    assert (await talk.say("cancel all timers")).speech == "All timers are cancelled."
    assert [alarm.kind for alarm in talk.store.kept] == ["alarm"]


@pytest.mark.parametrize(
    ("sentence", "left"),
    [
        ("add five minutes to the timer", "15 minutes"),
        ("take two minutes off the timer", "8 minutes"),
        ("take twenty minutes off the timer", "0 seconds"),
    ],
)
async def test_a_timer_is_lengthened_and_shortened(talk, sentence, left):
    await talk.say("set a timer for ten minutes")
    assert (await talk.say(sentence)).speech.endswith(f"now has {left} left.")


async def test_a_paused_timer_keeps_what_is_left(talk):
    await talk.say("set a timer for ten minutes")
    talk.clock.advance(60 * SECOND)
    assert (await talk.say("pause the timer")).speech == "The timer for 10 minutes is paused with 9 minutes left."
    talk.clock.advance(3600 * SECOND)
    assert (await talk.say("how long is left")).speech == "The timer for 10 minutes is paused with 9 minutes left."
    assert (await talk.say("resume the timer")).speech == "The timer for 10 minutes runs again, 9 minutes left."


@pytest.mark.parametrize("sentence", ["cancel the timer", "pause the timer", "add a minute to the timer"])
async def test_without_timers_it_says_so(talk, sentence):
    result = await talk.say(sentence)
    assert (result.outcome, result.speech) == ("failed", "No timer is running.")


async def test_there_is_an_end_to_how_many_and_how_long(talking):
    async with talking(most_alarms=1) as talk:
        assert (await talk.say("set a timer for two hundred hours")).outcome == "failed"
        assert (await talk.say("set a timer for ten minutes")).outcome == "answered"
        assert (await talk.say("set a timer for ten minutes")).outcome == "failed"


async def test_a_repeated_call_sets_its_timer_once(talk):
    """A call that is delivered again after a crash bears the same id."""
    from shared.events import ToolCall, ToolResult

    call = talk.bench.event(ToolCall, sentence="set a timer for ten minutes", name="", arguments={}, language="en")
    for _ in range(2):
        talk.bench.bus.publish(call)
        await talk.bench.next(ToolResult)
    assert len(talk.store.kept) == 1


async def test_a_timer_survives_a_restart_and_rings_late_with_words(talking, store):
    async with talking(store=store) as talk:
        await talk.say("set a pasta timer for ten minutes")
    async with talking(store=store, later_s=1800) as talk:
        rang = await talk.bench.next(AlarmRang)
    assert (rang.speech, rang.attempt) == ("The pasta timer ended 20 minutes ago.", 1)


async def test_what_rings_is_silenced_by_stop(talking, store):
    async with talking(store=store) as talk:
        await talk.say("set a timer for ten minutes")
    async with talking(store=store, later_s=600) as talk:
        rang = await talk.bench.next(AlarmRang)
        assert (rang.speech, rang.session, rang.turn) == ("The timer for 10 minutes is done.", "test", 0)
        assert (await talk.say("stop")).action == "silence"
        assert (await talk.say("stop")).action == "stop"
    assert store.kept == ()


@pytest.mark.parametrize("sentence", ["stop", "cancel the timer", "turn it off", "stop ringing", "stop the timer"])
async def test_there_are_many_ways_to_silence(talking, store, sentence):
    async with talking(store=store) as talk:
        await talk.say("set a timer for ten minutes")
    async with talking(store=store, later_s=600) as talk:
        await talk.bench.next(AlarmRang)
        result = await talk.say(sentence)
    assert (result.outcome, result.action) == ("answered", "silence")
    assert store.kept == ()


async def test_snooze_lets_it_ring_again_later(talking, store):
    async with talking(store=store) as talk:
        await talk.say("set a timer for ten minutes")
    async with talking(store=store, later_s=600) as talk:
        await talk.bench.next(AlarmRang)
        result = await talk.say("snooze for five minutes")
        assert (result.action, result.speech) == ("silence", "I will ring again in 5 minutes.")
    assert [kept.state for kept in store.kept] == ["waiting"]


async def test_what_cannot_be_kept_is_said(talking):
    class FullDisk:
        def load(self):
            return Kept(alarms=())

        def save(self, kept):
            raise Unsaved("The disk is full.")

    async with talking(store=FullDisk()) as talk:
        result = await talk.say("set a timer for ten minutes")
    assert result.outcome == "answered"
    assert result.speech == "Timer set for 10 minutes. I could not save it, so it is lost if I am restarted."
