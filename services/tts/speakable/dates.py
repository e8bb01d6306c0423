"""Dates and times of day, in figures and with the month in letters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from services.tts.speakable.languages import Language
from services.tts.speakable.rule import Piece, Rule, whole, word_before

__all__ = ["dates", "month_dates"]

_ISO = r"(?P<y>\d{4})-(?P<mo>\d{2})-(?P<d>\d{2})(?!\d)(?:T(?=\d{2}:))?"
_COLONS = (
    r"(?P<h>\d{1,2}):(?P<m>\d{2})(?::(?P<s>\d{2}))?"
    r"(?:\s?(?P<half>[AaPp])(?:\.\s?[Mm]\.|[Mm](?!\w))|\s?Uhr(?!\w)|\s?h(?!\w))?(?![\d:])"
)
_RATIO = r"(?P<a>\d+):(?P<b>\d+)(?![\d:])"


def dates(language: Language) -> Iterator[Rule]:
    """Yield the rules of dates and times that begin with a figure."""
    yield Rule(re.compile(_ISO), partial(_iso, language))
    yield Rule(re.compile(language.figure_date + r"(?![\d/])"), partial(_figures, language))
    yield Rule(re.compile(_day_first(language), re.IGNORECASE), partial(_day_month, language))
    for clock in (_COLONS, *(rf"{c}(?!\w)" for c in language.clock)):
        yield Rule(re.compile(clock), partial(_time, language))
    yield Rule(re.compile(_RATIO), lambda m: whole(m, _ratio(language, m)))


def month_dates(language: Language) -> Iterator[Rule]:
    """Yield the rules of dates that begin with a month."""
    months = _alternatives(language)
    day = rf"(?P<day>\d{{1,2}})(?:{language.ordinal})?(?!\w)(?![.:]\d)" if language.month_first else r"(?P<day>(?!))"
    rest = rf"(?:{day}(?:,?\s+(?P<year>\d{{4}})(?!\w))?|(?P<only>\d{{4}})(?!\w))"
    yield Rule(re.compile(rf"(?P<month>{months})\.?,?\s+{rest}", re.IGNORECASE), partial(_day_month, language))


def _alternatives(language: Language) -> str:
    return "|".join(sorted(map(re.escape, language.months), key=len, reverse=True))


def _day_first(language: Language) -> str:
    suffix = rf"(?:{language.ordinal}|\.)?"
    of = r"(?:(?P<of>of|de)\s+)?"
    year = r"(?:,?\s+(?:(?P<of_year>de|del)\s+)?(?P<year>\d{4})(?!\w))?"
    return rf"(?P<day>\d{{1,2}}){suffix}\s+{of}(?P<month>{_alternatives(language)})(?!\w)\.?{year}"


def _iso(language: Language, match: re.Match[str]) -> tuple[Piece, ...] | None:
    return _date(language, match, int(match["d"]), int(match["mo"]), int(match["y"]))


def _figures(language: Language, match: re.Match[str]) -> tuple[Piece, ...] | None:
    day, month = language.order(int(match[1]), int(match[2]))
    return _date(language, match, day, month, _full_year(match[3]))


def _full_year(written: str | None) -> int | None:
    if not written:
        return None
    year = int(written)
    return year if len(written) == 4 else year + (2000 if year < 70 else 1900)


def _date(language: Language, match: re.Match[str], day: int, month: int, year: int | None) -> tuple[Piece, ...] | None:
    if not (1 <= day <= 31 and 1 <= month <= 12):
        return None
    return whole(match, language.date(day, month, year, word_before(match)))


def _day_month(language: Language, match: re.Match[str]) -> tuple[Piece, ...] | None:
    """Each written word of such a date is spoken by itself."""
    if language.capital_months and not match["month"][0].isupper():
        return None
    groups = match.groupdict()
    words = {"month": language.month(language.months[match["month"].lower()])}
    if groups["day"]:
        if not 1 <= int(groups["day"]) <= 31:
            return None
        words["day"] = language.day(int(groups["day"]), word_before(match))
    for name in ("year", "only"):
        if groups.get(name):
            words[name] = language.year(int(groups[name]))
    for name in ("of", "of_year"):
        if groups.get(name):
            words[name] = groups[name]
    ends = {"day": _end_of_day(match), "month": _end_of_month(match)}
    pieces = (Piece(match.start(n), ends.get(n, match.end(n)), w) for n, w in words.items())
    return tuple(sorted(pieces, key=lambda p: p.start))


def _end_of_day(match: re.Match[str]) -> int:
    """The day with its suffix, `21st`, but without a comma."""
    end = match.end("day")
    while end < match.end() and match.string[end].isalpha():
        end += 1
    return end


def _end_of_month(match: re.Match[str]) -> int:
    """The month with the full stop of its abbreviation, when more of the date follows it."""
    end = match.end("month")
    return end + 1 if match.string[end : end + 1] == "." and end + 1 < match.end() else end


def _time(language: Language, match: re.Match[str]) -> tuple[Piece, ...] | None:
    groups = match.groupdict()
    hour, minute = int(match["h"]), int(groups.get("m") or 0)
    second = int(groups["s"]) if groups.get("s") else None
    if hour > 24 or minute > 59 or (second or 0) > 59:
        return None
    return whole(match, language.time(hour, minute, second, (groups.get("half") or "").lower()))


def _ratio(language: Language, match: re.Match[str]) -> str:
    return f"{language.numeral(match['a'])} {language.ratio or language.to} {language.numeral(match['b'])}"
