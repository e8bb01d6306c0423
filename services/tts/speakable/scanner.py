"""The scanner: reads written text once from left to right and says each form it knows."""

# ruff: noqa: RUF001 (the signs of written text, look-alikes among them, are its subject)
from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Sequence

from services.tts.speakable.dates import dates, month_dates
from services.tts.speakable.figures import figures, telephones
from services.tts.speakable.languages import Language, language_of
from services.tts.speakable.markup import markup
from services.tts.speakable.rule import Piece, Rule, whole
from services.tts.speakable.signs import Signs
from services.tts.speakable.speakable import Builder, Speakable
from services.tts.speakable.words import words

__all__ = ["speakable"]

_HYPHENS = "-‐‑"
_APOSTROPHES = "'’ʼ"
_VERBATIM = re.compile(r"[€$£¥]?\d+(?:[.,:/]\d+)*(?:[ \u00a0]?[%€$£¥°])?")
_SCHEME = re.compile(r"https?://(?:www\.)?")


def speakable(text: str, language: str) -> Speakable:
    """Return `text` (any characters at all) in words for `language` (ISO 639-1, perhaps with a region).

    English, German, French and Spanish are written out; in other languages markup is removed and figures are left to
    the engine's own rules.
    """
    return _scanner(language).read(text)


@functools.lru_cache(maxsize=16)
def _scanner(tag: str) -> _Scanner:
    return _Scanner(language_of(tag))


class _Scanner:
    """The rules of one language, sorted by what a form begins with."""

    def __init__(self, language: Language | None) -> None:
        self._marks: tuple[Rule, ...] = tuple(markup())
        self._signs = Signs(language)
        if language is None:
            self._figures: tuple[Rule, ...] = (Rule(_VERBATIM, lambda m: whole(m, m.group())),)
            self._letters: tuple[Rule, ...] = (Rule(_SCHEME, lambda _: ()),)
            return
        phones, counted = tuple(telephones(language)), tuple(figures(language))
        self._figures = (*dates(language), *phones, *counted)
        self._letters = (*month_dates(language), *counted, *words(language))
        self._marks = (*self._marks, *phones, *counted)

    def read(self, text: str) -> Speakable:
        """Return the text in words."""
        builder = Builder()
        place = 0
        while place < len(text):
            place = self._step(text, place, builder)
        return builder.done()

    def _step(self, text: str, place: int, builder: Builder) -> int:
        """Say the form at `place`; returns where to go on."""
        character = text[place]
        if character.isspace():
            return _space(text, place, builder)
        if character.isdecimal():
            end = self._apply(self._figures, text, place, builder)
            return place + 1 if end is None else end
        letter = character.isalpha()
        end = self._apply(self._letters if letter else self._marks, text, place, builder)
        if end is not None:
            return end
        return _word(text, place, builder) if letter else self._signs.say(text, place, builder)

    def _apply(self, rules: Sequence[Rule], text: str, place: int, builder: Builder) -> int | None:
        for rule in rules:
            match = rule.pattern.match(text, place)
            if match is None or match.end() == place:
                continue
            pieces = rule.say(match)
            if pieces is not None:
                return _say(pieces, match, builder)
        return None


def _say(pieces: tuple[Piece, ...], match: re.Match[str], builder: Builder) -> int:
    for piece in pieces:
        builder.say(piece.start, piece.end, piece.words)
    end = pieces[-1].end if pieces else match.end()
    if pieces and match.string[end - 1] == "." and not match.string[end:].strip():
        builder.pause(".")
    return end


def _space(text: str, place: int, builder: Builder) -> int:
    """A line that ends is a short pause, an empty line a long one."""
    end = place + 1
    while end < len(text) and text[end].isspace():
        end += 1
    lines = text.count("\n", place, end)
    if lines:
        builder.pause("." if lines > 1 else ",")
    return end


def _word(text: str, place: int, builder: Builder) -> int:
    """Letters with their marks, hyphens and apostrophes, spoken as they are."""
    end = place + 1
    while end < len(text):
        if text[end].isalpha() or unicodedata.category(text[end]) in ("Mn", "Mc", "Cf"):
            end += 1
        elif text[end] in _HYPHENS + _APOSTROPHES and text[end + 1 : end + 2].isalpha():
            end += 2
        else:
            break
    builder.say(place, end, _clean(text[place:end]))
    return end


_PLAIN = str.maketrans(dict.fromkeys(_HYPHENS, "-") | dict.fromkeys(_APOSTROPHES, "'"))


def _clean(word: str) -> str:
    plain = word.translate(_PLAIN)
    return plain if plain.isascii() else "".join(c for c in plain if unicodedata.category(c) != "Cf")
