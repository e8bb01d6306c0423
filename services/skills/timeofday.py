"""A time of day as people name it, perhaps on a day or on days that come again, and the moment that is meant."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Literal

from pydantic import Field

from services.skills.days import WEEKDAYS, day_named, weekdays_named
from services.skills.skill import Arguments, Asked

__all__ = ["TimeOfDay", "known_days", "next_time", "times_on"]

Half = Literal["", "am", "pm", "night"]


class TimeOfDay(Arguments):
    """A time of day, perhaps on a day."""

    hour: int | None = Field(None, ge=0, le=24, description="Hour, 0 to 24.")
    minute: int = Field(0, ge=0, le=59, description="Minute.")
    before: int = Field(0, ge=0, le=59, description="Minutes before that hour.", json_schema_extra={"spoken": True})
    half: Half = Field("", description="am or pm for an hour of the 12-hour clock.")
    day: str = Field("", description="today, tomorrow, a weekday or a date; empty for the next time it is that late.")


def known_days(day: str, every: str, asked: Asked) -> bool:
    """Whether a day and weekdays that are named, or not, exist."""
    return day_named(day, asked.now.date(), language=asked.language) is not None and bool(
        not every or weekdays_named(every)
    )


def next_time(arguments: TimeOfDay, asked: Asked, *, morning: bool = False) -> datetime | None:
    """Return the local time (naive) that is meant: the next such moment after now, or the one on the day named.

    Without am or pm an hour of a 12-hour clock is the next of its two; by day, or by `morning`, the one in the morning.
    None for a date that has passed.
    """
    now = asked.now.replace(tzinfo=None)
    either = not (arguments.day or morning or asked.words.hours24)
    for after in (-1, 0) if arguments.day.lower() in WEEKDAYS else (0, 1):
        day = day_named(arguments.day, now.date() + timedelta(days=after), language=asked.language)
        for moment in times_on(day, arguments, either=either) if day else ():
            if moment > now:
                return moment
    return None


def times_on(day: date, arguments: TimeOfDay, *, either: bool) -> list[datetime]:
    """The moments of a day (naive, in order) that a time of day may mean; `either` half of it when none was said."""
    assert arguments.hour is not None
    start = datetime(day.year, day.month, day.day)  # noqa: DTZ001 (a naive local time is what is meant)
    minutes = arguments.minute - arguments.before
    return sorted(
        start + timedelta(hours=hour, minutes=minutes) for hour in _hours(arguments.hour, arguments.half, either=either)
    )


def _hours(hour: int, half: Half, *, either: bool) -> list[int]:
    if half == "night":
        half = "am" if hour in (12, 1, 2, 3, 4, 5) else "pm"
    if half == "am":
        return [hour % 12 if hour <= 12 else hour]
    if half == "pm":
        return [hour % 12 + 12 if hour <= 12 else hour]
    return [hour, hour + 12] if either and 1 <= hour < 12 else [hour, hour - 12] if either and hour == 12 else [hour]
