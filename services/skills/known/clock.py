"""The time and the date, here and anywhere in the world."""

from __future__ import annotations

from concurrent.futures import Executor
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Literal

from pydantic import Field

from services.skills.days import day_named
from services.skills.labels import upper_first
from services.skills.offload import off_loop
from services.skills.places import Place, Places
from services.skills.skill import Answer, Arguments, Asked, Skill
from services.skills.wording import Wording

__all__ = ["TellDate", "TellTime", "TimeDifference"]

_MOST_ZONES_SAID = 4
_MOST_WORDS_OF_A_PLACE = 4


class PairArguments(Arguments):
    """Two places."""

    place: str
    other: str = ""
    """Empty for home."""
    sure: bool = False
    """That places were asked for, whether anybody knows them or not."""


class TimeArguments(Arguments):
    """Where."""

    place: str = Field("", description="City, country, US state or time zone; empty for the user's home.")


class DateArguments(Arguments):
    """When and where."""

    day: str = Field("", description="today, tomorrow, yesterday, a weekday, holiday or date; empty for today.")
    place: str = Field("", description="City or country; empty for the user's home.")
    days: int = Field(0, ge=0, le=40_000, description="Days from today.", json_schema_extra={"spoken": True})
    weeks: int = Field(0, ge=0, le=5_000, description="Weeks from today.", json_schema_extra={"spoken": True})
    ago: bool = Field(False, description="They, or the day, lie behind.", json_schema_extra={"spoken": True})
    year: str = Field("", description="this year or next year.", json_schema_extra={"spoken": True})
    count: Literal["", "days", "weeks"] = Field(
        "", description="Tell how far away the day is.", json_schema_extra={"spoken": True}
    )

    def name(self) -> str:
        """The day with the year that was said apart from it."""
        return f"{self.day} {self.year}".strip()

    def away(self) -> timedelta:
        """How far the day is from today."""
        away = timedelta(days=self.days, weeks=self.weeks)
        return -away if self.ago else away


class TellTime(Skill[TimeArguments]):
    """Tell the current time of day at home or in a city or country."""

    name = "tell_time"
    arguments = TimeArguments

    def __init__(self, places: Places, thread: Executor) -> None:
        self._places = places
        self._thread = thread

    def fits(self, arguments: TimeArguments, asked: Asked) -> bool:
        return len(arguments.place.split()) <= _MOST_WORDS_OF_A_PLACE

    async def answer(self, arguments: TimeArguments, asked: Asked) -> Answer:
        if not arguments.place:
            time = asked.words.time(asked.now)
            return Answer(asked.words.say(self.name, "here", time=time), {"time": asked.now.isoformat("T", "minutes")})
        place = await off_loop(self._thread, self._places.find, arguments.place, asked.language, asked.now)
        if place is None:
            speech = asked.words.say(self.name, "unknown", place=arguments.place.title())
            return Answer(speech, {"error": "unknown place"}, failed=True)
        return Answer(self._speech(place, asked), _times(place, asked.now))

    def _speech(self, place: Place, asked: Asked) -> str:
        if len(place.spots) > 1:
            return self._several(place, asked)
        there = asked.now.astimezone(place.spots[0][1])
        key = "there" if there.date() == asked.now.date() else "another_day"
        words = asked.words
        return words.say(self.name, key, place=place.name, time=words.time(there), weekday=words.weekday(there))

    def _several(self, place: Place, asked: Asked) -> str:
        words = asked.words
        said = [
            words.say(self.name, "one_of_several", city=city, time=words.time(asked.now.astimezone(zone)))
            for city, zone in place.spots[:_MOST_ZONES_SAID]
        ]
        count, told = len(place.spots), words.all_of(said)
        return upper_first(words.say(self.name, "several", country=place.name, count=count, list=told))


def _times(place: Place, now: datetime) -> dict[str, str]:
    return {city: now.astimezone(zone).isoformat("T", "minutes") for city, zone in place.spots}


class TimeDifference(Skill[PairArguments]):
    """Tell how many hours the time of a place is ahead of or behind another's."""

    name = "time_difference"
    arguments = PairArguments
    offered = False

    def __init__(self, places: Places, thread: Executor) -> None:
        self._places = places
        self._thread = thread

    def fits(self, arguments: PairArguments, asked: Asked) -> bool:
        return all(len(name.split()) <= _MOST_WORDS_OF_A_PLACE for name in (arguments.place, arguments.other))

    async def answer(self, arguments: PairArguments, asked: Asked) -> Answer:
        one, other = [await self._spot(name, asked) for name in (arguments.place, arguments.other)]
        if one is None or other is None:
            unknown = arguments.place if one is None else arguments.other
            speech = asked.words.say("tell_time", "unknown", place=unknown.title())
            return Answer(speech, {"error": "unknown place"}, failed=True, passed=not arguments.sure)
        ahead = _offset(asked.now, one[1]) - _offset(asked.now, other[1])
        key = "ahead" if ahead > timedelta(0) else "behind" if ahead else "same"
        length = asked.words.duration(abs(ahead))
        phrase = key if arguments.other else f"{key}_here"
        speech = asked.words.say(self.name, phrase, place=upper_first(one[0]), other=other[0], duration=length)
        return Answer(speech, {"hours_ahead": ahead.total_seconds() / 3600})

    async def _spot(self, name: str, asked: Asked) -> tuple[str, tzinfo | None] | None:
        """What a place is called and its zone: of one with several times its largest city's, of none home's."""
        if not name:
            return "", asked.now.tzinfo
        place = await off_loop(self._thread, self._places.find, name, asked.language, asked.now)
        if place is None:
            return None
        return place.spots[0] if len(place.spots) > 1 else (place.name, place.spots[0][1])


def _offset(now: datetime, zone: tzinfo | None) -> timedelta:
    return now.astimezone(zone).utcoffset() or timedelta(0)


def _length(days: int, unit: str, words: Wording) -> str:
    """So many days, or the weeks that they are and the days that are left over."""
    weeks, rest = divmod(days, 7) if unit == "weeks" else (0, days)
    counted = ((weeks, "duration-week"), (rest, "duration-day"))
    return words.all_of(words.measure(Decimal(count), unit) for count, unit in counted if count)


class TellDate(Skill[DateArguments]):
    """Tell the date and weekday of today or another day, and how many days it is away, at home or elsewhere."""

    name = "tell_date"
    arguments = DateArguments

    def __init__(self, places: Places, thread: Executor) -> None:
        self._places = places
        self._thread = thread

    def fits(self, arguments: DateArguments, asked: Asked) -> bool:
        known = day_named(arguments.name(), asked.now.date(), language=asked.language) is not None
        return known and len(arguments.place.split()) <= _MOST_WORDS_OF_A_PLACE

    async def answer(self, arguments: DateArguments, asked: Asked) -> Answer:
        if arguments.place:
            return await self._elsewhere(arguments.place, asked)
        today = asked.now.date()
        day = day_named(arguments.name(), today, language=asked.language, past=arguments.ago)
        if day is None:
            speech = asked.words.say(self.name, "unknown_day", day=arguments.day)
            return Answer(speech, {"error": "unknown day"}, failed=True)
        day += arguments.away()
        speech = self._speech(arguments, day, today, asked)
        return Answer(speech, {"date": day.isoformat(), "days_away": (day - today).days})

    def _speech(self, arguments: DateArguments, day: date, today: date, asked: Asked) -> str:
        words, name = asked.words, arguments.day
        if day == today:
            return words.say(self.name, "today", date=words.date(day))
        if arguments.count:
            count = _length(abs((day - today).days), arguments.count, words)
            return words.say(self.name, "until" if day > today else "since", count=count, date=words.date(day))
        known = words.phrases("days").get(name.strip().lower().replace(" ", "_")) if name else None
        if known is None:
            return words.say(self.name, "weekday" if day > today else "past_weekday", date=words.date(day))
        return words.say(self.name, "future" if day > today else "past", day=upper_first(known), date=words.date(day))

    async def _elsewhere(self, name: str, asked: Asked) -> Answer:
        place = await off_loop(self._thread, self._places.find, name, asked.language, asked.now)
        if place is None:
            speech = asked.words.say("tell_time", "unknown", place=name.title())
            return Answer(speech, {"error": "unknown place"}, failed=True)
        there = asked.now.astimezone(place.spots[0][1]).date()
        speech = asked.words.say(self.name, "there", place=place.name, date=asked.words.date(there))
        return Answer(speech, {"date": there.isoformat()})
