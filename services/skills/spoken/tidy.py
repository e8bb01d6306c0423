"""Brings a sentence to the one plain form that templates match: lower case, no punctuation, numbers in digits.

Typed and recognised text meet here: "Hey Sotto, what's 1,000 × 3?" and "what is a thousand times three" become the
same words. Fillers at either end are peeled off, never the whole sentence.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.skills.spoken.numerals import digits

__all__ = ["Habits", "tidy"]

_APOSTROPHES = str.maketrans({"’": "'", "\u02bc": "'", "`": "'", "\u00b4": "'", "\u202f": " ", "\u00a0": " "})
_SYMBOLS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", "√": " √ "})
_GROUPED = {
    "en": re.compile(r"(?<=\d),(?=\d{3}(?!\d))"),
    "de": re.compile(r"(?<=\d)\.(?=\d{3}(?!\d))"),
    "fr": re.compile(r"(?<=\d) (?=\d{3}(?!\d))"),
    "es": re.compile(r"(?<=\d)\.(?=\d{3}(?!\d))"),
}
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d)")
_HOUR = re.compile(r"\b(\d{1,2})\s?h\s?(\d\d)?\b")
_CLOCK = re.compile(r"(?<=\b\d):(?=\d\d\b)|(?<=\b\d\d):(?=\d\d\b)")
_HYPHEN = re.compile(r"(?<=[^\W\d])(?<!\butc)(?<!\bgmt)-(?=\w)|(?<=\d)-(?=[^\W\d])")
_AFTERNOON = re.compile(r"\b([ap])\s?\.\s?m\b\.?")
_GLUED = re.compile(r"(?<=\d)(?=[ap]m\b)")
_PUNCTUATION = re.compile(r"[?!¿¡;\"“”«»„…,:.]+(?=\s|$)|(?<=\s)[?!¿¡;\"“”«»„…,:]+|^[?!¿¡;\"“”«»„…,:]+|[?!¿¡;\"“”«»„…]")
_COMPOUND = re.compile(r"(?<=\w\w)(?<!kurzzeit)(?=(?:timer|wecker)\b)")
"""Where German writes what a timer is for together with it: "Nudeltimer"."""
_COMMA = re.compile(r"(?<!\d),|,(?!\d)")


@dataclass(frozen=True, slots=True)
class Habits:
    """How people of a language pad their requests."""

    language: str
    leading: tuple[str, ...] = ()
    """Fillers that may begin a sentence, in the plain form."""
    trailing: tuple[str, ...] = ()
    rewrites: tuple[tuple[str, str], ...] = ()
    """Whole words or phrases and what they stand for: `("what's", "what is")`."""

    @classmethod
    def of(cls, language: str, document: Mapping[str, object]) -> Habits:
        """Read `fillers` and `rewrites` of a sentence file; longer phrases come first."""
        fillers = document.get("fillers")
        rewrites = document.get("rewrites")
        assert isinstance(fillers, Mapping)
        assert isinstance(rewrites, Mapping)
        return cls(
            language,
            _longest_first(fillers.get("leading", ())),
            _longest_first(fillers.get("trailing", ())),
            tuple((str(before), str(after)) for before, after in rewrites.items()),
        )

    def peeled(self, text: str) -> Iterator[str]:
        """Yield a plain sentence, then it with one filler less at a time, those at its end first.

        What a filler is depends on the sentence ("tell me the time", "tell me a joke"), so every stage counts. What
        is nothing but fillers stays whole.
        """
        stage: str | None = text
        while stage is not None:
            yield stage
            stage = self._peel_one(stage)

    def _peel_one(self, text: str) -> str | None:
        for filler in self.trailing:
            if text.endswith(" " + filler):
                return text[: -len(filler) - 1]
        for filler in self.leading:
            if text.startswith(filler + " "):
                return text[len(filler) + 1 :]
        return None


def tidy(text: str, habits: Habits) -> str:
    """Return the plain form of what was typed or recognised, fillers still in place."""
    language = habits.language
    plain = unicodedata.normalize("NFC", text).translate(_APOSTROPHES).lower()
    plain = _CLOCK.sub(" ", plain).replace("%", " percent " if language == "en" else " % ")
    plain = _AFTERNOON.sub(r"\1m", plain)
    plain = _GROUPED.get(language, _GROUPED["en"]).sub("", plain)
    if language != "en":
        plain = _DECIMAL_COMMA.sub(".", plain)
    plain = _HOUR.sub(r"\1 h \2", plain) if language == "fr" else plain
    plain = _COMPOUND.sub(" ", plain) if language == "de" else plain
    plain = _COMMA.sub(" ", plain).translate(_SYMBOLS)
    while (bare := _PUNCTUATION.sub(" ", plain)) != plain:
        plain = bare  # one sign may have hidden the next
    plain = _HYPHEN.sub(" ", plain)
    plain = _GLUED.sub(" ", plain)
    plain = f" {' '.join(plain.split())} "
    for before, after in habits.rewrites:
        plain = plain.replace(f" {before} ", f" {after} ")
    return digits(" ".join(plain.split()), language)


def _longest_first(phrases: Sequence[object]) -> tuple[str, ...]:
    return tuple(sorted(map(str, phrases), key=len, reverse=True))
