"""Alarms at a time of day: which moment is meant, across days and changes of the clocks."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from services.skills.ringing import resolve

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


async def test_alarms_are_listed_and_cancelled_by_their_time(talk):
    await talk.say("set an alarm for seven thirty tomorrow")
    await talk.say("set an alarm for nine pm")
    assert (await talk.say("what alarms do i have")).speech == "2 alarms: 9:00 PM today and 7:30 AM tomorrow."
    assert (await talk.say("cancel the seven thirty alarm")).speech == "The alarm for 7:30 AM is cancelled."
    assert (await talk.say("what alarms do i have")).speech == "One alarm, 9:00 PM today."
    assert (await talk.say("cancel the six o'clock alarm")).speech == "There is no such alarm."
    assert (await talk.say("cancel the alarm")).speech == "The alarm for 9:00 PM is cancelled."
    assert (await talk.say("what alarms do i have")).speech == "No alarm is set."


def berlin(text):
    zone = ZoneInfo("Europe/Berlin")
    return datetime.fromtimestamp(resolve(datetime.fromisoformat(text), zone) / SECOND, zone).isoformat()


def test_a_time_that_the_clocks_skip_is_as_far_past_the_change_as_it_was_meant():
    assert berlin("2026-03-29T02:30") == "2026-03-29T03:30:00+02:00"


def test_of_an_hour_that_comes_twice_the_first_is_meant():
    assert berlin("2026-10-25T02:30") == "2026-10-25T02:30:00+02:00"


def test_the_morning_after_a_change_is_still_that_morning():
    assert berlin("2026-10-25T07:30") == "2026-10-25T07:30:00+01:00"
