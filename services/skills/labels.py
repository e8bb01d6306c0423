"""How timers and alarms are called when they are spoken of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo

from services.skills.ringing import Alarm
from services.skills.wording import Wording

__all__ = ["comes", "due_moment", "label", "named", "remaining", "ring_speech", "upper_first", "when"]

_LONGEST_ENDING = 2
"""Letters by which forms of a word differ: egg and eggs, Nudel and Nudeln."""
_SHORTEST_WORD = 3
_WEEKLY = {(0, 1, 2, 3, 4, 5, 6): "every_day", (0, 1, 2, 3, 4): "weekdays", (5, 6): "weekends"}
_YEAR_SAID = 300
"""Days from which on a date is said with its year."""
_MONDAY = date(2024, 1, 1)
_LATE = 60_000_000_000
"""Overdue by more than this (ns) at its first ring: it rang late, and says so."""


def upper_first(text: str) -> str:
    """The text with its first letter large."""
    return text[:1].upper() + text[1:]


def due_moment(alarm: Alarm, zone: tzinfo | None) -> datetime:
    """When it rings, in the zone."""
    return datetime.fromtimestamp(alarm.due / 1e9, UTC).astimezone(zone)


def named(alarms: Sequence[Alarm], name: str) -> list[Alarm]:
    """Those that are called so; where none is, those with a word of it, in whatever number."""
    wanted = name.strip().casefold()
    exactly = [alarm for alarm in alarms if alarm.name.casefold() == wanted]
    return exactly or [alarm for alarm in alarms if _share_a_word(alarm.name.casefold(), wanted)]


def _share_a_word(one: str, other: str) -> bool:
    return any(_alike(a, b) for a in one.split() for b in other.split())


def _alike(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return len(short) >= _SHORTEST_WORD and long.startswith(short) and len(long) - len(short) <= _LONGEST_ENDING


def label(alarm: Alarm, words: Wording, zone: tzinfo | None) -> str:
    """As in "the pasta timer", "the timer for 10 minutes", "the alarm for 7:30 AM"."""
    name = upper_first(alarm.name) if words.language == "de" else alarm.name
    if alarm.kind == "timer":
        length = words.duration(timedelta(microseconds=alarm.length / 1000))
        return words.say("timers", "named" if alarm.name else "of_length", name=name, duration=length)
    key = "alarm_named" if alarm.name else "alarm_every" if alarm.days else "alarm_at"
    return words.say("timers", key, name=name, time=words.time(due_moment(alarm, zone)), day=_every(alarm.days, words))


def remaining(left: int, words: Wording) -> str:
    """A time in ns that is left, to the second, beyond an hour to the minute."""
    seconds = max(0, -(-left // 1_000_000_000))
    if seconds > 3600:
        seconds = (seconds + 30) // 60 * 60
    return words.duration(timedelta(seconds=seconds))


def when(moment: datetime, now: datetime, words: Wording) -> str:
    """The day of a moment: today, tomorrow, or its date."""
    days = (moment.date() - now.date()).days
    if days in (0, 1):
        return words.say("days", "tomorrow" if days else "today")
    return words.say("days", "dated", date=words.date(moment.date(), year=days > _YEAR_SAID))


def comes(alarm: Alarm, now: datetime, words: Wording) -> str:
    """When an alarm comes: its day, or its days."""
    return _every(alarm.days, words) if alarm.days else when(due_moment(alarm, now.tzinfo), now, words)


def _every(days: Sequence[int], words: Wording) -> str:
    """Days that come again: "every weekday", "every Monday and Friday"."""
    if key := _WEEKLY.get(tuple(days)):
        return words.say("days", key)
    return words.say("days", "every", days=words.all_of(words.weekday(_MONDAY + timedelta(days=day)) for day in days))


def ring_speech(alarm: Alarm, words: Wording, now: datetime) -> str:
    """What is said when it rings at `now` (aware)."""
    name = label(alarm, words, now.tzinfo)
    late = now - due_moment(alarm, now.tzinfo)
    if alarm.attempt == 1 and late > timedelta(microseconds=_LATE / 1000):
        key = "ended_late" if alarm.kind == "timer" else "alarm_late"
        ago = words.duration(timedelta(seconds=late.total_seconds()), parts=2)
        return upper_first(words.say("timers", key, label=name, duration=ago))
    if alarm.kind == "timer":
        return upper_first(words.say("timers", "ended", label=name))
    key = "alarm_rings_named" if alarm.name else "alarm_rings"
    return words.say("timers", key, time=words.time(now), name=upper_first(alarm.name))
