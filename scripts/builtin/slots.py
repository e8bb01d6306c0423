"""What stands in the slots of phrases: names, numbers, lengths and moments of time, and noise."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TypeAlias

from scripts.builtin.words import LISTS, foreign, invented, number_words

__all__ = ["count", "duration", "moment", "noise", "person_or_invented", "slot"]

Length: TypeAlias = "tuple[str, dict[str, object], str]"
"""A time as it is said, as a call has it, and as skills say it."""


def slot(random: Random, **known: str) -> Callable[[str], str]:
    """Fill slots from what is known, else from the lists."""

    def fill(name: str) -> str:
        if name in known:
            return known[name]
        drawn = _DRAWN.get(name)
        return drawn(random) if drawn else random.choice(LISTS[name])

    return fill


def _number(random: Random) -> str:
    return str(random.choice((random.randint(0, 20), random.randint(0, 100), random.randint(0, 5000))))


def person_or_invented(random: Random) -> str:
    """A name; every third is one nobody has."""
    return invented(random) if random.random() < 0.55 else random.choice(LISTS["person"])


def noise(random: Random) -> str:
    """What is no word: letters at random, of any script, marks among them, or what sounds like a word."""
    kind = random.random()
    if kind < 0.2:
        return "".join(chr(random.randint(33, 0xD7FF)) for _ in range(random.randint(1, 40))).strip() or "?"
    if kind < 0.35:
        return "".join(random.choice(_KEYS) for _ in range(random.randint(3, 80))).strip() or "?"
    if kind < 0.45:
        return random.choice(LISTS[random.choice(("common", "person", "food", "gadget"))]).replace(
            " ", ""
        ) * random.randint(2, 30)
    if kind < 0.5:
        return random.choice(_CODES)
    if kind < 0.7:
        return invented(random).lower()
    letters = random.choice(_LETTERS)
    return "".join(random.choice(letters) for _ in range(random.randint(2, 9))) * random.choice((1, 1, 1, 1, 12))


def count(number: int, random: Random) -> str:
    """A number in digits, or in words as some recognition has it."""
    return number_words(number) if number < 1000 and random.random() < 0.42 else str(number)


_DRAWN: dict[str, Callable[[Random], str]] = {
    "number": _number,
    "small": lambda random: count(random.randint(2, 30), random),
    "age": lambda random: count(random.randint(6, 90), random),
    "invented": invented,
    "foreign": foreign,
    "noise": noise,
    "mark": lambda random: random.choice(_MARKS),
    "person": person_or_invented,
}


def duration(random: Random) -> Length:
    """A length of time as said, as arguments, and as skills say it."""
    kind = random.random()
    if kind < 0.42:
        return _in_minutes(random)
    if kind < 0.56:
        n = random.choice((10, 15, 20, 30, 40, 45, 60, 90, random.randint(2, 99)))
        return f"{count(n, random)} {random.choice(('seconds', 'seconds', 'secs'))}", {"seconds": n}, f"{n} seconds"
    if kind < 0.67:
        n = random.randint(1, 12)
        said = random.choice(("an hour", "one hour", "1 hour")) if n == 1 else f"{count(n, random)} hours"
        return said, {"hours": n}, _counted(n, "hour")
    if kind < 0.9:
        return random.choice(_LENGTHS)
    hours, minutes = random.randint(1, 5), random.choice((5, 10, 15, 20, 25, 30, 40, 45, 50))
    hour = random.choice(("an hour", "one hour")) if hours == 1 else f"{count(hours, random)} hours"
    said = f"{hour} {random.choice(('and ', ''))}{count(minutes, random)} minutes"
    return said, {"hours": hours, "minutes": minutes}, f"{_counted(hours, 'hour')} and {minutes} minutes"


def _in_minutes(random: Random) -> Length:
    n = random.choice((random.randint(1, 20), random.choice(_OFTEN), random.randint(1, 99)))
    if n == 1 and random.random() < 0.5:
        return "a minute", {"minutes": 1}, "1 minute"
    units = ("minute", "min") if n == 1 else ("minutes", "minutes", "minutes", "mins")
    return f"{count(n, random)} {random.choice(units)}", {"minutes": n}, _counted(n, "minute")


def _counted(n: int, unit: str) -> str:
    return f"{n} {unit}{'s' * (n != 1)}"


def moment(random: Random) -> Length:
    """A time of day as said, as arguments, and as skills say it."""
    hour = random.randint(1, 12)
    kind = random.random()
    half, part = random.choice(_PARTS)
    said, minute, before = _on_the_clock(kind, hour, count(hour, random), random)
    given: dict[str, object] = {"hour": (hour - 1 or 12) if before else hour}
    if not said:
        said, given["hour"] = random.choice(_NAMED)
        half = part = ""
    if minute:
        given["minute"] = minute
    if half:
        given["half"] = half
    return said + part, given, f"{given['hour']}:{minute:02} {(half or 'am').upper()}"


def _on_the_clock(kind: float, hour: int, spoken: str, random: Random) -> tuple[str, int, bool]:
    """What is said, the minutes, and whether it is before that hour; nothing is said of moments with a name."""
    if kind < 0.35:
        return spoken + random.choice((" o'clock", "", "", " sharp")), 0, False
    if kind < 0.55:
        minute = random.choice((5, 10, 15, 20, 25, 30, 40, 45, 50, 55, random.randint(10, 59)))
        if spoken.isdigit():
            return f"{hour}:{minute:02}", minute, False
        return f"{spoken} {number_words(minute) if minute > 9 else 'oh ' + number_words(minute)}", minute, False
    if kind < 0.66:
        return f"half past {spoken}", 30, False
    if kind < 0.74:
        return f"{random.choice(('a ', ''))}quarter past {spoken}", 15, False
    if kind < 0.83:
        return f"{random.choice(('a ', ''))}quarter to {spoken}", 45, True
    if kind < 0.89:
        early = random.choice((5, 10, 20, 25))
        return f"{count(early, random)} to {spoken}", 60 - early, True
    if kind < 0.94:
        minute = random.choice((5, 10, 20, 25))
        return f"{count(minute, random)} past {spoken}", minute, False
    return "", 0, False


_OFTEN = (5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 60, 90)
_PARTS = (
    ("", ""),
    ("", ""),
    ("am", " in the morning"),
    ("am", " am"),
    ("am", " a.m."),
    ("pm", " pm"),
    ("pm", " in the evening"),
    ("pm", " in the afternoon"),
    ("pm", " at night"),
    ("pm", " tonight"),
)
_NAMED = (("noon", 12), ("midnight", 0), ("midday", 12))
_LENGTHS: tuple[Length, ...] = (
    ("half an hour", {"minutes": 30}, "30 minutes"),
    ("half an hour", {"minutes": 30}, "30 minutes"),
    ("half an hour", {"minutes": 30}, "30 minutes"),
    ("one hour and a half", {"hours": 1, "minutes": 30}, "1 hour and 30 minutes"),
    ("an hour and a quarter", {"hours": 1, "minutes": 15}, "1 hour and 15 minutes"),
    ("three and a half hours", {"hours": 3, "minutes": 30}, "3 hours and 30 minutes"),
    ("three and a half minutes", {"minutes": 3, "seconds": 30}, "3 minutes and 30 seconds"),
    ("a half hour", {"minutes": 30}, "30 minutes"),
    ("a quarter of an hour", {"minutes": 15}, "15 minutes"),
    ("quarter of an hour", {"minutes": 15}, "15 minutes"),
    ("three quarters of an hour", {"minutes": 45}, "45 minutes"),
    ("an hour and a half", {"hours": 1, "minutes": 30}, "1 hour and 30 minutes"),
    ("one and a half hours", {"hours": 1, "minutes": 30}, "1 hour and 30 minutes"),
    ("two and a half hours", {"hours": 2, "minutes": 30}, "2 hours and 30 minutes"),
    ("half a minute", {"seconds": 30}, "30 seconds"),
    ("a minute and a half", {"minutes": 1, "seconds": 30}, "1 minute and 30 seconds"),
    ("two and a half minutes", {"minutes": 2, "seconds": 30}, "2 minutes and 30 seconds"),
    ("a couple of minutes", {"minutes": 2}, "2 minutes"),
    ("a few minutes", {"minutes": 3}, "3 minutes"),
    ("a dozen minutes", {"minutes": 12}, "12 minutes"),
)
_MARKS = ("?", "!", "...", "…", "??", "-", "#", "*", "&%$", ":)", ";", "???", "!!", ".", ",", "@", "(", "==")
_CODES = (
    "<|user|>",
    "<|tool|>",
    "<|assistant|>",
    "<tool_call>",
    "</tool_call>",
    "\u200b",
    "{}",
    "[]",
    '{"name": "timer"}',
    "null",
    "0",
    "a",
    "b",
    "x",
    "1",
    "'",
    '"',
    "\\n",
)
_LETTERS = (
    "bcdfghjklmnpqrstvwxz",
    "abcdefghijklmnopqrstuvwxyz",
    "asdfjkl",
    "qwertyuiop",
    "xzvkqj",
    "aeioubdfgm",
    "öäüßéñøçабвд你好日本",
)
_KEYS = "abcdefghijklmnopqrstuvwxyz0123456789 ÄéñßøЖ中文日本🙂 \t\n\"'{}[]<>|\\/.,!?-_=+*&%$#@:;()"
