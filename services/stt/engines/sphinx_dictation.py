"""Open dictation with pocketsphinx's English language model: text as the sound comes, committed at pauses."""

from __future__ import annotations

import os
import re
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from services.stt.transcript import Spoken
from shared.pcm import CAPTURE_RATE, Floats, pcm16

__all__ = ["FRAME", "DictationDecoder", "is_filler", "plain_word"]

FRAME = CAPTURE_RATE // 100
"""Samples per frame of the decoder (10 ms)."""
_LONGEST_SEGMENT = 20 * CAPTURE_RATE
"""Samples after which a segment is committed without a pause: the search's memory grows with it."""
_CONFIDENCE = 0.3
"""Of every word: on read speech about 40 % were right, and a word's posterior did not tell which (docs/adr/0017)."""
_SEARCH = "dictation"
_VARIANT = re.compile(r"\(\d+\)$")


def is_filler(word: str) -> bool:
    """True for silence, noise and null words of pocketsphinx's segmentations."""
    return word.startswith(("<", "[", "+", "(")) or word == "SIL"


def plain_word(word: str) -> str:
    """The word without the mark of its pronunciation variant: `read(2)` is `read`."""
    return _VARIANT.sub("", word)


class DictationDecoder:
    """One utterance at a time; raises RuntimeError when the native decoder breaks.

    Dictionary and language model are read by `load`, or when they are first needed: 0.1 and 0.2 s, in each of which
    nothing else runs.
    """

    def __init__(self) -> None:
        self._open = False
        self._words: list[Spoken] = []
        self._first = 0
        self._heard = 0

    @cached_property
    def _decoder(self) -> Any:
        from pocketsphinx import Decoder, get_model_path  # type: ignore[attr-defined] # a native module without types

        models = Path(get_model_path(), "en-us")  # type: ignore[no-untyped-call]
        decoder = Decoder(loglevel="FATAL", bestpath=False, lm=None, dict=os.devnull)
        decoder.load_dict(str(models / "cmudict-en-us.dict"))
        decoder.add_lm_file(_SEARCH, str(models / "en-us.lm.bin"))
        decoder.activate_search(_SEARCH)
        return decoder

    def load(self) -> None:
        """Be ready for the first utterance."""
        _ = self._decoder

    @property
    def words(self) -> list[Spoken]:
        """What was committed of the utterance."""
        return self._words

    def lookup(self, word: str) -> str | None:
        """Return how the dictionary says `word`, in ARPAbet; `word(2)` asks for the second way."""
        phones: str | None = self._decoder.lookup_word(word)
        return phones

    def begin(self) -> None:
        """Forget the utterance before, whatever became of it."""
        self._close()
        self._words = []
        self._first = self._heard = 0

    def hear(self, samples: Floats) -> None:
        """Decode the next samples."""
        for piece in np.array_split(samples, max(1, -(-len(samples) // _LONGEST_SEGMENT))):
            if not len(piece):
                continue
            if not self._open:
                self._decoder.start_utt()
                self._open, self._first = True, self._heard
            self._decoder.process_raw(pcm16(piece))
            self._heard += len(piece)
            if self._heard - self._first >= _LONGEST_SEGMENT:
                self.commit()

    def text(self) -> tuple[str, str]:
        """Return (what is committed, all that is understood so far)."""
        committed = " ".join(word.text for word in self._words)
        found = self._decoder.hyp() if self._open else None
        return committed, " ".join(filter(None, [committed, found.hypstr if found else ""]))

    def commit(self) -> None:
        """End the segment: its words will not change any more."""
        if self._close():
            self._words += [
                Spoken(
                    plain_word(segment.word),
                    self._first + segment.start_frame * FRAME,
                    self._first + (segment.end_frame + 1) * FRAME,
                    _CONFIDENCE,
                )
                for segment in self._decoder.seg() or ()
                if not is_filler(segment.word)
            ]

    def _close(self) -> bool:
        was_open, self._open = self._open, False
        if was_open:
            self._decoder.end_utt()
        return was_open
