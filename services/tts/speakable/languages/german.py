"""German."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from services.tts.speakable.languages.language import SPACES, Language

__all__ = ["German"]

_WEAK = frozenset(["am", "vom", "zum", "im", "beim", "dem", "den", "des"])
"""Words after which an ordinal ends in -n."""


class German(Language):
    """See Language."""

    code = "de"
    number = rf"\d{{1,3}}(?:[.{SPACES}]\d{{3}})+(?![\d.])(?:,\d+)?|\d+\.\d{{1,2}}(?![\d.])|\d+(?:,\d+)?"
    grouped = rf"\d{{1,3}}(?:[.{SPACES}]\d{{3}})+"
    decimal = ",."
    point = "Komma"
    to = "bis"
    ratio = "zu"
    and_a_half = "und"
    powers = ("Quadrat", "hoch drei")
    one = ("ein", "eine")
    words_of = ""
    figure_date = r"(\d{1,2})\.\s?(\d{1,2})\.(?:\s?(\d{4}|\d{2})(?!\d))?"
    clock = (r"(?P<h>\d{1,2})(?:[.:](?P<m>\d{2}))?\s?Uhr",)
    capital_months = True
    bare_years = range(1100, 2000)
    dotted_after = _WEAK | {"der", "die", "das"}
    loud = frozenset(["NICHT", "NIE", "ALLE", "SEHR", "NUR", "UND", "ODER", "JA", "NEIN", "KEIN", "KEINE"])
    feminine = frozenset(
        [
            "Stunde",
            "Minute",
            "Sekunde",
            "Millisekunde",
            "Tonne",
            "Meile",
            "Unze",
            "Million",
            "Milliarde",
            "Billion",
            "Kalorie",
            "Kilokalorie",
            "Woche",
            "Kilowattstunde",
            "Person",
            "Rupie",
            "Lira",
            "Krone",
        ]
    )
    masculine = frozenset(
        [
            "Tag",
            "Monat",
            "Jahr",
            "Jahrhundert",
            "Mal",
            "Timer",
            "Wecker",
            "Kilometer",
            "Meter",
            "Zentimeter",
            "Millimeter",
            "Kilogramm",
            "Gramm",
            "Liter",
            "Grad",
            "Prozent",
            "Euro",
            "Cent",
            "Dollar",
            "Pfund",
            "Franken",
            "Zoll",
            "Fuß",
            "Byte",
            "Kilobyte",
            "Megabyte",
            "Gigabyte",
            "Terabyte",
            "Watt",
            "Kilowatt",
            "Volt",
            "Punkt",
        ]
    )
    ordinal = r"(?:te[nrsm]?|ste[nrsm]?|ern?)"
    signs: ClassVar[Mapping[str, str]] = {
        "+": "plus",
        "-": "minus",
        "*": "mal",
        "by": "mal",
        "/": "geteilt durch",
        "=": "gleich",
        "<": "kleiner als",
        ">": "größer als",
        "≤": "kleiner oder gleich",
        "≥": "größer oder gleich",
        "≠": "ungleich",
        "≈": "ungefähr",
        "±": "plus minus",
        "√": "Wurzel aus",
        "∞": "unendlich",
        "^": "hoch",
        "&": "und",
        "@": "ät",
        "%": "Prozent",
        "‰": "Promille",
        "§": "Paragraf",
        "°": "Grad",
        "~": "ungefähr",
        "#": "Nummer",
        "per": "pro",
        "hashtag": "Hashtag",
        ".": "Punkt",
        "slash": "Schrägstrich",
        "dash": "Bindestrich",
        "_": "Unterstrich",
    }
    currencies: ClassVar[Mapping[str, tuple[str, str, str, str]]] = {
        "EUR": ("Euro", "Euro", "Cent", "Cent"),
        "USD": ("Dollar", "Dollar", "Cent", "Cent"),
        "GBP": ("Pfund", "Pfund", "Penny", "Pence"),
        "JPY": ("Yen", "Yen", "", ""),
        "CHF": ("Franken", "Franken", "Rappen", "Rappen"),
    }
    scales: ClassVar[Mapping[str, tuple[str, str]]] = {
        "Tsd.": ("Tausend", "Tausend"),
        "Mio.": ("Million", "Millionen"),
        "Million": ("Million", "Millionen"),
        "Millionen": ("Million", "Millionen"),
        "Mrd.": ("Milliarde", "Milliarden"),
        "Milliarde": ("Milliarde", "Milliarden"),
        "Milliarden": ("Milliarde", "Milliarden"),
    }
    units: ClassVar[Mapping[str, str]] = {
        "Std.": "hour",
        "Min.": "minute",
        "Sek.": "second",
        "Std": "hour",
        "Min": "minute",
        "Sek": "second",
    }
    month_names: ClassVar[Mapping[str, int]] = {
        "jänner": 1,
        "jan": 1,
        "feb": 2,
        "mär": 3,
        "apr": 4,
        "jun": 6,
        "jul": 7,
        "aug": 8,
        "sep": 9,
        "sept": 9,
        "okt": 10,
        "nov": 11,
        "dez": 12,
    }
    year_words = frozenset(
        [
            "jahr",
            "jahre",
            "seit",
            "anno",
            "sommer",
            "winter",
            "herbst",
            "frühling",
            "frühjahr",
            "ende",
            "anfang",
            "mitte",
        ]
    )
    abbreviations: ClassVar[Mapping[str, str]] = {
        "z. B.": "zum Beispiel",
        "z.B.": "zum Beispiel",
        "d. h.": "das heißt",
        "d.h.": "das heißt",
        "u. a.": "unter anderem",
        "u.a.": "unter anderem",
        "i. d. R.": "in der Regel",
        "o. Ä.": "oder Ähnliches",
        "usw.": "und so weiter",
        "etc.": "et cetera",
        "bzw.": "beziehungsweise",
        "bspw.": "beispielsweise",
        "ca.": "circa",
        "vgl.": "vergleiche",
        "evtl.": "eventuell",
        "ggf.": "gegebenenfalls",
        "inkl.": "inklusive",
        "exkl.": "exklusive",
        "max.": "maximal",
        "min.": "mindestens",
        "Nr.": "Nummer",
        "Dr.": "Doktor",
        "Prof.": "Professor",
        "Hr.": "Herr",
        "Fr.": "Frau",
        "St.": "Sankt",
        "Str.": "Straße",
        "Tel.": "Telefon",
        "S.": "Seite",
        "Abs.": "Absatz",
        "Art.": "Artikel",
        "Bd.": "Band",
        "Jh.": "Jahrhundert",
        "Mio.": "Millionen",
        "Mrd.": "Milliarden",
        "Std.": "Stunden",
        "Min.": "Minuten",
        "Sek.": "Sekunden",
        "v. Chr.": "vor Christus",
        "n. Chr.": "nach Christus",
        "zzgl.": "zuzüglich",
        "abzgl.": "abzüglich",
        "C++": "C plus plus",
        "C#": "C sharp",
    }

    def day(self, number: int, before: str) -> str:
        return self.ordinal_words(number, "") + ("n" if before in _WEAK else "" if before in ("der", "die") else "r")

    def date(self, day: int, month: int, year: int | None, before: str) -> str:
        words = f"{self.day(day, before)} {self.month(month)}"
        return words if year is None else f"{words} {self.year(year)}"

    def order(self, first: int, second: int) -> tuple[int, int]:
        return (first, second) if second <= 12 else (second, first)

    def ordinal_words(self, number: int, suffix: str) -> str:
        if suffix in ("er", "ern"):
            return (self.year(number) if 1100 <= number < 2000 else self.cardinal(number)) + suffix
        words = super().ordinal_words(number, suffix)
        return words + suffix[-1] if suffix[-1:] in ("n", "r", "s", "m") else words

    def time(self, hour: int, minute: int, second: int | None, half: str) -> str:
        del half
        words = f"{self.counted(str(hour), '')} Uhr"
        if minute or second:
            words += f" {self.cardinal(minute)}"
        if second:
            words += f" und {self.counted(str(second), 'Sekunde')} {'Sekunde' if second == 1 else 'Sekunden'}"
        return words

    def fraction(self, numerator: int, denominator: int) -> str:
        if denominator == 2:
            return "ein halb" if numerator == 1 else f"{self.cardinal(numerator)} halbe"
        if 3 <= denominator <= 20:
            part = self.ordinal_words(denominator, "") + "l"
            return f"{self.counted(str(numerator), '')} {part[0].upper()}{part[1:]}"
        return f"{self.cardinal(numerator)} durch {self.cardinal(denominator)}"
