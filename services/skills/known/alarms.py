"""Alarms at a time of day: set, cancel, list; and what is done while something rings: silence, snooze."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from pydantic import Field, JsonValue

from services.skills.days import WEEKDAYS, day_named, weekdays_named
from services.skills.known.timers import Duration, speakable_name
from services.skills.labels import comes, due_moment, label, named, upper_first, when
from services.skills.questions import Answering, OneOfSeveral, answers, asking, completed
from services.skills.ringing import Alarm, AlarmBook, following, resolve
from services.skills.skill import Answer, Asked, NoArguments, Skill
from services.skills.timeofday import TimeOfDay, known_days, next_time, times_on

__all__ = ["AlarmStatus", "CancelAlarm", "SetAlarm", "Silence", "Snooze"]


class AlarmArguments(TimeOfDay, Answering):
    """When, and for what."""

    every: str = Field("", description="For one that comes again: day, weekday, weekend or names of weekdays.")
    name: str = Field("", max_length=60, description="What the alarm is for; may be empty.")


class WhichAlarm(TimeOfDay, OneOfSeveral):
    """One of the alarms that are set."""

    every: str = Field("", description="The days it comes again.", json_schema_extra={"spoken": True})

    def names_one(self) -> bool:
        """Whether it says which."""
        return bool(self.name or self.position or self.day or self.every or self.among) or self.hour is not None


class SetAlarm(Skill[AlarmArguments]):
    """Set an alarm that rings at a time of day, once or on days that come again."""

    name = "set_alarm"
    arguments = AlarmArguments

    def __init__(self, book: AlarmBook, zone: ZoneInfo, *, most: int) -> None:
        self._book = book
        self._zone = zone
        self._most = most

    def fits(self, arguments: AlarmArguments, asked: Asked) -> bool:
        days = known_days(arguments.day, arguments.every, asked)
        return speakable_name(arguments.name) and days and answers(arguments, self.name, asked)

    async def answer(self, arguments: AlarmArguments, asked: Asked) -> Answer:
        arguments, words = completed(arguments, asked), asked.words
        if arguments.hour is None:
            self._book.ask(asking(self.name, arguments, asked))
            return Answer(words.say("timers", "alarm_when"), {"error": "no time"}, failed=True)
        if not known_days(arguments.day, arguments.every, asked):
            speech = words.say("tell_date", "unknown_day", day=arguments.every or arguments.day)
            return Answer(speech, {"error": "unknown day"}, failed=True)
        local = next_time(arguments, asked, morning=bool(arguments.every))
        if local is None:
            return Answer(words.say("timers", "past"), {"error": "in the past"}, failed=True)
        if len(self._book.all()) >= self._most:
            return Answer(words.say("set_timer", "too_many", count=self._most), failed=True)
        return self._answer(self._book.add(self._alarm(local, arguments, asked)), asked)

    def _alarm(self, local: datetime, arguments: AlarmArguments, asked: Asked) -> Alarm:
        alarm = Alarm(
            id=asked.id,
            kind="alarm",
            name=arguments.name.strip(),
            language=asked.language,
            session=asked.session,
            set_at=asked.now_ns,
            length=0,
            due=resolve(local, self._zone),
            local=local.isoformat(),
            zone=self._zone.key,
            days=weekdays_named(arguments.every),
        )
        return following(alarm, asked.now_ns) if alarm.days else alarm

    @staticmethod
    def _answer(alarm: Alarm, asked: Asked) -> Answer:
        words, rings = asked.words, due_moment(alarm, asked.now.tzinfo)
        speech = words.say(
            "timers",
            "alarm_set_named" if alarm.name else "alarm_set",
            label=label(alarm, words, asked.now.tzinfo),
            time=words.time(rings),
            day=comes(alarm, asked.now, words),
        )
        return Answer(upper_first(speech), {"alarm": alarm.id, "at": rings.isoformat("T", "minutes")}, lasting=True)


class _OfAlarms(Skill[WhichAlarm]):
    """What has to do with alarms that are set."""

    arguments = WhichAlarm

    def __init__(self, book: AlarmBook) -> None:
        self._book = book

    def fits(self, arguments: WhichAlarm, asked: Asked) -> bool:
        return speakable_name(arguments.name) and known_days(arguments.day, arguments.every, asked)

    def _chosen(self, arguments: WhichAlarm, asked: Asked) -> list[Alarm]:
        """The alarms that the words may mean."""
        return self.meant([alarm for alarm in self._book.all() if alarm.kind == "alarm"], arguments, asked)

    def meant(self, alarms: list[Alarm], arguments: WhichAlarm, asked: Asked) -> list[Alarm]:
        """Those of some alarms, in the order they ring, that the words may mean; alike ones are as one."""
        if arguments.among:
            chosen = {alarm_item(alarm, asked) for alarm in alarms if alarm.id in arguments.among}
            return [alarm for alarm in alarms if alarm_item(alarm, asked) in chosen]
        if arguments.name.strip():
            alarms = named(alarms, arguments.name)
        if arguments.hour is not None:
            alarms = [alarm for alarm in alarms if self._at(alarm, arguments, asked)]
        if arguments.every:
            alarms = [alarm for alarm in alarms if alarm.days == weekdays_named(arguments.every)]
        if arguments.day:
            day = day_named(arguments.day, asked.now.date(), language=asked.language)
            alarms = [alarm for alarm in alarms if due_moment(alarm, asked.now.tzinfo).date() == day]
        return arguments.nth(alarms)

    @staticmethod
    def _at(alarm: Alarm, arguments: WhichAlarm, asked: Asked) -> bool:
        rings = due_moment(alarm, asked.now.tzinfo)
        moments = times_on(rings.date(), arguments, either=not asked.words.hours24)
        return any((moment.hour, moment.minute) == (rings.hour, rings.minute) for moment in moments)

    def _none(self, asked: Asked) -> Answer:
        some = any(alarm.kind == "alarm" for alarm in self._book.all())
        return Answer(asked.words.say("timers", "no_such_alarm" if some else "no_alarm"), {"alarms": []}, failed=True)


def alarm_item(alarm: Alarm, asked: Asked) -> str:
    """One of several, with its time and day."""
    rings = due_moment(alarm, asked.now.tzinfo)
    key = "alarm_item_named" if alarm.name else "alarm_item"
    day = comes(alarm, asked.now, asked.words)
    return asked.words.say("timers", key, name=alarm.name, time=asked.words.time(rings), day=day)


class CancelAlarm(_OfAlarms):
    """Cancel an alarm, or all of them; one that rings is silenced."""

    name = "cancel_alarm"

    async def answer(self, arguments: WhichAlarm, asked: Asked) -> Answer:
        ringing = self._book.ringing()
        alarms = self._chosen(arguments, asked)
        if ringing and arguments.which != "all" and not arguments.names_one():
            self._book.silence()
            return Answer("", {"silenced": len(ringing)}, "silence")
        if not alarms:
            return self._none(asked)
        words = asked.words
        if len({alarm_item(alarm, asked) for alarm in alarms}) > 1 and arguments.which != "all":
            return self._which(alarms, arguments, asked)
        if len(alarms) == 1 and _but_once(alarms[0], arguments):
            return self._skip(alarms[0], asked)
        speech = words.say("timers", "cancelled", label=label(alarms[0], words, asked.now.tzinfo))
        for alarm in alarms:
            self._book.remove(alarm)
        if arguments.which == "all":
            speech = words.say("timers", "alarms_cancelled_all")
        return Answer(upper_first(speech), {"cancelled": len(alarms)}, "silence" if ringing else "none")

    def _which(self, alarms: list[Alarm], arguments: WhichAlarm, asked: Asked) -> Answer:
        items = {alarm_item(alarm, asked): alarm for alarm in reversed(alarms)}
        different = list(items.values())[::-1]
        self._book.ask(asking(self.name, arguments, asked, among=different))
        labels = list(dict.fromkeys(label(alarm, asked.words, asked.now.tzinfo) for alarm in different))
        told = labels if len(labels) == len(items) else list(items)[::-1]
        return Answer(asked.words.say("timers", "which_alarm", list=asked.words.all_of(told)), failed=True)

    def _skip(self, alarm: Alarm, asked: Asked) -> Answer:
        words, zone = asked.words, asked.now.tzinfo
        day = when(due_moment(alarm, zone), asked.now, words)
        speech = words.say("timers", "alarm_skipped", label=label(alarm, words, zone), day=day)
        return Answer(upper_first(speech), {"alarms": _facts([self._book.skip(alarm)], zone)})


def _but_once(alarm: Alarm, arguments: WhichAlarm) -> bool:
    """Whether of an alarm that comes again only the next ring is meant: "cancel tomorrow's alarm"."""
    if not alarm.days or not arguments.day:
        return False
    return len(alarm.days) > 1 or arguments.day.lower() != WEEKDAYS[alarm.days[0]]


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
        fields = {"time": asked.words.time(rings), "day": comes(alarm, asked.now, asked.words)}
        name = label(alarm, asked.words, asked.now.tzinfo)
        return asked.words.say("timers", "alarm_one_named" if alarm.name else "alarm_one", label=name, **fields)


def _facts(alarms: list[Alarm], zone: tzinfo | None) -> list[JsonValue]:
    return [
        {
            "name": alarm.name,
            "at": due_moment(alarm, zone).isoformat("T", "minutes"),
            "every": [WEEKDAYS[day] for day in alarm.days],
        }
        for alarm in alarms
    ]


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
