"""Wishes about time: the clock, timers and alarms."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from scripts.builtin.slots import duration, moment
from scripts.builtin.wish import After, Wish, asked, copied
from scripts.builtin.words import LISTS, invented

__all__ = ["OF_TIME"]

# ---- time


def _time_here(random: Random) -> Wish:
    said = asked(random, "time-here")
    after = _then_there(random, "time-then-there", random.choice(LISTS["city"] + LISTS["country"]))
    return Wish(said, "tell_time", {}, f"It is {_clock(random)}.", (after,))


def _then_there(random: Random, phrases: str, city: str) -> After:
    """The same asked of another place."""
    said = asked(random, phrases, city=city)
    return said, "tell_time", {"place": copied(city)}, f"In {city} it is {_clock(random)}."


def _clock(random: Random) -> str:
    return f"{random.randint(1, 12)}:{random.randint(0, 59):02} {random.choice(('AM', 'PM'))}"


def _time_there(random: Random) -> Wish:
    city = (
        random.choice(LISTS["city"] + LISTS["city"] + LISTS["country"]) if random.random() < 0.8 else invented(random)
    )
    said = asked(random, "time-there", city=city)
    after = _then_there(random, "time-and-there", random.choice(LISTS["city"]))
    return Wish(said, "tell_time", {"place": copied(city)}, f"In {city} it is {_clock(random)}.", (after,))


def _date(random: Random) -> Wish:
    weekday, month = random.choice(LISTS["weekday"]), random.choice(LISTS["month"])
    begins = random.choice(("Today is", "That is", "Tomorrow is"))
    result = f"{begins} {weekday}, {month} {random.randint(1, 31)}, {random.randint(2024, 2032)}."
    if random.random() < 0.5:
        said = asked(random, "date-today")
        return Wish(said, "tell_date", {}, result)
    day = random.choice(("tomorrow", "yesterday", "tomorrow", "the day after tomorrow", *(w for w in LISTS["weekday"])))
    bare = day.removeprefix("the ")
    said = asked(random, "date-of-day", day=day)
    return Wish(said, "tell_date", {"day": copied(bare)}, result)


# ---- timers


def _timer(random: Random) -> Wish:
    length, given, spoken = duration(random)
    again, given2, spoken2 = duration(random)
    if random.random() < 0.45:
        name = random.choice(LISTS["kitchen"]) if random.random() < 0.85 else random.choice(LISTS["common"])
        said = asked(random, "timer-named", length=length, name=name)
        given = {**given, "name": copied(name)}
        result = f"The {name} timer is set for {spoken}."
    else:
        said = asked(random, "timer", length=length, act=random.choice(LISTS["activity"]))
        result = f"Timer set for {spoken}."
    also: tuple[After, ...] = (
        (asked(random, "timer-another", length=again), "set_timer", given2, f"Timer set for {spoken2}."),
        (asked(random, "timer-taken-back"), "cancel_timer", {}, f"The timer for {spoken} is cancelled."),
        (asked(random, "timer-how-long"), "timer_status", {}, f"The timer for {spoken} has {spoken2} left."),
        (asked(random, "timer-longer", length=again), "change_timer", given2, f"The timer now has {spoken2} left."),
    )
    return Wish(said, "set_timer", given, result, (random.choice(also),))


def _which(random: Random, named: float = 0.35, every: float = 0.15) -> tuple[str, dict[str, object]]:
    kind = random.random()
    if kind < named:
        name = random.choice(LISTS["kitchen"])
        return f"{random.choice(('the', 'my'))} {name} timer", {"name": copied(name)}
    if kind < named + every:
        return asked(random, "timers-every"), {"which": "all"}
    return random.choice(("the timer", "my timer", "that timer", "the timer", "the countdown", "this timer")), {}


def _cancel_timer(random: Random) -> Wish:
    which, given = _which(random)
    said = asked(random, "timer-cancel", which=which)
    given = given if which in said else {}
    answers = (
        "The timer is cancelled.",
        "All timers are cancelled.",
        "No timer is running.",
        f"The {random.choice(LISTS['kitchen'])} timer is cancelled.",
    )
    return Wish(said, "cancel_timer", given, random.choice(answers))


def _timer_left(random: Random) -> Wish:
    which, given = _which(random, every=0)
    said = asked(random, "timer-left", which=which)
    given = given if which in said else {}
    if random.random() < 0.15:
        said, given = asked(random, "timers-all"), {}
    return Wish(said, "timer_status", given, f"The timer has {duration(random)[2]} left.")


def _pause_timer(random: Random) -> Wish:
    which, given = _which(random, every=0)
    if random.random() < 0.5:
        said = asked(random, "timer-pause", which=which)
        given = given if which in said else {}
        return Wish(said, "pause_timer", given, f"The timer is paused with {duration(random)[2]} left.")
    said = asked(random, "timer-resume", which=which)
    given = given if which in said else {}
    return Wish(said, "unpause_timer", given, f"The timer runs again, {duration(random)[2]} left.")


def _change_timer(random: Random) -> Wish:
    which, given = _which(random, every=0)
    length, lengths, spoken = duration(random)
    if random.random() < 0.65:
        said = asked(random, "timer-extend", which=which, length=length)
    else:
        said = asked(random, "timer-shorten", which=which, length=length)
        lengths = {**lengths, "change": "remove"}
    given = given if which in said else {}
    return Wish(said, "change_timer", {**lengths, **given}, f"The timer now has {spoken} left.")


# ---- alarms


def _alarm(random: Random) -> Wish:
    when, given, spoken = moment(random)
    if random.random() < 0.45:
        day = random.choice(("tomorrow", "tomorrow", "today", *LISTS["weekday"]))
        on = f"on {day}" if day[0].isupper() else day
        when = random.choice((f"{when} {on}", f"{when} {on}", f"{on} at {when}"))
        given["day"] = copied(day)
    if random.random() < 0.25:
        name = random.choice(LISTS["wakefor"])
        when += f" for {name}"
        given["name"] = copied(name)
    said = asked(random, "alarm", moment=when)
    result = f"Alarm set for {spoken} {random.choice(('tomorrow', 'today'))}."
    after: tuple[After, ...] = (
        (asked(random, "alarm-taken-back"), "cancel_alarm", {}, f"The alarm for {spoken} is cancelled."),
        (asked(random, "alarm-asked"), "alarm_status", {}, f"One alarm, {spoken} tomorrow."),
    )
    return Wish(said, "set_alarm", given, result, (random.choice(after),))


def _cancel_alarm(random: Random) -> Wish:
    kind = random.random()
    given: dict[str, object] = {}
    spoken = _clock(random)
    if kind < 0.35:
        when, given, spoken = moment(random)
        which = random.choice((f"the alarm for {when}", f"my alarm at {when}", f"the {when} alarm"))
    elif kind < 0.51:
        which, given = asked(random, "alarms-every"), {"which": "all"}
    else:
        which = random.choice(("the alarm", "my alarm", "that alarm", "the alarm clock", "my wake up call"))
    said = asked(random, "alarm-cancel", which=which)
    if which not in said:
        given = {}
    answers = (f"The alarm for {spoken} is cancelled.", "All alarms are cancelled.", "No alarm is set.")
    return Wish(said, "cancel_alarm", given, random.choice(answers))


def _alarms(random: Random) -> Wish:
    said = asked(random, "alarms")
    answers = (
        f"One alarm, {_clock(random)} tomorrow.",
        "No alarm is set.",
        f"2 alarms: {_clock(random)} today and {_clock(random)} tomorrow.",
    )
    return Wish(said, "alarm_status", {}, random.choice(answers))


def _snooze(random: Random) -> Wish:
    if random.random() < 0.5:
        said = asked(random, "snooze")
        return Wish(said, "snooze", {}, "I will ring again in 9 minutes.")
    length, given, spoken = duration(random)
    said = asked(random, "snooze-for", length=length)
    return Wish(said, "snooze", given, f"I will ring again in {spoken}.")


def _silence(random: Random) -> Wish:
    said = asked(random, "silence")
    return Wish(said, "silence", {}, random.choice(("Nothing is ringing.", "Okay.")))


OF_TIME: tuple[tuple[float, Callable[[Random], Wish]], ...] = (
    (1.0, _time_here),
    (1.6, _time_there),
    (1.7, _date),
    (3.0, _timer),
    (1.2, _cancel_timer),
    (1.2, _timer_left),
    (1.2, _pause_timer),
    (1.0, _change_timer),
    (3.6, _alarm),
    (1.1, _cancel_alarm),
    (1.0, _alarms),
    (0.8, _snooze),
    (0.7, _silence),
)
"""What makes such a wish, and how often it is to be heard."""
