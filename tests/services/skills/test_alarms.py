"""Alarms at a time of day: which moment is meant, across days and changes of the clocks."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from services.skills.ringing import resolve
from shared.events import AlarmRang

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("sentence", "speech"),
    [
        ("set an alarm for seven thirty tomorrow", "Alarm set for 7:30 AM tomorrow."),
        ("set an alarm for seven", "Alarm set for 7:00 PM today."),
        ("set an alarm for one", "Alarm set for 1:00 AM tomorrow."),
        ("set an alarm for seven am", "Alarm set for 7:00 AM tomorrow."),
        ("set an alarm for half past three in the afternoon", "Alarm set for 3:30 PM today."),
        ("wake me at quarter to eight", "Alarm set for 7:45 PM today."),
        ("set an alarm for quarter to one tomorrow", "Alarm set for 12:45 AM tomorrow."),
        ("set an alarm for noon", "Alarm set for 12:00 PM tomorrow."),
        ("set an alarm for midnight", "Alarm set for 12:00 AM tomorrow."),
        ("set an alarm for twelve thirty", "Alarm set for 12:30 AM tomorrow."),
        ("set an alarm for nineteen thirty", "Alarm set for 7:30 PM today."),
        ("set an alarm for eleven tonight", "Alarm set for 11:00 PM today."),
        ("set an alarm on friday at eight am", "Alarm set for 8:00 AM on Friday, November 27."),
        ("set an alarm for eight am on saturday", "Alarm set for 8:00 AM on Saturday, November 28."),
        ("set an alarm for eight pm on saturday", "Alarm set for 8:00 PM today."),
        ("set an alarm for friday at six", "Alarm set for 6:00 AM on Friday, November 27."),
        ("set an alarm on 3 march at noon", "Alarm set for 12:00 PM on Wednesday, March 3."),
        ("set an alarm for 7 am on the twenty fifth of december", "Alarm set for 7:00 AM on Friday, December 25."),
        ("wake me on november 21st at seven am", "Alarm set for 7:00 AM on Sunday, November 21, 2027."),
        ("wake me on november 21st at seven pm", "Alarm set for 7:00 PM today."),
        ("wake me every weekday at seven", "Alarm set for 7:00 AM every weekday."),
        ("wake me up every day at six thirty", "Alarm set for 6:30 AM every day."),
        ("wake me up every evening at six", "Alarm set for 6:00 PM every day."),
        ("set an alarm on weekends at ten", "Alarm set for 10:00 AM every weekend."),
        ("set a daily alarm for nine", "Alarm set for 9:00 AM every day."),
        (
            "set an alarm for 8 pm every monday, wednesday and friday",
            "Alarm set for 8:00 PM every Monday, Wednesday, and Friday.",
        ),
        ("set a gym alarm for 6 pm every tuesday", "The gym alarm is set for 6:00 PM every Tuesday."),
        ("set an alarm monday to friday at 6:45", "Alarm set for 6:45 AM every weekday."),
        ("set a school alarm for seven tomorrow", "The school alarm is set for 7:00 AM tomorrow."),
    ],
)
async def test_the_moment_that_is_meant(talk, sentence, speech):
    """It is 2 PM on Saturday, 21 November."""
    assert (await talk.say(sentence)).speech == speech


async def test_where_clocks_have_24_hours_the_hour_is_as_it_is_said(talking):
    async with talking(hours="24") as talk:
        assert (await talk.say("set an alarm for seven")).speech == "Alarm set for 7:00 tomorrow."


async def test_without_a_time_it_asks_for_one(talk):
    result = await talk.say("set an alarm")
    assert (result.outcome, talk.store.kept) == ("failed", ())
    assert result.speech.startswith("At what time?")


async def test_the_same_alarm_set_twice_is_cancelled_as_one(talk):
    """Nobody could say which of the two is meant; by their days they can."""
    for time in ("seven am tomorrow", "seven am tomorrow", "seven am on monday"):
        await talk.say(f"set an alarm for {time}")
    assert (await talk.say("cancel the seven am alarm")).speech == (
        "Which one? There is 7:00 AM tomorrow and 7:00 AM on Monday, November 23."
    )
    assert (await talk.say("cancel the last alarm")).speech == "The alarm for 7:00 AM is cancelled."
    assert (await talk.say("cancel the alarm")).speech == "The alarm for 7:00 AM is cancelled."
    assert talk.store.kept == ()


async def test_one_of_several_alarms_is_chosen_and_alike_ones_with_it(talk):
    for time in ("seven am tomorrow", "seven am tomorrow", "seven am on monday", "eight am tomorrow"):
        await talk.say(f"set an alarm for {time}")
    await talk.say("cancel the alarm")
    assert (await talk.say("the eight o'clock one")).speech == "The alarm for 8:00 AM is cancelled."
    await talk.say("cancel the alarm")
    assert (await talk.say("the first")).speech == "The alarm for 7:00 AM is cancelled."
    assert [alarm.local for alarm in talk.store.kept] == ["2026-11-23T07:00:00"]


async def test_alarms_are_listed_and_cancelled_by_their_time(talk):
    await talk.say("set an alarm for seven thirty tomorrow")
    await talk.say("set an alarm for nine pm")
    assert (await talk.say("what alarms do i have")).speech == "2 alarms: 9:00 PM today and 7:30 AM tomorrow."
    assert (await talk.say("cancel the seven thirty alarm")).speech == "The alarm for 7:30 AM is cancelled."
    assert (await talk.say("what alarms do i have")).speech == "One alarm, 9:00 PM today."
    assert (await talk.say("cancel the six o'clock alarm")).speech == "There is no such alarm."
    assert (await talk.say("cancel the alarm")).speech == "The alarm for 9:00 PM is cancelled."
    assert (await talk.say("what alarms do i have")).speech == "No alarm is set."


async def test_an_alarm_that_comes_again_is_listed_and_cancelled_by_its_days(talk):
    await talk.say("wake me every weekday at seven")
    await talk.say("wake me every monday at six")
    await talk.say("set an alarm for seven am tomorrow")
    assert (await talk.say("what alarms do i have")).speech == (
        "3 alarms: 7:00 AM tomorrow, 6:00 AM every Monday, and 7:00 AM every weekday."
    )
    assert (await talk.say("cancel the weekend alarm")).speech == "There is no such alarm."
    assert (await talk.say("cancel the weekday alarm")).speech == "The alarm for 7:00 AM every weekday is cancelled."
    assert (await talk.say("cancel the monday alarm")).speech == "The alarm for 6:00 AM every Monday is cancelled."
    assert [alarm.days for alarm in talk.store.kept] == [()]


async def test_one_ring_of_an_alarm_that_comes_again_can_be_left_out(talk):
    await talk.say("wake me every day at seven")
    assert (await talk.say("cancel tomorrow's alarm")).speech == (
        "The alarm for 7:00 AM every day will not ring tomorrow."
    )
    assert [alarm.local for alarm in talk.store.kept] == ["2026-11-23T07:00:00"]
    assert (await talk.say("cancel tomorrow's alarm")).speech == "There is no such alarm."


async def test_an_alarm_that_comes_again_rings_after_a_restart_and_waits_for_its_next_day(talking, store):
    async with talking(store=store) as talk:
        await talk.say("wake me every day at three pm")
    async with talking(store=store, later_s=3600) as talk:
        assert (await talk.bench.next(AlarmRang)).speech == "It is 3:00 PM. This is your alarm."
        assert (await talk.say("stop")).action == "silence"
    assert [(alarm.state, alarm.local) for alarm in store.kept] == [("waiting", "2026-11-22T15:00:00")]


async def test_a_weekday_is_today_until_it_is_too_late(talk):
    assert (await talk.call("set_alarm", hour=15, day="Saturday")).speech == "Alarm set for 3:00 PM today."
    assert (await talk.call("set_alarm", hour=13, day="Saturday")).speech.endswith("on Saturday, November 28.")


async def test_the_model_sets_one_that_comes_again_with_the_days_in_words(talk):
    result = await talk.call("set_alarm", hour=7, half="am", every="Monday, Tuesday")
    assert result.speech == "Alarm set for 7:00 AM every Monday and Tuesday."
    assert [alarm.days for alarm in talk.store.kept] == [(0, 1)]


@pytest.mark.parametrize(
    ("arguments", "speech"),
    [
        ({"every": "full moon"}, "I do not know which day you mean by full moon."),
        ({"day": "doomsday"}, "I do not know which day you mean by doomsday."),
        ({"day": "2026-11-20"}, "That time has passed."),
    ],
)
async def test_a_day_that_does_not_come_is_refused(talk, arguments, speech):
    result = await talk.call("set_alarm", hour=7, **arguments)
    assert (result.outcome, result.speech, talk.store.kept) == ("failed", speech, ())


@pytest.mark.parametrize(
    ("language", "sentence", "speech"),
    [
        ("de", "weck mich jeden werktag um 7 uhr", "Der Wecker klingelt an jedem Werktag um 07:00 Uhr."),
        ("de", "stelle einen wecker für jeden montag um 6 uhr 30", "Der Wecker klingelt jeden Montag um 06:30 Uhr."),
        ("de", "stelle einen wecker am 3. märz um 8 uhr", "Der Wecker klingelt am Mittwoch, 3. März um 08:00 Uhr."),
        ("fr", "réveille-moi tous les jours à 7 heures", "Alarme réglée pour chaque jour à 7:00."),
        ("fr", "mets une alarme le 3 mars à 8 heures", "Alarme réglée pour le mercredi 3 mars à 8:00."),
        ("es", "despiértame todos los días a las 7", "Alarma puesta para cada día a las 7:00."),
        ("es", "pon una alarma el 3 de marzo a las 8", "Alarma puesta para el miércoles, 3 de marzo a las 8:00."),
    ],
)
async def test_days_that_come_again_and_dates_in_other_languages(talking, language, sentence, speech):
    async with talking(languages=["en", language]) as talk:
        assert (await talk.say(sentence, language)).speech == speech


def berlin(text):
    zone = ZoneInfo("Europe/Berlin")
    return datetime.fromtimestamp(resolve(datetime.fromisoformat(text), zone) / SECOND, zone).isoformat()


def test_a_time_that_the_clocks_skip_is_as_far_past_the_change_as_it_was_meant():
    assert berlin("2026-03-29T02:30") == "2026-03-29T03:30:00+02:00"


def test_of_an_hour_that_comes_twice_the_first_is_meant():
    assert berlin("2026-10-25T02:30") == "2026-10-25T02:30:00+02:00"


def test_the_morning_after_a_change_is_still_that_morning():
    assert berlin("2026-10-25T07:30") == "2026-10-25T07:30:00+01:00"
