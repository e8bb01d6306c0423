"""Dates as people say and write them: "December 25th", "the 4th of July 1999", "3. März", holidays by English names."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from functools import cache

from services.skills.spoken import digits

__all__ = ["date_named"]

_HOLIDAYS = {
    "new years day": (1, 1), "new years": (1, 1), "new year": (1, 1), "epiphany": (1, 6), "valentines day": (2, 14),
    "saint patricks day": (3, 17), "st patricks day": (3, 17), "april fools day": (4, 1), "april fools": (4, 1),
    "independence day": (7, 4), "halloween": (10, 31), "christmas eve": (12, 24), "christmas": (12, 25),
    "christmas day": (12, 25), "xmas": (12, 25), "boxing day": (12, 26), "new years eve": (12, 31),
}  # fmt: skip
_AFTER_EASTER = {
    "ash wednesday": -46, "good friday": -2, "easter": 0, "easter sunday": 0, "easter monday": 1, "ascension day": 39,
    "pentecost": 49, "whit sunday": 49, "whit monday": 50,
}  # fmt: skip
_ENGLISH = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth "
    "sixteenth seventeenth eighteenth nineteenth twentieth"
)
_GERMAN = "erste zweite dritte vierte fünfte sechste siebte achte"
_ORDINALS = {
    "en": {word: number for number, word in enumerate(_ENGLISH.split(), 1)} | {"thirtieth": 30},
    "de": {word: number for number, word in enumerate(_GERMAN.split(), 1)},
    "fr": {"premier": 1},
    "es": {"primero": 1},
}
_ENDINGS = {"en": r"(\d+)(?:st|nd|rd|th)", "de": r"(.+?)s?te", "fr": r"(1)er", "es": r"(1)º"}
"""What makes a number an ordinal that has no word of its own."""
_TENS = re.compile(r"\b([23]0) (first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)\b")
_LITTLE = {"en": {"the", "of", "on"}, "de": {"der", "den", "dem", "am"}, "fr": {"le"}, "es": {"el", "de", "del"}}
_YEAR = re.compile(r"(.*?)(?: (\d{4}|(?:1[5-9]|20) \d\d|(?:1[5-9]|20) oh \d|(?:this|next|last) year))?")
_NEAR_YEARS = {"this year": 0, "next year": 1, "last year": -1}
_YEARS = range(1, 9999)
"""Those whose days have neighbours that a computer can count."""
_YEARS_AROUND = 9
"""Among as many there is one with a 29th of February."""


def date_named(text: str, today: date, *, language: str, past: bool) -> date | None:
    """Return the date that is meant: without a year the next one from today on, with `past` the last one until today.

    None for what is no date: a month alone, the 30th of February.
    """
    with contextlib.suppress(ValueError):
        day = date.fromisoformat(text)
        return day if day.year in _YEARS else None
    words = re.sub(r"[,.]|'", "", text.lower().replace("-", " ")).split()
    plain = digits(" ".join(word for word in words if word not in _LITTLE[language]), language)
    match = _YEAR.fullmatch(plain)
    assert match is not None  # any text is one without its year
    if match[2]:
        return next(_in_years(match[1], [_year(match[2], today)], language), None)
    step = -1 if past else 1
    around = range(today.year, today.year + step * _YEARS_AROUND, step)
    found = sorted(_in_years(match[1], around, language), reverse=past)
    return next((day for day in found if (day <= today if past else day >= today)), None)


def _year(said: str, today: date) -> int:
    if said in _NEAR_YEARS:
        return today.year + _NEAR_YEARS[said]
    return int(said.replace(" oh ", "0").replace(" ", ""))


def _in_years(name: str, years: Iterable[int], language: str) -> Iterator[date]:
    """The dates of a name without its year: one in each, of a day without its month twelve."""
    years = [year for year in years if year in _YEARS]
    if name in _AFTER_EASTER:
        yield from (_easter(year) + timedelta(days=_AFTER_EASTER[name]) for year in years)
    elif name == "thanksgiving":
        yield from (_thanksgiving(year) for year in years)
    else:
        days = [_HOLIDAYS[name]] if name in _HOLIDAYS else _days(name, language)
        for year in years:
            for month, day in days:
                with contextlib.suppress(ValueError):
                    yield date(year, month, day)


def _days(name: str, language: str) -> list[tuple[int, int]]:
    """Month and day: of "december 25th", of "25 december", and of "the 25th" in every month."""
    words, months = _TENS.sub(_joined, name).split(), _months(language)
    if len(words) == 1 and (day := _ordinal(words[0], language)):
        return [(month, day) for month in range(1, 13)]
    for month, said in (words, words[::-1]) if len(words) == 2 else ():
        if month in months and (day := int(said) if said.isdecimal() else _ordinal(said, language)):
            return [(months[month], day)]
    return []


def _joined(tens: re.Match[str]) -> str:
    """Of "twenty fifth" numerals have made "20 fifth"."""
    return f"{int(tens[1]) + _ordinal(tens[2], 'en')}th"


def _ordinal(word: str, language: str) -> int:
    """The number of an ordinal, 0 for any other word."""
    plain = re.sub(r"(?<=te)[rsnm]$", "", word) if language == "de" else word
    if plain in _ORDINALS[language]:
        return _ORDINALS[language][plain]
    ending = re.fullmatch(_ENDINGS[language], plain)
    number = digits(ending[1], language) if ending else ""
    return int(number) if number.isdecimal() else 0


@cache
def _months(language: str) -> dict[str, int]:
    """Names and usual abbreviations, English ones besides: a model may write a date in English wherever it is."""
    from babel.dates import get_month_names

    return {
        str(name).lower().rstrip("."): number
        for locale in ("en", language)
        for width in ("abbreviated", "wide")
        for number, name in get_month_names(width, locale=locale).items()
    }


def _easter(year: int) -> date:
    """Easter Sunday by the Gregorian calendar (J. Meeus, Astronomical Algorithms, chapter 8)."""
    century, of_century = divmod(year, 100)
    golden = year % 19
    leap, rest = divmod(century, 4)
    moon = (19 * golden + century - leap - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    weekday = (32 + 2 * rest + 2 * (of_century // 4) - moon - of_century % 4) % 7
    shift = (golden + 11 * moon + 22 * weekday) // 451
    month, day = divmod(moon + weekday - 7 * shift + 114, 31)
    return date(year, month, day + 1)


def _thanksgiving(year: int) -> date:
    """The fourth Thursday of November."""
    first = date(year, 11, 1)
    return first + timedelta(days=(3 - first.weekday()) % 7 + 21)
