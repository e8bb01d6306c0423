"""Days as people name them: today, tomorrow, Friday."""

from __future__ import annotations

from datetime import date, timedelta

__all__ = ["day_named"]

_NEAR = {"": 0, "today": 0, "tonight": 0, "tomorrow": 1, "day after tomorrow": 2, "yesterday": -1}
_NEAR |= {"day before yesterday": -2}
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def day_named(name: str, today: date) -> date | None:
    """Return the day of an English name or an ISO date; a weekday is the next one after today. None when unknown."""
    plain = name.strip().lower()
    if plain in _NEAR:
        return today + timedelta(days=_NEAR[plain])
    if plain in _WEEKDAYS:
        ahead = (_WEEKDAYS.index(plain) - today.weekday()) % 7
        return today + timedelta(days=ahead or 7)
    try:
        return date.fromisoformat(plain)
    except ValueError:
        return None
