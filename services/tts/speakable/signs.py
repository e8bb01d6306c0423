"""Signs: single characters that are neither letters nor figures. They are words, pauses, or nothing."""

# ruff: noqa: RUF001 (the signs of written text, look-alikes among them, are its subject)
from __future__ import annotations

import unicodedata
from typing import Final

from services.tts.speakable.figures import vulgar
from services.tts.speakable.languages import Language
from services.tts.speakable.speakable import Builder
from services.tts.speakable.units import CURRENCY_SIGNS

__all__ = ["Signs"]

_PAUSES: Final = {
    ",": ",",
    "،": ",",
    "、": ",",
    "，": ",",
    ";": ";",
    "؛": ";",
    "；": ";",
    ":": ":",
    "：": ":",
    ".": ".",
    "。": ".",
    "।": ".",
    "!": "!",
    "！": "!",
    "?": "?",
    "？": "?",
    "؟": "?",
    "…": "…",
    "|": ",",
    "(": ",",
    ")": ",",
    "→": ",",
    "•": ",",
    "—": ",",
}

_ALWAYS: Final = frozenset("≤≥≠≈±√∞∑∫∂∆∈§‰¢")
_SAME: Final = {"−": "-", "×": "*", "÷": "/", "·": "*", "⋅": "*", "⁄": "/", "➗": "/", "➕": "+", "➖": "-", "✖": "*"}
_CLOSING: Final = ")]}°%"
_OPENING: Final = "([{√π∞-−+"


class Signs:
    """What single signs say in a language; without one, only pauses."""

    def __init__(self, language: Language | None) -> None:
        self._language = language

    def say(self, text: str, place: int, builder: Builder) -> int:
        """Say the sign at `place`, or pause, or neither; returns where to go on."""
        sign = text[place]
        if self._language is not None:
            spoken, end = self._spoken(self._language, text, place)
            if spoken:
                builder.say(place, end, spoken)
                return end
        if sign in _PAUSES and not _inside(text, place):
            builder.pause(_PAUSES[sign])
        elif sign in "-–" and _alone(text, place):
            builder.pause(",")
        return place + 1

    def _spoken(self, language: Language, text: str, place: int) -> tuple[str, int]:
        """Words and the end of the sign; no words for a pause or silence."""
        sign = text[place]
        if unicodedata.numeric(sign, None) is not None:
            return self._figure(language, text, place), place + 1
        if sign == "^" and text[place + 1 : place + 2] in ("2", "3") and not text[place + 2 : place + 3].isdecimal():
            return language.powers[int(text[place + 1]) - 2], place + 2
        if text.startswith("&amp;", place):
            return language.signs["&"], place + len("&amp;")
        if sign == "." and text[place + 1 : place + 2].isdecimal() and not text[place - 1 : place].isalnum():
            return language.point, place + 1
        if sign in CURRENCY_SIGNS and sign != "$":
            return language.currency(CURRENCY_SIGNS[sign])[1], place + 1
        word = _meaning(_SAME.get(sign, sign), sign, text, place)
        return language.signs.get(word, language.to if word == "to" else ""), place + 1

    @staticmethod
    def _figure(language: Language, text: str, place: int) -> str:
        sign = text[place]
        if sign in "²³" and text[place - 1 : place].isalnum():
            return language.powers[sign == "³"]
        return vulgar(language, sign)


def _meaning(sign: str, written: str, text: str, place: int) -> str:
    """The key of the sign's word in `Language.signs`, `to` for a range, or empty."""
    before, after = text[place - 1 : place], text[place + 1 : place + 2]
    left, right = _left(text, place), _right(text, place)
    between = _operand(left, _CLOSING) and _operand(right, _OPENING)
    figures = (left.isdecimal() or left in _CLOSING) and (right.isdecimal() or right in _OPENING) and between
    if sign in _ALWAYS:
        return sign
    if sign in "-–":
        if after in CURRENCY_SIGNS and text[place + 2 : place + 3].isdecimal() and not before.isalnum():
            return "-"
        letter = before == " " and text[place - 2 : place - 1].isalpha() and not text[place - 3 : place - 2].isalpha()
        return _dash(written, before, after, figures or (letter and right.isdecimal()))
    if sign == "*":
        return sign if figures or (written != "*" and between) else ""
    if sign == "/":
        return sign if figures or written != "/" else ""
    if sign in "<>" and right.isdecimal() and not left.isalnum():
        return sign
    if sign in "<>=^":
        return sign if between else ""
    if sign == "+":
        return sign if (between or before.isdecimal() or after.isdecimal()) else ""
    if sign in "&%":
        return sign if left or right else ""
    if sign == "@":
        return sign if after.isalnum() else ""
    if sign == "#":
        return "#" if after.isdecimal() else "hashtag" if after.isalpha() else ""
    if sign in "~°":
        return sign if (right if sign == "~" else before).isdecimal() else ""
    return ""


def _dash(written: str, before: str, after: str, figures: bool) -> str:
    """A dash is a minus, the word of a range, or nothing."""
    if before.isdecimal() and after in CURRENCY_SIGNS:
        return "to"
    if not after.isdecimal():
        return "-" if written == "−" or (written == "-" and figures and after.isspace() and before.isspace()) else ""
    if before.isdecimal():
        return "-" if written == "−" else "to"
    return "" if before.isalpha() or (before in _CLOSING and before) else "-" if written != "–" else ""


def _operand(character: str, brackets: str) -> bool:
    return character.isalnum() or (character != "" and character in brackets)


def _left(text: str, place: int) -> str:
    """The nearest character before, within a space."""
    near = text[max(0, place - 2) : place].rstrip(" ")
    return near[-1:]


def _right(text: str, place: int) -> str:
    near = text[place + 1 : place + 3].lstrip(" ")
    return near[:1]


def _inside(text: str, place: int) -> bool:
    """True for punctuation within a word, such as the dot of `object.method`."""
    return text[place] in ".:,!?" and text[place - 1 : place].isalnum() and text[place + 1 : place + 2].isalnum()


def _alone(text: str, place: int) -> bool:
    return text[place - 1 : place].isspace() and text[place + 1 : place + 2].isspace()
