"""How answers are worded in one language: its phrases, dates, times, durations, numbers and lists.

Answers are in written form ("17:30", "1,250"): synthesis turns them into words later.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from babel import Locale

__all__ = ["Wording"]

_SPACES = str.maketrans({"\u202f": " ", "\u00a0": " ", "\u2009": " "})
_YEAR = re.compile(r",? ('de' )?y$")
_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


class Wording:
    """The words of one language.

    `phrases` maps a skill's name to its phrases by key. `hours24` chooses the clock: None follows the language's
    custom. Phrases hold `{fields}` in the manner of `str.format`.
    """

    def __init__(self, language: str, phrases: Mapping[str, Mapping[str, str]], *, hours24: bool | None = None) -> None:
        self.language = language
        self.hours24 = language != "en" if hours24 is None else hours24
        self._phrases = phrases

    @cached_property
    def _locale(self) -> Locale:
        from babel import Locale

        return Locale.parse({"en": "en_US"}.get(self.language, self.language))

    def say(self, skill: str, key: str, **fields: object) -> str:
        """Return a phrase with its fields filled in. Raises KeyError for one that the language lacks."""
        return self._phrases[skill][key].format(**fields)

    def warm(self) -> None:
        """Read the language's data now: the first date would wait for it."""
        day = dt.datetime(2026, 1, 1)  # noqa: DTZ001 (any moment serves)
        self.time(day)
        self.date(day)
        self.duration(dt.timedelta(minutes=1))
        self.number(Decimal(1))

    def phrases(self, skill: str) -> Mapping[str, str]:
        """Return all phrases of a skill."""
        return self._phrases[skill]

    def time(self, moment: dt.datetime) -> str:
        """A time of day: "5:30 PM", "17:30"."""
        if self.hours24:
            return f"{moment.hour:d}:{moment.minute:02d}" if self.language != "de" else f"{moment:%H:%M}"
        from babel.dates import format_time

        return str(format_time(moment, "h:mm a", locale=self._locale)).translate(_SPACES)

    def date(self, day: dt.date, *, year: bool = True) -> str:
        """A whole date: "Saturday, November 21, 2026"; without the year: "Saturday, November 21"."""
        from babel.dates import format_date

        pattern = str(self._locale.date_formats["full"].pattern)
        if not year:
            pattern = _YEAR.sub("", pattern)
        return str(format_date(day, pattern, locale=self._locale)).translate(_SPACES)

    def weekday(self, day: dt.date) -> str:
        """The day's name: "Saturday"."""
        from babel.dates import format_date

        return str(format_date(day, "EEEE", locale=self._locale))

    def duration(self, length: dt.timedelta, *, parts: int = 4) -> str:
        """A length of time from its largest unit: "1 hour and 30 minutes"; at most `parts` units, whole seconds."""
        from babel.units import format_unit

        left = round(length.total_seconds())
        said: list[str] = []
        for unit, seconds in _UNITS:
            count, left = divmod(left, seconds)
            if count and len(said) < parts:
                said.append(str(format_unit(count, f"duration-{unit}", "long", locale=self._locale)))
        if not said:
            said.append(str(format_unit(0, "duration-second", "long", locale=self._locale)))
        return self.all_of(said).translate(_SPACES)

    def all_of(self, items: Iterable[str]) -> str:
        """A list joined as people speak: "a, b, and c"."""
        from babel.lists import format_list

        return str(format_list(list(items), "standard", locale=self._locale))

    def measure(self, value: Decimal, unit: str) -> str:
        """An amount of a unit by its CLDR name: "6.214 miles"; whole when large, else four digits that count."""
        from babel.units import format_unit

        places = max(0, min(6, 3 - value.adjusted())) if value else 0
        rounded = value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN).normalize()
        said = format_unit(rounded, unit, "long", format="#,##0." + "#" * places, locale=self._locale)
        return str(said).translate(_SPACES)

    def number(self, value: Decimal, *, decimals: int = 6) -> str:
        """A number with the language's separators, rounded half to even to at most `decimals` places."""
        from babel.numbers import format_decimal

        rounded = value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_EVEN)
        pattern = "#,##0." + "#" * decimals if decimals else "#,##0"
        return str(format_decimal(rounded, pattern, locale=self._locale)).translate(_SPACES)
