"""Alarms at a time of day: set, cancel, list; and what is done while something rings: silence, snooze."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, JsonValue

from services.skills.days import day_named
from services.skills.known.timers import Duration, nth, speakable_name
from services.skills.labels import due_moment, label, named, upper_first, when
from services.skills.ringing import Alarm, AlarmBook, resolve
from services.skills.skill import Answer, Arguments, Asked, NoArguments, Skill

__all__ = ["AlarmStatus", "CancelAlarm", "SetAlarm", "Silence", "Snooze"]

Half = Literal["", "am", "pm", "night"]


class TimeOfDay(Arguments):
    """A time of day, perhaps on a day."""

    hour: int | None = Field(None, ge=0, le=24, description="Hour, 0 to 24.")
    minute: int = Field(0, ge=0, le=59, description="Minute.")
    before: int = Field(0, ge=0, le=59, description="Minutes before that hour.", json_schema_extra={"spoken": True})
    half: Half = Field("", description="am or pm for an hour of the 12-hour clock.")
    day: str = Field("", description="today, tomorrow or a weekday; empty for the next time it is that late.")


class AlarmArguments(TimeOfDay):
    """When, and for what."""

    name: str = Field("", max_length=60, description="What the alarm is for; may be empty.")


class WhichAlarm(TimeOfDay):
    """One of the alarms that are set."""

    name: str = Field("", description="What the alarm is for; empty when it has no name.")
    which: Literal["", "all"] = Field("", description="all for every alarm.")
    position: int = Field(
        0,
        ge=-1,
        description="Its place among them, from 1 for the next to ring; -1 for the last.",
        json_schema_extra={"spoken": True},
    )


class SetAlarm(Skill[AlarmArguments]):
    """Set an alarm that rings at a time of day."""

    name = "set_alarm"
    arguments = AlarmArguments

    def __init__(self, book: AlarmBook, zone: ZoneInfo, *, most: int) -> None:
        self._book = book
        self._zone = zone
        self._most = most

    def fits(self, arguments: AlarmArguments, asked: Asked) -> bool:
        return speakable_name(arguments.name)

    async def answer(self, arguments: AlarmArguments, asked: Asked) -> Answer:
        words = asked.words
        if arguments.hour is None:
            return Answer(words.say("timers", "alarm_when"), {"error": "no time"}, failed=True)
        local = next_time(arguments, asked)
        if local is None:
            return Answer(words.say("timers", "bad_time"), {"error": "bad time"}, failed=True)
        if len(self._book.all()) >= self._most:
            return Answer(words.say("set_timer", "too_many", count=self._most), failed=True)
        alarm = self._book.add(self._alarm(local, arguments.name.strip(), asked))
        return self._answer(alarm, asked)

    def _alarm(self, local: datetime, name: str, asked: Asked) -> Alarm:
        return Alarm(
            id=asked.id,
            kind="alarm",
            name=name,
            language=asked.language,
            session=asked.session,
            set_at=asked.now_ns,
            length=0,
            due=resolve(local, self._zone),
            local=local.isoformat(),
            zone=self._zone.key,
        )

    @staticmethod
    def _answer(alarm: Alarm, asked: Asked) -> Answer:
        words, rings = asked.words, due_moment(alarm, asked.now.tzinfo)
        speech = words.say(
            "timers",
            "alarm_set_named" if alarm.name else "alarm_set",
            label=label(alarm, words, asked.now.tzinfo),
            time=words.time(rings),
            day=when(rings, asked.now, words),
        )
        return Answer(upper_first(speech), {"alarm": alarm.id, "at": rings.isoformat("T", "minutes")}, lasting=True)


def next_time(arguments: TimeOfDay, asked: Asked) -> datetime | None:
    """Return the local time (naive) that is meant: the next such moment after now, or the one on the day named.

    Without am or pm an hour of a 12-hour clock is the next of its two, by day the one in the morning.
    """
    now = asked.now.replace(tzinfo=None)
    day = day_named(arguments.day, now.date())
    if day is None or arguments.hour is None:
        return None
    if arguments.day.lower() == now.strftime("%A").lower():
        day = now.date()
    hours = _hours(arguments.hour, arguments.half, either=not arguments.day and not asked.words.hours24)
    moments = sorted(_moment(day, hour, arguments) for hour in hours)
    for moment in moments:
        if moment > now:
            return moment
    return moments[0] + _repeat_after(arguments.day)


def _moment(day: date, hour: int, arguments: TimeOfDay) -> datetime:
    start = datetime(day.year, day.month, day.day)  # noqa: DTZ001 (a naive local time is what is meant)
    return start + timedelta(hours=hour, minutes=arguments.minute - arguments.before)


def _repeat_after(day: str) -> timedelta:
    """When a time that has passed comes again: tomorrow, or on the same weekday of next week."""
    return timedelta(days=1 if day in ("", "today") else 7)


def _hours(hour: int, half: Half, *, either: bool) -> list[int]:
    if half == "night":
        half = "am" if hour in (12, 1, 2, 3, 4, 5) else "pm"
    if half == "am":
        return [hour % 12 if hour <= 12 else hour]
    if half == "pm":
        return [hour % 12 + 12 if hour <= 12 else hour]
    return [hour, hour + 12] if either and 1 <= hour < 12 else [hour, hour - 12] if either and hour == 12 else [hour]


class _OfAlarms(Skill[WhichAlarm]):
    """What has to do with alarms that are set."""

    arguments = WhichAlarm

    def __init__(self, book: AlarmBook) -> None:
        self._book = book

    def fits(self, arguments: WhichAlarm, asked: Asked) -> bool:
        return speakable_name(arguments.name)

    def _chosen(self, arguments: WhichAlarm, asked: Asked) -> list[Alarm]:
        """The alarms that the words may mean."""
        alarms = [alarm for alarm in self._book.all() if alarm.kind == "alarm"]
        if arguments.name.strip():
            alarms = named(alarms, arguments.name)
        if arguments.hour is not None:
            alarms = [alarm for alarm in alarms if self._at(alarm, arguments, asked)]
        if arguments.day:
            day = day_named(arguments.day, asked.now.date())
            alarms = [alarm for alarm in alarms if due_moment(alarm, asked.now.tzinfo).date() == day]
        return nth(alarms, arguments.position)

    @staticmethod
    def _at(alarm: Alarm, arguments: WhichAlarm, asked: Asked) -> bool:
        assert arguments.hour is not None
        rings = due_moment(alarm, asked.now.tzinfo)
        hours = _hours(arguments.hour, arguments.half, either=not asked.words.hours24)
        moments = (_moment(rings.date(), hour, arguments) for hour in hours)
        return any((moment.hour, moment.minute) == (rings.hour, rings.minute) for moment in moments)

    def _none(self, asked: Asked) -> Answer:
        some = any(alarm.kind == "alarm" for alarm in self._book.all())
        return Answer(asked.words.say("timers", "no_such_alarm" if some else "no_alarm"), {"alarms": []}, failed=True)


def alarm_item(alarm: Alarm, asked: Asked) -> str:
    """One of several, with its time and day."""
    rings = due_moment(alarm, asked.now.tzinfo)
    key = "alarm_item_named" if alarm.name else "alarm_item"
    day = when(rings, asked.now, asked.words)
    return asked.words.say("timers", key, name=alarm.name, time=asked.words.time(rings), day=day)


class CancelAlarm(_OfAlarms):
    """Cancel an alarm, or all of them; one that rings is silenced."""

    name = "cancel_alarm"

    async def answer(self, arguments: WhichAlarm, asked: Asked) -> Answer:
        ringing = self._book.ringing()
        alarms = self._chosen(arguments, asked)
        if (
            ringing
            and arguments.which != "all"
            and not (arguments.name or arguments.position)
            and arguments.hour is None
        ):
            self._book.silence()
            return Answer("", {"silenced": len(ringing)}, "silence")
        if not alarms:
            return self._none(asked)
        words = asked.words
        items = list(dict.fromkeys(alarm_item(alarm, asked) for alarm in alarms))
        if len(items) > 1 and arguments.which != "all":
            labels = list(dict.fromkeys(label(alarm, words, asked.now.tzinfo) for alarm in alarms))
            told = words.all_of(labels if len(labels) == len(items) else items)
            return Answer(words.say("timers", "which_alarm", list=told), failed=True)
        speech = words.say("timers", "cancelled", label=label(alarms[0], words, asked.now.tzinfo))
        for alarm in alarms:
            self._book.remove(alarm)
        if arguments.which == "all":
            speech = words.say("timers", "alarms_cancelled_all")
        return Answer(upper_first(speech), {"cancelled": len(alarms)}, "silence" if ringing else "none")


class AlarmStatus(_OfAlarms):
    """Tell which alarms are set."""

    name = "alarm_status"

    async def answer(self, arguments: WhichAlarm, asked: Asked) -> Answer:
        alarms = self._chosen(arguments, asked)
        words, zone = asked.words, asked.now.tzinfo
        if not alarms:
            return Answer(self._none(asked).speech, {"alarms": []})
        if len(alarms) == 1:
            return Answer(upper_first(self._one(alarms[0], asked)), {"alarms": _facts(alarms, zone)})
        said = [alarm_item(alarm, asked) for alarm in alarms]
        speech = words.say("timers", "alarms", count=len(alarms), list=words.all_of(said))
        return Answer(speech, {"alarms": _facts(alarms, zone)})

    @staticmethod
    def _one(alarm: Alarm, asked: Asked) -> str:
        rings = due_moment(alarm, asked.now.tzinfo)
        fields = {"time": asked.words.time(rings), "day": when(rings, asked.now, asked.words)}
        name = label(alarm, asked.words, asked.now.tzinfo)
        return asked.words.say("timers", "alarm_one_named" if alarm.name else "alarm_one", label=name, **fields)


def _facts(alarms: list[Alarm], zone: object) -> list[JsonValue]:
    return [{"name": alarm.name, "at": due_moment(alarm, zone).isoformat("T", "minutes")} for alarm in alarms]  # type: ignore[arg-type]


class Snooze(Skill[Duration]):
    """Silence what rings and let it ring again a little later."""

    name = "snooze"
    arguments = Duration

    def __init__(self, book: AlarmBook, *, seconds: float) -> None:
        self._book = book
        self._usual = timedelta(seconds=seconds)

    async def answer(self, arguments: Duration, asked: Asked) -> Answer:
        ringing = self._book.ringing()
        if not ringing:
            return Answer(asked.words.say("timers", "nothing_rings"), failed=True)
        length = arguments.length() or self._usual
        for alarm in ringing:
            self._book.snooze(alarm, round(length.total_seconds()) * 1_000_000_000)
        speech = asked.words.say("timers", "snoozed", duration=asked.words.duration(length))
        return Answer(speech, {"seconds": length.total_seconds()}, "silence")


class Silence(Skill[NoArguments]):
    """Silence the timer or alarm that is ringing."""

    name = "silence"

    def __init__(self, book: AlarmBook) -> None:
        self._book = book

    async def answer(self, arguments: NoArguments, asked: Asked) -> Answer:
        silenced = self._book.silence()
        if not silenced:
            return Answer(asked.words.say("timers", "nothing_rings"), failed=True)
        return Answer("", {"silenced": len(silenced)}, "silence")
