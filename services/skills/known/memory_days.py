"""Days in what is remembered: "tomorrow" is kept as its date, and asked for by any name of the day."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from functools import partial

from services.skills.days import day_named
from services.skills.skill import Asked

__all__ = ["between", "dated", "past_day", "this_year"]

_NEAR = ("tomorrow", "today", "yesterday")


def dated(statement: str, day: str, asked: Asked) -> str:
    """The statement with the dates of days that it names by their distance, and of `day`, for which it is kept."""
    phrases = asked.words.phrases("remember_fact")
    for name in _NEAR:
        pattern = phrases.get(f"day_{name}")
        if pattern is not None:
            statement = re.sub(pattern, partial(_on, name, asked), statement, flags=re.IGNORECASE)
    meant = day_named(day, asked.now.date()) if day else None
    if meant is None:
        return statement
    return f"{statement} {asked.words.say('remember_fact', 'on_date', date=asked.words.date(meant))}"


def this_year(text: str, asked: Asked) -> str:
    """The text without the year of its dates, where that is this one."""
    return re.sub(rf",? (?:de )?{asked.now.year}(?=\W|$)", "", text)


def past_day(name: str, today: date) -> date | None:
    """The day of an English name, the last one of that name; None for one that is unknown or ahead."""
    day = day_named(name, today)
    if day is not None and day > today:
        day -= timedelta(days=7)
    return day if day is not None and day <= today else None


def between(first: date, last: date, asked: Asked) -> tuple[int, int]:
    """From the beginning of one day to the end of another, unix ns."""
    return _midnight(first, asked), _midnight(last + timedelta(days=1), asked)


def _on(name: str, asked: Asked, found: re.Match[str]) -> str:
    day = day_named(name, asked.now.date())
    assert day is not None
    after, whole = found["after"], asked.words.date(day)
    return f"{after}{whole}" if after else asked.words.say("remember_fact", "on_date", date=whole)


def _midnight(day: date, asked: Asked) -> int:
    return round(datetime.combine(day, time.min, asked.now.tzinfo).timestamp()) * 1_000_000_000
