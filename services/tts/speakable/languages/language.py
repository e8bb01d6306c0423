"""A language: the words for what is written in figures and signs. Words come from num2words and CLDR (babel)."""

from __future__ import annotations

import functools
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from babel import Locale

__all__ = ["SPACES", "Language"]

SPACES = "\u00a0\u202f\u2009"
"""Spaces that hold a number together."""

_LONG = 30
"""Characters beyond which the plural of a number is not looked for."""

_WORDY = 10**15
"""From here on a whole number is read digit by digit."""


class Language(ABC):
    """See the module. Class variables are words or tables of words; methods put them together.

    A written number is what `number` matches; where a method takes `written`, it is such a string.
    """

    code: ClassVar[str]
    """ISO 639-1, as num2words and CLDR know it."""
    number: ClassVar[str]
    """Regular expression of a written number without a sign."""
    decimal: ClassVar[str]
    """Characters that may separate decimals."""
    point: ClassVar[str]
    signs: ClassVar[Mapping[str, str]]
    """Sign to words: `+ - * / = < > ^ & @ % § ° ~ # x .` and others."""
    to: ClassVar[str]
    """Between the ends of a range."""
    ratio: ClassVar[str] = ""
    """Between the sides of a ratio or the goals of a match, where it is not `to`."""
    and_a_half: ClassVar[str]
    powers: ClassVar[tuple[str, str]]
    """Squared, cubed."""
    abbreviations: ClassVar[Mapping[str, str]]
    units: ClassVar[Mapping[str, str]] = {}
    """Written units beyond the international ones, as CLDR identifiers."""
    feminine: ClassVar[frozenset[str]] = frozenset()
    """Singular nouns, of those that follow a number, that take a feminine one."""
    masculine: ClassVar[frozenset[str]] = frozenset()
    """Singular nouns, masculine and neuter ones, that often follow a number which has another form before them."""
    one: ClassVar[tuple[str, str]]
    """The number one before a noun, masculine (or neuter) and feminine."""
    currencies: ClassVar[Mapping[str, tuple[str, str, str, str]]]
    """Code to one, many, one hundredth, many hundredths. Others come from CLDR, without hundredths."""
    scales: ClassVar[Mapping[str, tuple[str, str]]]
    """Written scale to one and many: `million`, `bn`."""
    month_names: ClassVar[Mapping[str, int]] = {}
    """Written months beyond CLDR's."""
    ordinal: ClassVar[str]
    """Regular expression of what follows a figure to make it an ordinal."""
    year_words: ClassVar[frozenset[str]]
    """Words before a four-digit number that make it a year."""
    bare_years: ClassVar[range] = range(0)
    """Numbers of four figures that are read as years wherever they stand."""
    words_of: ClassVar[str]
    """Between an amount with a scale and its currency: `millions d'euros`."""
    and_cents: ClassVar[str] = ""
    """Between whole units of money and hundredths."""
    figure_date: ClassVar[str]
    """Regular expression of a date in figures: three groups, the last one, the year, may be empty."""
    clock: ClassVar[tuple[str, ...]] = ()
    """Regular expressions of times of day without a colon, with groups `h`, `m` and `half`, the last two optional."""
    month_first: ClassVar[bool] = False
    """Dates may be written `November 21, 2026`."""
    capital_months: ClassVar[bool] = False
    """Months are written with a capital letter (`may` is no month, `May` is)."""
    dotted_after: ClassVar[frozenset[str]] = frozenset()
    """Words after which a figure with a full stop is an ordinal."""
    loud: ClassVar[frozenset[str]] = frozenset()
    """Words that are written in capitals for emphasis."""
    spelled_letters: ClassVar[Mapping[str, str]] = {}
    """Letters that engines read otherwise than by name when they stand alone."""

    def __init__(self, region: str = "") -> None:
        self.region = region
        """ISO 3166 in lower case, or empty."""

    # ---- numbers

    def cardinal(self, number: int) -> str:
        """Return a whole number in words; very large ones digit by digit."""
        if abs(number) >= _WORDY:
            return self.digits(str(abs(number)))
        return _num2words(self.code, "cardinal", number)

    def ordinal_words(self, number: int, suffix: str) -> str:
        """Return an ordinal, written with `suffix`, in words."""
        del suffix
        return _num2words(self.code, "ordinal", number) if number < _WORDY else self.cardinal(number)

    def year(self, number: int) -> str:
        """Return a year in words."""
        return _num2words(self.code, "year", number)

    def digits(self, text: str) -> str:
        """Return the decimal digits of `text` one by one, in words."""
        return " ".join(_num2words(self.code, "cardinal", int(c)) for c in text if c.isdecimal())

    def numeral(self, written: str) -> str:
        """Return a written number in words, its decimals digit by digit; codes with a leading zero too."""
        whole, fraction = self.split(written)
        if len(whole) > 1 and whole[0] == "0" and not fraction:
            return self.digits(whole)
        words = self.digits(whole) if len(whole) > 15 else self.cardinal(int(whole))
        return f"{words} {self.point} {self.digits(fraction)}" if fraction else words

    def split(self, written: str) -> tuple[str, str]:
        """Return the digits before and after the decimal sign, as ASCII."""
        match = re.fullmatch(rf"(.*?)(?:[{re.escape(self.decimal)}](\d+))?", written, re.DOTALL)
        assert match is not None
        whole, fraction = match[1], match[2] or ""
        if fraction and len(fraction) == 3 and re.fullmatch(self.grouped, written):
            whole, fraction = written, ""
        return _ascii_digits(whole) or "0", _ascii_digits(fraction)

    @property
    @abstractmethod
    def grouped(self) -> str:
        """Regular expression of a whole number with its thousands apart."""

    # ---- quantities

    def counted(self, written: str, noun: str) -> str:
        """Return a written number in words as it stands before `noun` (its singular form)."""
        if self.split(written) == ("1", ""):
            return self.one[noun in self.feminine]
        return self.numeral(written)

    def singular(self, noun: str) -> str:
        """Return the singular of a noun that changes the number before it, as written or without its plural's `s`.

        Empty for any other word.
        """
        known = (form for form in (noun, noun.removesuffix("s")) if form in self.feminine or form in self.masculine)
        return next(known, "")

    def quantity(self, written: str, unit: str) -> str:
        """Return so much of a CLDR unit, long form, in words."""
        one, pattern = self.unit(unit, self.plural(written))
        return pattern.replace("\0", self.counted(written, one.replace("\0", "").strip()))

    def unit(self, unit: str, plural: str) -> tuple[str, str]:
        """Return CLDR's patterns of the unit for one and for `plural`, with NUL for the number."""
        return _unit(self.code, unit, "one"), _unit(self.code, unit, plural)

    def plural(self, written: str) -> str:
        """Return CLDR's plural category of a written number."""
        whole, fraction = self.split(written)
        if len(written) > _LONG:
            return "other"
        return str(_locale(self.code).plural_form(Decimal(f"{whole}.{fraction or 0}".rstrip("0").rstrip("."))))

    def money(self, written: str, code: str, scale: str = "") -> str:
        """Return an amount in words: `12.50` EUR is "twelve euros fifty"."""
        one, many, cent, cents = self.currency(code)
        whole, fraction = self.split(written)
        if scale:
            amount = (
                f"{self.counted(written, self.scales[scale][0])} {self.scales[scale][whole != '1' or fraction != '']}"
            )
            return f"{amount} {self.words_of}{many}"
        if len(fraction) != 2 or not cents or fraction == "00":
            shown = whole if fraction == "00" else written
            singular = self.split(shown) == ("1", "")
            return f"{self.counted(shown, one)} {one if singular else many}"
        if not whole.strip("0"):
            return f"{self.counted(fraction.lstrip('0'), cent)} {cent if int(fraction) == 1 else cents}"
        return (
            f"{self.counted(whole, one)} {one if whole == '1' else many}{self.and_cents} {self.cardinal(int(fraction))}"
        )

    def currency(self, code: str) -> tuple[str, str, str, str]:
        """Return the names of a currency by its ISO 4217 code."""
        if code in self.currencies:
            return self.currencies[code]
        from babel.numbers import get_currency_name

        return (
            get_currency_name(code, count=1, locale=self.code),
            get_currency_name(code, count=2, locale=self.code),
            "",
            "",
        )

    def spelled(self, letters: str) -> str:
        """Return letters one by one, as the engines name them."""
        return " ".join(self.spelled_letters.get(c, c) for c in letters)

    @abstractmethod
    def fraction(self, numerator: int, denominator: int) -> str:
        """Return a fraction in words."""

    # ---- dates and times

    @functools.cached_property
    def months(self) -> Mapping[str, int]:
        """Written months, in lower case and without a final period, as numbers from 1."""
        formats = _locale(self.code).months["format"]
        names = {name.lower().rstrip("."): n for width in ("wide", "abbreviated") for n, name in formats[width].items()}
        return {**names, **self.month_names}

    def month(self, number: int) -> str:
        """Return the name of the month from 1."""
        return str(_locale(self.code).months["format"]["wide"][number])

    @abstractmethod
    def day(self, number: int, before: str) -> str:
        """Return the day of a month in words; `before` is the word before it, in lower case."""

    @abstractmethod
    def date(self, day: int, month: int, year: int | None, before: str) -> str:
        """Return a date in words."""

    @abstractmethod
    def order(self, first: int, second: int) -> tuple[int, int]:
        """Return day and month of a date written in figures, first and second of them."""

    @abstractmethod
    def time(self, hour: int, minute: int, second: int | None, half: str) -> str:
        """Return a time of day in words; `half` is `a`, `p` or empty."""


def _ascii_digits(text: str) -> str:
    return "".join(str(int(c)) for c in text if c.isdecimal())


@functools.lru_cache(maxsize=4096)
def _num2words(code: str, form: str, number: int) -> str:
    from num2words import num2words

    words: object = num2words(number, lang=code, to=form)  # type: ignore[no-untyped-call]  # it has no types
    return str(words).replace(",", "")


@functools.cache
def _locale(code: str) -> Locale:
    from babel import Locale

    return Locale.parse(code)


@functools.cache
def _unit(code: str, unit: str, plural: str) -> str:
    from babel.units import format_unit

    sample = {"one": 1, "many": 1_000_000}.get(plural, 2)
    shown = format_unit(sample, unit, "long", format="0", locale=code)
    return shown.replace(str(sample), "\0", 1).replace("\u00a0", " ").replace("\u202f", " ")
