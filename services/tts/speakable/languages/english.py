"""English, of both sides of the Atlantic: only dates in figures differ."""

# ruff: noqa: RUF001 (the signs of written text, look-alikes among them, are its subject)
from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from services.tts.speakable.languages.language import Language

__all__ = ["English"]

_HALVES = {"a": "eh M", "p": "P M"}
"""A lone A would be read as the article."""


class English(Language):
    """See Language."""

    code = "en"
    number = r"\d{1,3}(?:,\d{3})+(?![\d])(?:\.\d+)?|\d+(?:\.\d+)?"
    grouped = r"\d{1,3}(?:,\d{3})+"
    decimal = "."
    point = "point"
    to = "to"
    and_a_half = "and"
    powers = ("squared", "cubed")
    one = ("one", "one")
    words_of = ""
    figure_date = r"(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})"
    clock = (r"(?P<h>\d{1,2})\s?(?P<half>[AaPp])(?:\.\s?[Mm]\.|[Mm])",)
    month_first = True
    bare_years = range(1900, 2100)
    capital_months = True
    loud = frozenset(
        [
            "NOT",
            "ALL",
            "ONLY",
            "NEVER",
            "MUST",
            "AND",
            "OR",
            "BUT",
            "THE",
            "IS",
            "ARE",
            "YES",
            "NO",
            "DO",
            "VERY",
            "ANY",
            "YOU",
            "STOP",
            "NOW",
            "EVER",
            "FROM",
            "TO",
            "IN",
            "ON",
            "AT",
            "IF",
            "THIS",
            "THAT",
            "WITH",
            "HELP",
            "WAIT",
            "GO",
            "SO",
            "TOO",
            "BIG",
            "NEW",
            "OUR",
            "YOUR",
            "MY",
            "WE",
            "HE",
            "SHE",
            "IT",
            "CAN",
            "WILL",
        ]
    )
    ordinal = r"(?:st|nd|rd|th)"
    spelled_letters: ClassVar[Mapping[str, str]] = {"A": "eh", "a": "eh"}
    signs: ClassVar[Mapping[str, str]] = {
        "+": "plus",
        "-": "minus",
        "*": "times",
        "by": "by",
        "/": "divided by",
        "=": "equals",
        "<": "less than",
        ">": "greater than",
        "≤": "less than or equal to",
        "≥": "greater than or equal to",
        "≠": "is not equal to",
        "≈": "is about",
        "±": "plus or minus",
        "√": "square root of",
        "∞": "infinity",
        "∑": "sum of",
        "∫": "integral of",
        "∂": "partial",
        "∆": "delta",
        "∈": "in",
        "^": "to the power of",
        "&": "and",
        "@": "at",
        "%": "percent",
        "‰": "per mille",
        "§": "section",
        "°": "degrees",
        "′": "minutes",
        "″": "seconds",
        "~": "about",
        "#": "number",
        "¢": "cents",
        "per": "per",
        "hashtag": "hashtag",
        ".": "dot",
        "slash": "slash",
        "dash": "dash",
        "_": "underscore",
    }
    currencies: ClassVar[Mapping[str, tuple[str, str, str, str]]] = {
        "EUR": ("euro", "euros", "cent", "cents"),
        "USD": ("dollar", "dollars", "cent", "cents"),
        "GBP": ("pound", "pounds", "penny", "pence"),
        "JPY": ("yen", "yen", "", ""),
        "CHF": ("Swiss franc", "Swiss francs", "centime", "centimes"),
    }
    scales: ClassVar[Mapping[str, tuple[str, str]]] = {
        word: (name, name)
        for name, words in {
            "thousand": ("thousand", "k", "K"),
            "million": ("million", "m", "M", "mn"),
            "billion": ("billion", "bn", "B", "b"),
            "trillion": ("trillion", "tn", "T"),
        }.items()
        for word in words
    }
    units: ClassVar[Mapping[str, str]] = {
        "mph": "mile-per-hour",
        "mi": "mile",
        "ft": "foot",
        "yd": "yard",
        "lb": "pound",
        "lbs": "pound",
        "oz": "ounce",
        "gal": "gallon",
        "hr": "hour",
        "hrs": "hour",
        "sec": "second",
        "secs": "second",
        "mins": "minute",
        "acre": "acre",
        "tsp": "teaspoon",
        "tbsp": "tablespoon",
    }
    month_names: ClassVar[Mapping[str, int]] = {"sept": 9}
    year_words = frozenset(
        [
            "in",
            "since",
            "of",
            "from",
            "until",
            "till",
            "before",
            "after",
            "by",
            "year",
            "circa",
            "around",
            "during",
            "late",
            "early",
            "mid",
            "spring",
            "summer",
            "autumn",
            "fall",
            "winter",
            "class",
        ]
    )
    abbreviations: ClassVar[Mapping[str, str]] = {
        "Dr.": "Doctor",
        "Mr.": "Mister",
        "Mrs.": "Missus",
        "Ms.": "Miz",
        "Mx.": "Mix",
        "Prof.": "Professor",
        "Rev.": "Reverend",
        "Gen.": "General",
        "Capt.": "Captain",
        "Lt.": "Lieutenant",
        "Sgt.": "Sergeant",
        "Col.": "Colonel",
        "Gov.": "Governor",
        "Sen.": "Senator",
        "Hon.": "Honourable",
        "Jr.": "Junior",
        "Sr.": "Senior",
        "St.": "Saint",
        "Mt.": "Mount",
        "Ave.": "Avenue",
        "Blvd.": "Boulevard",
        "Rd.": "Road",
        "Ln.": "Lane",
        "Hwy.": "Highway",
        "Apt.": "Apartment",
        "Dept.": "Department",
        "Univ.": "University",
        "Inc.": "Incorporated",
        "Ltd.": "Limited",
        "Co.": "Company",
        "Corp.": "Corporation",
        "Bros.": "Brothers",
        "e.g.": "for example",
        "eg.": "for example",
        "i.e.": "that is",
        "ie.": "that is",
        "etc.": "et cetera",
        "vs.": "versus",
        "vs": "versus",
        "cf.": "compare",
        "approx.": "approximately",
        "est.": "established",
        "incl.": "including",
        "excl.": "excluding",
        "min.": "minutes",
        "max.": "maximum",
        "sec.": "seconds",
        "hr.": "hour",
        "hrs.": "hours",
        "yr.": "year",
        "yrs.": "years",
        "fig.": "figure",
        "Fig.": "Figure",
        "vol.": "volume",
        "Vol.": "Volume",
        "ch.": "chapter",
        "p.": "page",
        "pp.": "pages",
        "ed.": "edition",
        "ca.": "circa",
        "c/o": "care of",
        "w/": "with",
        "w/o": "without",
        "a.k.a.": "also known as",
        "aka": "also known as",
        "a.m.": "eh M",
        "p.m.": "P M",
        "A.M.": "eh M",
        "P.M.": "P M",
        "A.D.": "eh D",
        "B.C.": "B C",
        "U.S.": "U S",
        "U.S.A.": "U S eh",
        "U.K.": "U K",
        "E.U.": "E U",
        "Ph.D.": "P H D",
        "PhD": "P H D",
        "R.I.P.": "R I P",
        "P.S.": "P S",
        "TBD": "to be determined",
        "ASAP": "as soon as possible",
        "FYI": "for your information",
        "C++": "C plus plus",
        "C#": "C sharp",
        "F#": "F sharp",
        ".NET": "dot net",
        "Wi-Fi": "why fie",
    }

    def day(self, number: int, before: str) -> str:
        del before
        return self.ordinal_words(number, "")

    def date(self, day: int, month: int, year: int | None, before: str) -> str:
        words = f"{self.month(month)} {self.day(day, before)}"
        return words if year is None else f"{words} {self.year(year)}"

    def order(self, first: int, second: int) -> tuple[int, int]:
        american = self.region in ("", "us")
        day, month = (second, first) if american else (first, second)
        return (day, month) if month <= 12 else (month, day)

    def year(self, number: int) -> str:
        return super().year(number).replace("oh-", "oh ")

    def time(self, hour: int, minute: int, second: int | None, half: str) -> str:
        words = self._clock(hour, minute, half)
        if second:
            words += f" and {self.counted(str(second), '')} {'second' if second == 1 else 'seconds'}"
        return f"{words} {_HALVES[half]}" if half else words

    def _clock(self, hour: int, minute: int, half: str) -> str:
        if minute:
            return f"{self.cardinal(hour)} {'oh ' if minute < 10 else ''}{self.cardinal(minute)}"
        if half:
            return self.cardinal(hour)
        if hour in (0, 24):
            return "midnight"
        return f"{self.cardinal(hour)} o'clock" if hour <= 12 else f"{self.cardinal(hour)} hundred"

    def fraction(self, numerator: int, denominator: int) -> str:
        if denominator == 2:
            part, parts = "half", "halves"
        elif denominator == 4:
            part, parts = "quarter", "quarters"
        elif 3 <= denominator <= 20:
            part = self.ordinal_words(denominator, "")
            parts = f"{part}s"
        else:
            return f"{self.cardinal(numerator)} over {self.cardinal(denominator)}"
        return f"{self.cardinal(numerator)} {part if numerator == 1 else parts}"
