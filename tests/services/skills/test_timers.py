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


@pytest.mark.parametrize(
    ("sentence", "cancelled"),
    [
        ("the pasta one", "The pasta timer is cancelled."),
        ("pasta please", "The pasta timer is cancelled."),
        ("the five minute one", "The timer for 5 minutes is cancelled."),
        ("5 minutes", "The timer for 5 minutes is cancelled."),
        ("the first", "The timer for 5 minutes is cancelled."),
        ("the second one", "The pasta timer is cancelled."),
        ("number two", "The pasta timer is cancelled."),
        ("the last timer", "The timer for 2 hours is cancelled."),
        ("the one for two hours", "The timer for 2 hours is cancelled."),
        ("none of them", ""),
        ("all of them",
         "The timer for 5 minutes is cancelled. The pasta timer is cancelled. The timer for 2 hours is cancelled."),
    ],
)  # fmt: skip
async def test_the_answer_chooses_among_those_that_were_asked_about(talk, sentence, cancelled):
    await talk.say("set a timer for two hours")
    await talk.say("set a pasta timer for ten minutes")
    await talk.say("set a timer for five minutes")
    await talk.say("cancel the timer")
    result = await talk.say(sentence)
    assert (result.outcome, result.speech) == ("answered", cancelled)


async def test_what_was_asked_for_is_done_to_the_chosen_one(talk):
    await talk.say("set a timer for two hours")
    await talk.say("set a pasta timer for ten minutes")
    await talk.say("add five minutes to the timer")
    assert (await talk.say("the pasta one")).speech == "The pasta timer now has 15 minutes left."
    await talk.say("pause the timer")
    assert (await talk.say("both")).speech == (
        "The pasta timer is paused with 15 minutes left. The timer for 2 hours is paused with 2 hours left."
    )


async def test_a_wrong_answer_leaves_the_question_open_and_so_does_asking_again(talk):
    for sentence in ("set a timer for two hours", "set a pasta timer for ten minutes", "cancel the timer"):
        await talk.say(sentence)
    assert (await talk.say("the rice one")).speech == "There is no such timer."
    assert (await talk.say("what did you say")).action == "repeat"
    assert (await talk.say("the pasta one")).speech == "The pasta timer is cancelled."


async def test_several_that_the_answer_may_mean_are_asked_about_again(talk):
    for sentence in ("set a timer for five minutes", "set a timer for five minutes", "set a timer for two hours"):
        await talk.say(sentence)
    await talk.say("cancel the timer")
    assert (await talk.say("the five minute one")).speech.startswith("Which one? There is the timer for 5 minutes, 5")
    assert (await talk.say("the second")).speech == "The timer for 5 minutes is cancelled."
    assert len(talk.store.kept) == 2


async def test_of_those_that_are_gone_meanwhile_none_is_chosen(talk):
    for sentence in ("set a timer for two hours", "set a pasta timer for ten minutes", "cancel the timer"):
        await talk.say(sentence)
    await talk.say("cancel all timers", session="elsewhere")
    assert (await talk.say("both")).speech == "No timer is running."


@pytest.mark.parametrize("sentence", ["i love pasta", "what time is it", "tell me more"])
async def test_whoever_speaks_of_something_else_is_not_asked_any_more(talk, sentence):
    for before in ("set a timer for two hours", "set a pasta timer for ten minutes", "cancel the timer"):
        await talk.say(before)
    await talk.say(sentence)
    assert (await talk.say("the second")).outcome == "unmatched"
    assert len(talk.store.kept) == 2


async def test_a_question_is_answered_within_two_minutes_in_its_own_conversation_and_after_a_restart(talking, store):
    async with talking(store=store) as talk:
        for before in ("set a timer for two hours", "set a pasta timer for ten minutes", "cancel the timer"):
            await talk.say(before)
    async with talking(store=store) as talk:
        assert (await talk.say("the second", session="elsewhere")).outcome == "unmatched"
        assert (await talk.say("the second")).speech == "The timer for 2 hours is cancelled."
        await talk.say("set a timer for two hours")
        await talk.say("cancel the timer")
        talk.clock.advance(121 * SECOND)
        assert (await talk.say("the second")).outcome == "unmatched"


@pytest.mark.parametrize(
    ("first", "then", "speech"),
    [
        ("set a timer", "ten minutes", "Timer set for 10 minutes."),
        ("set a pasta timer", "for ten minutes", "The pasta timer is set for 10 minutes."),
        ("set an alarm", "seven thirty am", "Alarm set for 7:30 AM tomorrow."),
        ("set an alarm for friday", "at six", "Alarm set for 6:00 AM on Friday, November 27."),
        ("set an alarm every weekday", "at noon", "Alarm set for 12:00 PM every weekday."),
    ],
)
async def test_what_was_missing_can_be_said_alone(talk, first, then, speech):
    assert (await talk.say(then)).outcome == "unmatched"
    assert (await talk.say(first)).outcome == "failed"
    assert (await talk.say(then)).speech == speech


@pytest.mark.parametrize(
    ("language", "sentences", "speech"),
    [
        ("de", ("stelle einen nudeltimer auf 10 minuten", "timer 5 minuten", "lösche den timer", "den nudeltimer"),
         "Der Timer „Nudel“ ist gelöscht."),
        ("de", ("timer 10 minuten", "timer 5 minuten", "lösche den timer", "den zweiten"),
         "Der Timer für 10 Minuten ist gelöscht."),
        ("de", ("stelle einen timer", "für zehn minuten"), "Der Timer läuft, 10 Minuten."),
        ("fr", ("minuteur 10 minutes", "minuteur 5 minutes", "annule le minuteur", "celui de 5 minutes"),
         "C'est annulé : le minuteur de 5 minutes."),
        ("fr", ("mets un minuteur", "dix minutes"), "Minuteur réglé sur 10 minutes."),
        ("es", ("temporizador 10 minutos", "temporizador 5 minutos", "cancela el temporizador", "el segundo"),
         "Cancelado: el temporizador de 10 minutos."),
        ("es", ("pon una alarma", "a las 7 de la mañana"), "Alarma puesta para mañana a las 7:00."),
    ],
)  # fmt: skip
async def test_questions_are_answered_in_other_languages(talking, language, sentences, speech):
    async with talking(languages=["en", language]) as talk:
        said = [(await talk.say(sentence, language)).speech for sentence in sentences]
    assert said[-1] == speech


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


async def test_a_ring_has_one_name_whoever_says_it(talking, store):
    """Two that both count it, because what the first had counted was lost, are heard once."""
    async with talking(store=store) as talk:
        await talk.say("set a timer for ten minutes")
    kept, names = store.kept, []
    for _ in range(2):
        store.kept = kept
        async with talking(store=store, later_s=600) as talk:
            names.append((await talk.bench.next(AlarmRang)).id)
    assert names[0] == names[1]


async def test_what_rings_is_silenced_by_stop(talking, store):
    async with talking(store=store) as talk:
        await talk.say("set a timer for ten minutes")
    async with talking(store=store, later_s=600) as talk:
        rang = await talk.bench.next(AlarmRang)
        assert (rang.speech, rang.session, rang.turn) == ("The timer for 10 minutes is done.", "test", 0)
        assert (await talk.say("stop")).action == "silence"
        assert (await talk.say("stop")).action == "stop"
    assert store.kept == ()


@pytest.mark.parametrize(
    "sentence", ["stop", "cancel the timer", "turn it off", "stop ringing", "stop the timer", "mute"]
)
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
