"""French."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from services.tts.speakable.languages.language import SPACES, Language

__all__ = ["French"]


class French(Language):
    """See Language."""

    code = "fr"
    number = rf"\d{{1,3}}(?:[ {SPACES}.]\d{{3}})+(?!\d)(?:,\d+)?|\d+(?:[,.]\d+)?"
    grouped = rf"\d{{1,3}}(?:[ {SPACES}.]\d{{3}})+"
    decimal = ",."
    point = "virgule"
    to = "à"
    and_a_half = "et"
    powers = ("au carré", "au cube")
    one = ("un", "une")
    words_of = "de "
    figure_date = r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4}|\d{2})"
    clock = (r"(?P<h>\d{1,2})\s?h(?:\s?(?P<m>\d{2}))?",)
    feminine = frozenset(
        [
            "heure",
            "minute",
            "seconde",
            "milliseconde",
            "tonne",
            "livre",
            "livre sterling",
            "once",
            "calorie",
            "semaine",
            "année",
            "journée",
            "alarme",
            "personne",
            "fois",
        ]
    )
    ordinal = r"(?:ères?|ers?|res?|nd|nde|[èe]mes?|es?)"
    signs: ClassVar[Mapping[str, str]] = {
        "+": "plus",
        "-": "moins",
        "*": "fois",
        "by": "par",
        "/": "divisé par",
        "=": "égale",
        "<": "inférieur à",
        ">": "supérieur à",
        "≤": "inférieur ou égal à",
        "≥": "supérieur ou égal à",
        "≠": "différent de",
        "≈": "environ",
        "±": "plus ou moins",
        "√": "racine carrée de",
        "∞": "l'infini",
        "^": "puissance",
        "&": "et",
        "@": "arobase",
        "%": "pour cent",
        "‰": "pour mille",
        "§": "paragraphe",
        "°": "degrés",
        "~": "environ",
        "#": "numéro",
        "per": "par",
        "hashtag": "hashtag",
        ".": "point",
        "slash": "barre oblique",
        "dash": "tiret",
        "_": "tiret bas",
    }
    currencies: ClassVar[Mapping[str, tuple[str, str, str, str]]] = {
        "EUR": ("euro", "euros", "centime", "centimes"),
        "USD": ("dollar", "dollars", "cent", "cents"),
        "GBP": ("livre sterling", "livres sterling", "penny", "pence"),
        "JPY": ("yen", "yens", "", ""),
        "CHF": ("franc suisse", "francs suisses", "centime", "centimes"),
    }
    scales: ClassVar[Mapping[str, tuple[str, str]]] = {
        "million": ("million", "millions"),
        "millions": ("million", "millions"),
        "M": ("million", "millions"),
        "milliard": ("milliard", "milliards"),
        "milliards": ("milliard", "milliards"),
        "Md": ("milliard", "milliards"),
    }
    year_words = frozenset(
        ["en", "depuis", "année", "an", "vers", "avant", "après", "été", "hiver", "printemps", "automne", "dès"]
    )
    abbreviations: ClassVar[Mapping[str, str]] = {
        "M.": "monsieur",
        "MM.": "messieurs",
        "Mme": "madame",
        "Mmes": "mesdames",
        "Mlle": "mademoiselle",
        "Dr": "docteur",
        "Dr.": "docteur",
        "Pr": "professeur",
        "etc.": "et cetera",
        "p. ex.": "par exemple",
        "p.ex.": "par exemple",
        "par ex.": "par exemple",
        "c.-à-d.": "c'est-à-dire",
        "env.": "environ",
        "n°": "numéro",
        "N°": "numéro",
        "St": "Saint",
        "Ste": "Sainte",
        "av.": "avenue",
        "bd": "boulevard",
        "tél.": "téléphone",
        "max.": "maximum",
        "min.": "minimum",
        "vol.": "volume",
        "chap.": "chapitre",
        "p.": "page",
        "cf.": "confer",
        "J.-C.": "Jésus-Christ",
        "S.A.": "S A",
        "C++": "C plus plus",
        "C#": "C dièse",
    }

    def ordinal_words(self, number: int, suffix: str) -> str:
        if number == 1 and suffix in ("re", "ère", "res", "ères"):
            return "première"
        return super().ordinal_words(number, suffix)

    def day(self, number: int, before: str) -> str:
        del before
        return "premier" if number == 1 else self.cardinal(number)

    def date(self, day: int, month: int, year: int | None, before: str) -> str:
        words = f"{self.day(day, before)} {self.month(month)}"
        return words if year is None else f"{words} {self.year(year)}"

    def order(self, first: int, second: int) -> tuple[int, int]:
        return (first, second) if second <= 12 else (second, first)

    def counted(self, written: str, noun: str) -> str:
        words = super().counted(written, noun)
        return words + "e" if noun in self.feminine and words.endswith(" et un") else words

    def money(self, written: str, code: str, scale: str = "") -> str:
        return super().money(written, code, scale).replace(" de euro", " d'euro")

    def time(self, hour: int, minute: int, second: int | None, half: str) -> str:
        del half
        words = f"{self.counted(str(hour), 'heure')} {'heure' if hour <= 1 else 'heures'}"
        if minute or second:
            words += f" {self.cardinal(minute)}"
        if second:
            words += f" et {self.counted(str(second), 'seconde')} {'seconde' if second == 1 else 'secondes'}"
        return words

    def fraction(self, numerator: int, denominator: int) -> str:
        names = {2: ("demi", "demis"), 3: ("tiers", "tiers"), 4: ("quart", "quarts")}
        if denominator in names:
            return f"{self.counted(str(numerator), '')} {names[denominator][numerator != 1]}"
        if 5 <= denominator <= 20:
            part = super().ordinal_words(denominator, "")
            return f"{self.counted(str(numerator), '')} {part}{'' if numerator == 1 else 's'}"
        return f"{self.cardinal(numerator)} sur {self.cardinal(denominator)}"
