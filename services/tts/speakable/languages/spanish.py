"""Spanish."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from services.tts.speakable.languages.language import SPACES, Language

__all__ = ["Spanish"]


class Spanish(Language):
    """See Language."""

    code = "es"
    number = rf"\d{{1,3}}(?:[.{SPACES}]\d{{3}})+(?!\d)(?:,\d+)?|\d+(?:[,.]\d+)?"
    grouped = rf"\d{{1,3}}(?:[.{SPACES}]\d{{3}})+"
    decimal = ",."
    point = "coma"
    to = "a"
    and_a_half = "y"
    powers = ("al cuadrado", "al cubo")
    one = ("un", "una")
    words_of = "de "
    and_cents = " con"
    figure_date = r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4}|\d{2})"
    clock = (r"(?P<h>\d{1,2})\s?h(?:\s?(?P<m>\d{2}))?", r"(?P<h>\d{1,2})\s(?P<half>[ap])\.\s?m\.")
    feminine = frozenset(
        [
            "hora",
            "segunda",
            "tonelada",
            "libra",
            "libra esterlina",
            "onza",
            "milla",
            "caloría",
            "semana",
            "milla por hora",
            "alarma",
            "persona",
            "vez",
        ]
    )
    masculine = frozenset(
        [
            "millón",
            "minuto",
            "segundo",
            "día",
            "mes",
            "año",
            "temporizador",
            "kilómetro",
            "metro",
            "centímetro",
            "milímetro",
            "kilogramo",
            "kilo",
            "gramo",
            "litro",
            "grado",
            "euro",
            "céntimo",
            "dólar",
            "punto",
            "pie",
            "byte",
        ]
    )
    ordinal = r"\.?(?:[ºª]|er|o|a)"
    signs: ClassVar[Mapping[str, str]] = {
        "+": "más",
        "-": "menos",
        "*": "por",
        "by": "por",
        "/": "dividido por",
        "=": "es igual a",
        "<": "menor que",
        ">": "mayor que",
        "≤": "menor o igual que",
        "≥": "mayor o igual que",
        "≠": "distinto de",
        "≈": "aproximadamente",
        "±": "más o menos",
        "√": "raíz cuadrada de",
        "∞": "infinito",
        "^": "elevado a",
        "&": "y",
        "@": "arroba",
        "%": "por ciento",
        "‰": "por mil",
        "§": "sección",
        "°": "grados",
        "~": "unos",
        "#": "número",
        "per": "por",
        "hashtag": "hashtag",
        ".": "punto",
        "slash": "barra",
        "dash": "guion",
        "_": "guion bajo",
    }
    currencies: ClassVar[Mapping[str, tuple[str, str, str, str]]] = {
        "EUR": ("euro", "euros", "céntimo", "céntimos"),
        "USD": ("dólar", "dólares", "centavo", "centavos"),
        "GBP": ("libra", "libras", "penique", "peniques"),
        "JPY": ("yen", "yenes", "", ""),
        "CHF": ("franco suizo", "francos suizos", "céntimo", "céntimos"),
    }
    scales: ClassVar[Mapping[str, tuple[str, str]]] = {
        "millón": ("millón", "millones"),
        "millones": ("millón", "millones"),
        "M": ("millón", "millones"),
    }
    month_names: ClassVar[Mapping[str, int]] = {"setiembre": 9, "sep": 9}
    year_words = frozenset(
        ["en", "desde", "año", "hacia", "antes", "después", "verano", "invierno", "primavera", "otoño"]
    )
    abbreviations: ClassVar[Mapping[str, str]] = {
        "Sr.": "señor",
        "Sra.": "señora",
        "Srta.": "señorita",
        "Dr.": "doctor",
        "Dra.": "doctora",
        "Prof.": "profesor",
        "D.": "don",
        "Dña.": "doña",
        "etc.": "etcétera",
        "p. ej.": "por ejemplo",
        "p.ej.": "por ejemplo",
        "EE. UU.": "Estados Unidos",
        "EE.UU.": "Estados Unidos",
        "Ud.": "usted",
        "Uds.": "ustedes",
        "núm.": "número",
        "n.º": "número",
        "Nº": "número",
        "nº": "número",
        "aprox.": "aproximadamente",
        "pág.": "página",
        "págs.": "páginas",
        "cap.": "capítulo",
        "vol.": "volumen",
        "tel.": "teléfono",
        "Av.": "avenida",
        "Avda.": "avenida",
        "máx.": "máximo",
        "mín.": "mínimo",
        "a. C.": "antes de Cristo",
        "d. C.": "después de Cristo",
        "a. m.": "de la mañana",
        "p. m.": "de la tarde",
        "a.m.": "de la mañana",
        "p.m.": "de la tarde",
        "C++": "C más más",
        "C#": "C sostenido",
    }

    def ordinal_words(self, number: int, suffix: str) -> str:
        words = super().ordinal_words(number, suffix)
        if suffix.endswith(("ª", "a")):
            return " ".join(w[:-1] + "a" if w.endswith("o") else w for w in words.split())
        return words[:-1] if suffix.endswith("er") and words.endswith("ero") else words

    def counted(self, written: str, noun: str) -> str:
        words = super().counted(written, noun)
        if words == "veintiuno":
            return "veintiuna" if noun in self.feminine else "veintiún"
        if words.endswith(" uno"):
            return words[:-1] + "a" if noun in self.feminine else words[:-1]
        return words

    def day(self, number: int, before: str) -> str:
        del before
        return "primero" if number == 1 else self.cardinal(number)

    def date(self, day: int, month: int, year: int | None, before: str) -> str:
        words = f"{self.day(day, before)} de {self.month(month)}"
        return words if year is None else f"{words} de {self.year(year)}"

    def order(self, first: int, second: int) -> tuple[int, int]:
        return (first, second) if second <= 12 else (second, first)

    def time(self, hour: int, minute: int, second: int | None, half: str) -> str:
        words = "una" if hour == 1 else self.cardinal(hour)
        if minute or second:
            words += f" y {self.cardinal(minute)}"
        if second:
            words += f" y {self.counted(str(second), '')} {'segundo' if second == 1 else 'segundos'}"
        return words + {"a": " de la mañana", "p": " de la tarde"}.get(half, "")

    def fraction(self, numerator: int, denominator: int) -> str:
        names = {2: ("medio", "medios"), 3: ("tercio", "tercios"), 4: ("cuarto", "cuartos")}
        if denominator in names:
            return f"{self.counted(str(numerator), '')} {names[denominator][numerator != 1]}"
        if 5 <= denominator <= 10:
            part = super().ordinal_words(denominator, "")
            return f"{self.counted(str(numerator), '')} {part}{'' if numerator == 1 else 's'}"
        return f"{self.cardinal(numerator)} partido por {self.cardinal(denominator)}"
