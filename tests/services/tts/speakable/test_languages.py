"""German, French and Spanish: numbers, dates, times, money and units; other languages: no markup."""

# ruff: noqa: RUF001 (the signs of written text, look-alikes among them, are its subject)

from __future__ import annotations

import pytest

from services.tts.speakable import speakable

GERMAN = {
    "12,50 €": "zwölf Euro fünfzig",
    "1 €": "ein Euro",
    "0,99 €": "neunundneunzig Cent",
    "1.234,56 €": "eintausendzweihundertvierunddreißig Euro sechsundfünfzig",
    "3 Mio. Euro": "drei Millionen Euro",
    "3,5": "drei Komma fünf",
    "1.000.000": "eine Million",
    "17:30 Uhr": "siebzehn Uhr dreißig",
    "um 1 Uhr": "um ein Uhr",
    "9:00": "neun Uhr",
    "21 °C": "einundzwanzig Grad Celsius",
    "1 Std.": "eine Stunde.",
    "5 km/h": "fünf Kilometer pro Stunde",
    "50 %": "fünfzig Prozent",
    "am 21.11.2026": "am einundzwanzigsten November zweitausendsechsundzwanzig",
    "Heute ist der 3. Mai": "Heute ist der dritte Mai",
    "24.12.": "vierundzwanzigster Dezember.",
    "im 19. Jahrhundert": "im neunzehnten Jahrhundert",
    "im Jahr 1984": "im Jahr neunzehnhundertvierundachtzig",
    "die 1990er und 80er": "die neunzehnhundertneunziger und achtziger",
    "Version 3.11": "Version drei Komma eins eins",
    "10 €/kg": "zehn Euro pro Kilogramm",
    "z. B. Dr. Müller": "zum Beispiel Doktor Müller",
    "3/4": "drei Viertel",
    "2 + 2 = 4": "zwei plus zwei gleich vier",
    "12 m²": "zwölf Quadratmeter",
    "1 Stunde und 1 Minute": "eine Stunde und eine Minute",
    "noch 1 Tag": "noch ein Tag",
    "Kapitel 1 Anfang": "Kapitel eins Anfang",
    "2:1": "zwei zu eins",
}
FRENCH = {
    "12,50 €": "douze euros cinquante",
    "1 €": "un euro",
    "0,99 €": "quatre-vingt-dix-neuf centimes",
    "1\u202f234,56 €": "mille deux cent trente-quatre euros cinquante-six",
    "3,5": "trois virgule cinq",
    "17h30": "dix-sept heures trente",
    "17:30": "dix-sept heures trente",
    "1 h": "une heure",
    "21 h": "vingt et une heures",
    "21 °C": "vingt et un degrés Celsius",
    "5 km/h": "cinq kilomètres par heure",
    "50 %": "cinquante pour cent",
    "le 21/11/2026": "le vingt et un novembre deux mille vingt-six",
    "le 1er mai": "le premier mai",
    "2e et 1re": "deuxième et première",
    "3/4": "trois quarts",
    "M. Dupont": "monsieur Dupont",
    "3 millions d'euros": "trois millions d'euros",
    "2 M€": "deux millions d'euros",
    "1 heure et 21 minutes": "une heure et vingt et une minutes",
    "1 jour": "un jour",
}
SPANISH = {
    "12,50 €": "doce euros con cincuenta",
    "21 €": "veintiún euros",
    "1 €": "un euro",
    "0,99 €": "noventa y nueve céntimos",
    "1.234,56 €": "mil doscientos treinta y cuatro euros con cincuenta y seis",
    "3,5": "tres coma cinco",
    "a las 17:30": "a las diecisiete y treinta",
    "a la 1:00": "a la una",
    "5 p. m.": "cinco de la tarde.",
    "21 °C": "veintiún grados Celsius",
    "1 h": "una",
    "50 %": "cincuenta por ciento",
    "el 21/11/2026": "el veintiuno de noviembre de dos mil veintiséis",
    "21 de noviembre de 2026": "veintiuno de noviembre de dos mil veintiséis",
    "2.ª vez": "segunda vez",
    "3/4": "tres cuartos",
    "EE. UU.": "Estados Unidos.",
    "1 hora y 21 minutos": "una hora y veintiún minutos",
    "31 horas": "treinta y una horas",
    "1 temporizador": "un temporizador",
    "1 millón de personas": "un millón de personas",
}


def cases(language: str, forms: dict[str, str]) -> list[tuple[str, str, str]]:
    return [(language, written, spoken) for written, spoken in forms.items()]


@pytest.mark.parametrize(
    ("language", "written", "spoken"), cases("de", GERMAN) + cases("fr", FRENCH) + cases("es", SPANISH)
)
def test_a_written_form_is_spoken_in_the_words_of_its_language(language: str, written: str, spoken: str) -> None:
    """Grammar included: one hour is feminine, twenty-one euros drop an o."""
    assert speakable(written, language).text == spoken


@pytest.mark.parametrize(("written", "spoken"), [("**Ciao** 17:30, 50%", "Ciao 17:30, 50%"), ("[qui](x)", "qui")])
def test_other_languages_lose_their_markup_and_keep_their_figures(written: str, spoken: str) -> None:
    """The engine reads figures by the language's own rules."""
    assert speakable(written, "it").text == spoken


def test_scripts_keep_their_letters_and_marks_together() -> None:
    """Vowel signs, joiners and composed accents are parts of words; foreign stops are pauses."""
    for word in ("हिन्दी", "cafe\u0301", "می‌خواهم", "नमस्ते"):
        assert [(s.written_start, s.written_end) for s in speakable(word, "hi").spans] == [(0, len(word))]
    assert speakable("你好。再见！", "zh").text == "你好. 再见!"


@pytest.mark.parametrize("tag", ["en", "en-GB", "EN_us", "de-AT", "", "xx", "zh-Hans-CN"])
def test_any_tag_is_a_language(tag: str) -> None:
    """Unknown ones are not written out."""
    assert speakable("word", tag).text == "word"
