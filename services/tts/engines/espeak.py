"""espeak-ng, the built-in engine: a hundred languages, no download, first sound within a few ms.

Its word events say where a word begins; a word ends with its last audible sample before the next one begins. Some
short words are spoken in one go ("of the") and come as one stretch.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np

from services.tts.engines.espeak_library import EspeakEvent, EspeakLibrary, espeak_library
from services.tts.port import Delivery, Out, SpeechStopped, SpokenWord

__all__ = ["EspeakEngine", "espeak_voices"]

_SILENCE: Final = 16
"""Largest magnitude (of 32768) of a sample that nobody hears: espeak-ng's pauses are zeros, its voice is not."""

_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(?:-|\Z)(?<!mb-)")
"""Begins the name of a language's voice, not of MBROLA's."""

_ALIASES: Final = {"en": "en-us", "en-gb": "en", "en-au": "en", "en-ie": "en", "en-nz": "en", "zh": "cmn", "no": "nb"}
"""Names that espeak-ng lacks, or takes otherwise: its `en` is British."""


class EspeakEngine:
    """See the module. Making it loads the library."""

    name = "espeak-ng"
    model = "espeak-ng"

    def __init__(self, library: EspeakLibrary | None = None) -> None:
        self._library = library or espeak_library()
        self.rate = self._library.rate

    def speak(self, text: str, delivery: Delivery, out: Out) -> None:
        """See Engine."""
        if not text.strip():
            return
        words = _Words(text, out)
        self._library.speak(text, espeak_voices(delivery), delivery.rate, delivery.volume, words.heard)
        if out.stopped:
            raise SpeechStopped
        words.finish()


def espeak_voices(delivery: Delivery) -> tuple[str, ...]:
    """Names of voices to try in turn: the chosen one, the language with its region, the language, English.

    A voice of another language gives only its variant (`+f3`), since German in an English voice is not understood.
    """
    language = delivery.language.replace("_", "-").lower()
    base = language.partition("-")[0]
    name, plus, variant = delivery.voice.partition("+")
    foreign = _LANGUAGE.match(name) is not None and name.partition("-")[0] != base
    plain = [_ALIASES.get(v, v) for v in (language, base, "en")]
    wanted = plain if foreign or not name else [_ALIASES.get(name, name), *plain]
    return tuple(dict.fromkeys(v for v in (*(f"{w}{plus}{variant}" for w in wanted), *plain) if v))


class _Words:
    """Turns beginnings of words into stretches, while the samples go by."""

    def __init__(self, text: str, out: Out) -> None:
        self._text = text
        self._out = out
        self._open: EspeakEvent | None = None
        self._written = 0
        self._audible_until = 0

    def heard(self, pcm: bytes, events: tuple[EspeakEvent, ...]) -> bool:
        """Take a buffer; False when nobody wants more."""
        if self._out.stopped:
            return False
        done: list[SpokenWord] = []
        samples = np.frombuffer(pcm, dtype="<i2")
        place = 0
        for event in events:
            if not self._begins(event):
                continue
            begins = min(max(event.sample - self._written, place), len(samples))
            self._listen(samples[place:begins], self._written + place)
            place = begins
            if self._open is not None:
                done.append(self._close(event.position))
            self._open = EspeakEvent(event.position, self._written + begins)
        self._listen(samples[place:], self._written + place)
        self._written += len(samples)
        self._out.write(pcm, tuple(done))
        return True

    def finish(self) -> None:
        """The text was spoken whole: the last word ends."""
        if self._open is not None:
            self._out.write(b"", (self._close(len(self._text)),))

    def _begins(self, event: EspeakEvent) -> bool:
        """True for a new word; false for more of the open one, and for positions that are no word's."""
        if not 0 <= event.position < len(self._text) or self._text[event.position].isspace():
            return False
        return self._open is None or event.position > self._open.position

    def _listen(self, samples: np.ndarray[tuple[int], np.dtype[np.int16]], first: int) -> None:
        audible = np.flatnonzero((samples > _SILENCE) | (samples < -_SILENCE))
        if len(audible):
            self._audible_until = first + int(audible[-1]) + 1

    def _close(self, end: int) -> SpokenWord:
        assert self._open is not None
        start, first = self._open.position, self._open.sample
        end = start + len(self._text[start:end].rstrip())
        return SpokenWord(start, end, first, max(first, self._audible_until))
