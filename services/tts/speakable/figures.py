"""Figures: money, quantities, fractions, ordinals, telephone numbers, versions, years and plain numbers."""

# ruff: noqa: RUF001 (the signs of written text, look-alikes among them, are its subject)
from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from fractions import Fraction
from functools import partial

from services.tts.speakable.languages import Language
from services.tts.speakable.markup import at_line_start
from services.tts.speakable.rule import Piece, Rule, whole, word_before
from services.tts.speakable.units import CURRENCY_SIGNS, UNITS

__all__ = ["figures", "telephones", "vulgar"]

_SPACE = r"[ \u00a0\u202f\u2009]?"
_TELEPHONES = (
    r"\+\d{1,3}(?:[ \u00a0().\-/]{1,2}\d{1,9}){1,7}(?!\w)",
    r"\+\d{8,15}(?!\w)",
    r"\(\d{3}\)\s?\d{3}[-. ]\d{4}(?!\w)",
    r"\d{3}([-.])\d{3}\1\d{4}(?!\w)",
    r"\d{3}-\d{4}(?!\w)",
    r"\d{1,5}(?:-\d{1,7}){2,6}(?!\w)",
)
_DASHES = "-–—"
_YEARS = range(1000, 2101)
_CODE = 4
"""Figures inside a word are read as a number up to this length, else one by one."""


def telephones(language: Language) -> Iterator[Rule]:
    """Yield the rules of telephone numbers: figure by figure, group by group."""
    for pattern in _TELEPHONES:
        yield Rule(re.compile(pattern), lambda m: whole(m, _telephone(language, m.group())))


def figures(language: Language) -> Iterator[Rule]:
    """Yield the rules of what begins with a figure or a sign of money, the longer forms first."""
    number = language.number
    signs = "|".join(sorted(map(re.escape, CURRENCY_SIGNS), key=len, reverse=True))
    scale = "|".join(sorted(map(re.escape, language.scales), key=len, reverse=True))
    names = "|".join(re.escape(n) for c in language.currencies.values() for n in c[:2])
    units = UNITS | dict(language.units)
    unit = "|".join(sorted(map(re.escape, units), key=len, reverse=True))
    yield Rule(
        re.compile(
            rf"(?P<sign>{signs}){_SPACE}(?P<a>{number})\s?[-–]\s?(?P<n>{number})(?: ?(?P<scale>{scale}))?(?!\w)"
        ),
        partial(_money_range, language),
    )
    yield Rule(
        re.compile(rf"(?P<sign>{signs}){_SPACE}(?P<n>{number})(?:[ -]?(?P<scale>{scale})(?!\w))?(?!\w)"),
        partial(_money, language),
    )
    yield Rule(
        re.compile(rf"(?P<n>{number})(?:{_SPACE}(?P<scale>{scale}))?{_SPACE}(?P<sign>{signs})(?!\w)"),
        partial(_money, language),
    )
    yield Rule(re.compile(rf"(?P<n>\d+[.,]\d\d) (?P<name>{names})(?!\w)"), partial(_named_money, language))
    yield Rule(re.compile(r"\d+(?:\.\d+){2,}(?!\w)"), partial(_version, language))
    yield Rule(re.compile(rf"(?P<n>\d{{1,15}})(?P<suffix>{language.ordinal})(?!\w)"), partial(_ordinal, language))
    yield Rule(re.compile(r"(?P<n>\d{1,4})\.(?=\s+[^\W\d_])"), partial(_dotted_ordinal, language))
    yield Rule(re.compile(r"(?:(?P<w>\d+) )?(?P<n>\d{1,4})[/⁄](?P<d>\d{1,4})(?![\w/])"), partial(_fraction, language))
    yield Rule(re.compile(r"(?P<w>\d+)\s?(?P<v>[¼-¾⅐-⅞])"), partial(_mixed, language))
    yield Rule(re.compile(rf"/(?P<unit>{unit})(?!\w)"), lambda m: _per(language, units[m["unit"]], m))
    if language.code == "en":
        yield Rule(re.compile(r"(?P<n>\d{1,3}0)['’]?s(?!\w)"), partial(_decade, language))
    yield Rule(
        re.compile(rf"(?P<n>{number})[ \u00a0\u202f\u2009-]?(?P<unit>{unit})(?![\w²³/])"),
        lambda m: whole(m, language.quantity(m["n"], units[m["unit"]])),
    )
    yield Rule(
        re.compile(r"(?P<n>\d+)x(?!\w|\s?[-+=*/^)])"),
        lambda m: whole(m, f"{language.numeral(m['n'])} {language.signs['*']}"),
    )
    yield Rule(re.compile(r"\d+(?!x\d)[^\W\d_²³]\w*"), lambda m: whole(m, mixed_word(language, m.group())))
    yield Rule(re.compile(rf"(?P<n>{number})(?=[ \u00a0](?P<noun>[^\W\d_]+))"), partial(_counted, language))
    yield Rule(re.compile(r"(?P<n>\d{4})(?![\w.,]\d|\w)"), partial(_year, language))
    yield Rule(re.compile(number), lambda m: whole(m, language.numeral(m.group())))


def _counted(language: Language, match: re.Match[str]) -> tuple[Piece, ...] | None:
    """A number before what it counts, where that changes its form: `1 Stunde`, `21 minutes`."""
    noun = language.singular(match["noun"])
    return whole(match, language.counted(match["n"], noun)) if noun else None


def _per(language: Language, unit: str, match: re.Match[str]) -> tuple[Piece, ...] | None:
    """`/kg` after a figure or a sign of money."""
    before = match.string[max(0, match.start() - 3) : match.start()]
    if not before[-1:].isdecimal() and before[-1:] not in CURRENCY_SIGNS and before not in CURRENCY_SIGNS:
        return None
    return whole(match, f"{language.signs['per']} {language.unit(unit, 'one')[0]}".replace("\0", ""))


def vulgar(language: Language, character: str) -> str:
    """Return what a single character with a numeric value says: `½`, `²`, `Ⅷ`, `①`."""
    value = unicodedata.numeric(character, None)
    if value is None:
        return ""
    if value == int(value):
        return language.cardinal(int(value))
    part = Fraction(value).limit_denominator(1000)
    return language.fraction(part.numerator, part.denominator)


def mixed_word(language: Language, word: str) -> str:
    """Return letters and figures that are written together in words: `MP3`, `4K`, `x86`, `file_2`."""
    parts: list[str] = []
    for part in re.findall(r"\d+|[^\W\d_]+|\.", word):
        if part.isdecimal():
            short = len(part) <= _CODE and (part[0] != "0" or len(part) == 1)
            parts.append(language.cardinal(int(part)) if short else language.digits(part))
        elif part == ".":
            parts.append(language.signs["."])
        elif part.isalpha():
            spelled = len(part) == 1 or (part.isupper() and len(part) <= 3)
            parts.append(language.spelled(part) if spelled else part)
        else:
            parts += (c if c.isalpha() else vulgar(language, c) for c in part)
    return " ".join(parts)


def _telephone(language: Language, written: str) -> str:
    groups = ", ".join(language.digits(group) for group in re.findall(r"\d+", written))
    return f"{language.signs['+']} {groups}" if written.startswith("+") else groups


def _money(language: Language, match: re.Match[str]) -> tuple[Piece, ...]:
    return whole(match, language.money(match["n"], CURRENCY_SIGNS[match["sign"]], match["scale"] or ""))


def _money_range(language: Language, match: re.Match[str]) -> tuple[Piece, ...]:
    to = language.money(match["n"], CURRENCY_SIGNS[match["sign"]], match["scale"] or "")
    return whole(match, f"{language.numeral(match['a'])} {language.to} {to}")


def _named_money(language: Language, match: re.Match[str]) -> tuple[Piece, ...]:
    code = next(code for code, names in language.currencies.items() if match["name"] in names[:2])
    return whole(match, language.money(match["n"], code))


def _version(language: Language, match: re.Match[str]) -> tuple[Piece, ...] | None:
    if re.fullmatch(language.number, match.group()):
        return None
    parts = match.group().split(".")
    return whole(match, f" {language.signs['.']} ".join(language.numeral(part) for part in parts))


def _ordinal(language: Language, match: re.Match[str]) -> tuple[Piece, ...]:
    return whole(match, language.ordinal_words(int(match["n"]), match["suffix"]))


def _dotted_ordinal(language: Language, match: re.Match[str]) -> tuple[Piece, ...] | None:
    before = word_before(match)
    if before not in language.dotted_after or at_line_start(match.string, match.start()):
        return None
    weak = "" if before in ("der", "die", "das") else "n"
    return whole(match, language.ordinal_words(int(match["n"]), "") + weak)


def _fraction(language: Language, match: re.Match[str]) -> tuple[Piece, ...] | None:
    numerator, denominator = int(match["n"]), int(match["d"])
    if denominator == 0:
        return None
    if (numerator, denominator) == (24, 7):
        return whole(match, f"{language.cardinal(24)} {language.cardinal(7)}")
    words = language.fraction(numerator, denominator)
    return whole(match, f"{language.numeral(match['w'])} {language.and_a_half} {words}" if match["w"] else words)


def _mixed(language: Language, match: re.Match[str]) -> tuple[Piece, ...]:
    return whole(match, f"{language.numeral(match['w'])} {language.and_a_half} {vulgar(language, match['v'])}")


def _decade(language: Language, match: re.Match[str]) -> tuple[Piece, ...] | None:
    number = int(match["n"])
    if number >= 100 and number not in _YEARS:
        return None
    words = language.year(number) if number >= 1000 else language.cardinal(number)
    return whole(match, f"{words[:-1]}ies" if words.endswith("y") else f"{words}s")


def _year(language: Language, match: re.Match[str]) -> tuple[Piece, ...] | None:
    text, start, end = match.string, match.start(), match.end()
    span = text[end : end + 1] in _DASHES and re.match(r".\d{4}(?!\w)", text[end:])
    spanned = start > 4 and text[start - 1] in _DASHES and re.fullmatch(r"\d{4}", text[start - 5 : start - 1])
    bracketed = text[start - 1 : start] == "(" and text[end : end + 1] == ")"
    year = int(match["n"])
    told = word_before(match) in language.year_words or span or spanned or bracketed
    if year in language.bare_years or (told and year in _YEARS):
        return whole(match, language.year(year))
    return None
