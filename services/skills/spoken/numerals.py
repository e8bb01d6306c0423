"""Number words to digits, in English, German, French and Spanish: "a hundred and five" becomes "105".

Only what is one number in the language is joined: "seven thirty" stays two numbers ("7 30"), "twenty five" is one.
Words that are also articles ("ein", "une", "un") are numbers only inside a longer one ("vingt et un"). Decimals are
written with a point ("three point five" becomes "3.5"). Words that are no numbers are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache

__all__ = ["LANGUAGES", "digits"]

LANGUAGES = ("en", "de", "fr", "es")
"""The languages whose number words are known."""


@dataclass(frozen=True, slots=True)
class _Lexicon:
    """The number words of a language and how they join."""

    atoms: Mapping[str, int]
    """Words below 100, and Spanish hundreds."""
    hundred: frozenset[str]
    scales: Mapping[str, int]
    decimal_words: frozenset[str]
    articles: frozenset[str] = frozenset()
    """Words for one that count only before `hundred` or a scale, or after a connector."""
    connector: str = ""
    """Joins the last two digits to what precedes them."""
    connector_after: range = range(0)
    """Values of the tens (0: any hundred or scale) after which the connector may stand."""
    tens_need_connector: bool = False
    bare: bool = True
    """Whether `hundred` and scales may begin a number ("cent", "mil", but not "hundred")."""
    twenties: bool = False
    """Counts in twenties from 60 (French): soixante-dix, quatre-vingts."""
    compound: re.Pattern[str] | None = field(default=None)
    """Matches a whole word built of several numerals (German)."""


def _sequence(words: str, start: int = 0, step: int = 1) -> dict[str, int]:
    return {word: start + step * index for index, word in enumerate(words.split())}


def _english() -> _Lexicon:
    atoms = _sequence(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen"
    ) | _sequence("twenty thirty forty fifty sixty seventy eighty ninety", 20, 10)
    return _Lexicon(
        atoms=atoms | {"fourty": 40},
        hundred=frozenset({"hundred"}),
        scales={"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12},
        decimal_words=frozenset({"point"}),
        articles=frozenset({"a"}),
        connector="and",
        bare=False,
    )


def _german() -> _Lexicon:
    units = _sequence("ein zwei drei vier fünf sechs sieben acht neun", 1)
    teens = _sequence("zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn", 10)
    tens = _sequence("zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig", 20, 10) | {"dreissig": 30}
    pairs = {f"{unit}und{ten}": units[unit] + tens[ten] for unit in units for ten in tens}
    plain = {word: value for word, value in units.items() if word != "ein"}
    atoms = {"null": 0, "eins": 1, "zwo": 2} | plain | teens | tens | pairs
    parts = sorted([*atoms, "ein", "hundert", "tausend", "und"], key=len, reverse=True)
    return _Lexicon(
        atoms=atoms,
        hundred=frozenset({"hundert"}),
        scales={"tausend": 10**3, "million": 10**6, "millionen": 10**6, "milliarde": 10**9, "milliarden": 10**9},
        decimal_words=frozenset({"komma"}),
        articles=frozenset({"ein", "eine"}),
        connector="und",
        compound=re.compile("|".join(parts)),
    )


def _french() -> _Lexicon:
    atoms = _sequence(
        "zéro _ deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize"
    ) | _sequence("vingt trente quarante cinquante soixante", 20, 10)
    del atoms["_"]
    return _Lexicon(
        atoms=atoms | {"vingts": 20, "zero": 0, "septante": 70, "huitante": 80, "octante": 80, "nonante": 90},
        hundred=frozenset({"cent", "cents"}),
        scales={
            "mille": 10**3,
            "million": 10**6,
            "millions": 10**6,
            "milliard": 10**9,
            "milliards": 10**9,
        },
        decimal_words=frozenset({"virgule"}),
        articles=frozenset({"un", "une"}),
        connector="et",
        connector_after=range(20, 100),
        twenties=True,
    )


def _spanish() -> _Lexicon:
    atoms = (
        _sequence(
            "cero _ dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis "
            "diecisiete dieciocho diecinueve veinte veintiuno veintidós veintitrés veinticuatro veinticinco veintiséis "
            "veintisiete veintiocho veintinueve"
        )
        | _sequence("treinta cuarenta cincuenta sesenta setenta ochenta noventa", 30, 10)
        | _sequence(
            "doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos novecientos", 200, 100
        )
    )
    del atoms["_"]
    bare = {word.translate(str.maketrans("áéíóú", "aeiou")): value for word, value in atoms.items()}
    feminine = {word[:-2] + "as": value for word, value in atoms.items() if value >= 200}
    return _Lexicon(
        atoms=bare | atoms | feminine | {"uno": 1, "veintiún": 21, "veintiun": 21, "veintiuna": 21},
        hundred=frozenset({"cien", "ciento"}),
        scales={"mil": 10**3, "millón": 10**6, "millon": 10**6, "millones": 10**6},
        decimal_words=frozenset({"coma", "punto"}),
        articles=frozenset({"un", "una"}),
        connector="y",
        connector_after=range(30, 100),
        tens_need_connector=True,
    )


_MAKERS = {"en": _english, "de": _german, "fr": _french, "es": _spanish}


@cache
def _lexicon(language: str) -> _Lexicon:
    return _MAKERS[language]()


def digits(text: str, language: str) -> str:
    """Return `text` (lower case, words between single spaces) with every number word written in digits.

    A language whose number words are not known comes back as it went in.
    """
    if language not in _MAKERS:
        return text
    reader = _Reader(_lexicon(language), text.split())
    return " ".join(reader.read())


_NUMBER = re.compile(r"\d+(\.\d+)?")


class _Reader:
    """One pass over the words of a sentence."""

    def __init__(self, lexicon: _Lexicon, words: list[str]) -> None:
        self._lexicon = lexicon
        self._words = list(self._split(words))
        self._at = 0

    def read(self) -> Iterator[str]:
        """Yield words, with runs of number words replaced."""
        while self._at < len(self._words):
            start = self._at
            value = self._number()
            if value is None:
                self._at = start
                yield self._take()
            else:
                yield value

    def _split(self, words: list[str]) -> Iterator[str]:
        pattern = self._lexicon.compound
        for word in words:
            parts = pattern.findall(word) if pattern is not None else [word]
            known = len(parts) > 1 and "".join(parts) == word and not {"und"} >= {parts[0], parts[-1]}
            yield from parts if known else [word]

    def _peek(self, ahead: int = 0) -> str:
        index = self._at + ahead
        return self._words[index] if index < len(self._words) else ""

    def _take(self) -> str:
        self._at += 1
        return self._words[self._at - 1]

    def _number(self) -> str | None:
        """Read the longest number from here; None leaves no promise about the position."""
        if _NUMBER.fullmatch(self._peek()):
            return self._written()
        whole = self._whole()
        if whole is None:
            return None
        return self._decimals(str(whole))

    def _written(self) -> str:
        """Digits, perhaps followed by scale words ("2.5 million") or spoken decimals ("3 point 5")."""
        text = self._take()
        value = Decimal(text)
        scaled = False
        while (scale := self._scale(self._peek())) is not None:
            self._at += 1
            value, scaled = value * scale, True
        return self._decimals(f"{value.normalize():f}" if scaled else text)

    def _scale(self, word: str) -> int | None:
        return 100 if word in self._lexicon.hundred else self._lexicon.scales.get(word)

    def _decimals(self, whole: str) -> str:
        """Add "point one four" to a whole number; nothing when no digit follows the point."""
        if self._peek() not in self._lexicon.decimal_words or "." in whole:
            return whole
        mark = self._at
        self._at += 1
        fraction = "".join(self._digit_run())
        if not fraction:
            self._at = mark
            return whole
        return f"{whole}.{fraction}"

    def _digit_run(self) -> Iterator[str]:
        """Decimals digit by digit ("one four"), or as one number ("vingt-cinq")."""
        first = True
        while word := self._peek():
            value = self._lexicon.atoms.get(word, 1 if word in self._lexicon.articles - {"a"} else None)
            if word.isdecimal():
                self._at += 1
                yield word
            elif value is not None and value < 10:
                self._at += 1
                yield str(value)
            elif first and value is not None and (number := self._group()) is not None:
                yield str(number)
                return
            else:
                return
            first = False

    def _whole(self) -> int | None:
        """Groups below 1000 with falling scales: "two million three thousand and five"."""
        total, limit = 0, None
        while limit != 1 and (part := self._part(limit)) is not None:
            value, limit = part
            total += value * limit
        return None if limit is None else total

    def _part(self, limit: int | None) -> tuple[int, int] | None:
        """Take the next group and its scale, which must be below `limit` (None: it is the first)."""
        mark = self._at
        if limit is not None and self._peek() == self._lexicon.connector and not self._lexicon.connector_after:
            self._at += 1
        group = self._group(first=limit is None)
        scale = self._lexicon.scales.get(self._peek()) if group is not None or self._bare_thousand() else None
        if (group is None and scale is None) or (limit is not None and (scale or 1) >= limit):
            self._at = mark
            return None
        if scale is not None:
            self._at += 1
        return (1 if group is None else group), scale or 1

    def _bare_thousand(self) -> bool:
        return self._lexicon.bare and self._lexicon.scales.get(self._peek()) == 1000

    def _group(self, *, first: bool = True) -> int | None:
        """A number below 1000 (or "twenty five hundred"); None when none begins here."""
        lexicon, value = self._lexicon, self._opening(first=first)
        if value is None:
            return None
        while word := self._peek():
            if word in lexicon.hundred and 0 < value < 100 and value % 10:
                self._at += 1
                value *= 100
            elif (joined := self._joined(value, word)) is not None:
                value = joined
            else:
                break
        return value

    def _opening(self, *, first: bool) -> int | None:
        lexicon, word, after = self._lexicon, self._peek(), self._peek(1)
        if word in lexicon.atoms:
            self._at += 1
            return lexicon.atoms[word]
        if word in lexicon.articles and (after in lexicon.hundred or after in lexicon.scales):
            self._at += 1
            return 1
        if lexicon.bare and word in lexicon.hundred:
            self._at += 1
            return 100
        if not first and word in lexicon.articles - {"a"} and self._peek(-1) in {lexicon.connector, *lexicon.scales}:
            self._at += 1
            return 1
        return None

    def _joined(self, value: int, word: str) -> int | None:
        """The value with the next word joined to it and taken, or None when they are two numbers."""
        lexicon, connected = self._lexicon, False
        if word == lexicon.connector and self._may_connect(value):
            connected, word = True, self._peek(1)
        atom = lexicon.atoms.get(word)
        if atom is None and word in lexicon.articles - {"a"} and (connected or lexicon.twenties):
            atom = 1
        if atom is None or not self._fits(value, atom, connected):
            return None
        self._at += 2 if connected else 1
        if lexicon.twenties and value % 100 == 4 and atom == 20:
            return value + 76
        return value + atom

    def _may_connect(self, value: int) -> bool:
        after = self._lexicon.connector_after
        return value % 100 in after if after else value >= 100

    def _fits(self, value: int, atom: int, connected: bool) -> bool:
        """Whether `atom` continues `value` as one number of the language."""
        tens = value % 100
        if value and tens == 0:
            return 0 < atom < 100
        if self._lexicon.twenties and self._fits_twenties(tens, atom):
            return True
        if tens < 20 or tens % 10 or not 0 < atom < 10:
            return False
        if self._lexicon.compound is not None:
            return False
        return connected or not self._lexicon.tens_need_connector

    @staticmethod
    def _fits_twenties(tens: int, atom: int) -> bool:
        if tens == 4:
            return atom == 20
        return (tens in (60, 80) and 10 <= atom < 20) or (tens in (10, 70, 90) and 7 <= atom < 10)
