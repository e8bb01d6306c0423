"""Days as people name them: today, Friday, Christmas, the 3rd of March; and days of the week that come again."""

from __future__ import annotations

from datetime import date, timedelta

from services.skills.dates import date_named

__all__ = ["WEEKDAYS", "day_named", "weekdays_named"]

_NEAR = {"": 0, "today": 0, "tonight": 0, "tomorrow": 1, "day after tomorrow": 2, "yesterday": -1}
_NEAR |= {"day before yesterday": -2}
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
"""In the order of `date.weekday`."""
_GROUPS = {"day": (0, 1, 2, 3, 4, 5, 6), "daily": (0, 1, 2, 3, 4, 5, 6), "weekday": (0, 1, 2, 3, 4), "weekend": (5, 6)}
_GROUPS |= {name: (number,) for number, name in enumerate(WEEKDAYS)}
_TO = frozenset({"to", "through", "till", "until"})


def day_named(name: str, today: date, *, language: str = "en", past: bool = False) -> date | None:
    """Return the day of a name: English for days near and holidays, any of the skills' languages for a date.

    A weekday, or a date without its year, is the next one after today; with `past` the last one before it. None when
    unknown.
    """
    plain = name.strip().lower()
    if plain in _NEAR:
        return today + timedelta(days=_NEAR[plain])
    which, _, weekday = plain.partition(" ")
    if which in ("last", "next", "this") and weekday in WEEKDAYS:
        plain, past = weekday, past or which == "last"
    if plain in WEEKDAYS:
        ahead = (WEEKDAYS.index(plain) - today.weekday()) % 7
        return today + timedelta(days=ahead - 7 if past else ahead or 7)
    return date_named(plain, today, language=language, past=past)


def weekdays_named(names: str) -> tuple[int, ...]:
    """Return the weekdays (0 for Monday) of "every day", "weekdays", "monday to friday", "Tuesdays and Thursdays".

    Empty when some word of it names none.
    """
    words = names.lower().replace(",", " ").replace("work day", "weekday").replace("week day", "weekday").split()
    plain = [word.removesuffix("s") for word in words if word not in ("every", "each", "on", "and")]
    match plain:
        case [first, to, last] if to in _TO and {first, last} <= set(WEEKDAYS):
            start = WEEKDAYS.index(first)
            return tuple(sorted((start + day) % 7 for day in range((WEEKDAYS.index(last) - start) % 7 + 1)))
        case _ if set(plain) <= _GROUPS.keys():
            return tuple(sorted({day for word in plain for day in _GROUPS[word]}))
    return ()
