"""One pocketsphinx decoder with one search, for a grammar's sentences or for phones: whole sounds, or as they come."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from services.stt.engines.sphinx_dictation import is_filler
from services.stt.engines.sphinx_evidence import Segment
from services.stt.grammar import RARE, WordGraph

__all__ = ["Arc", "Search"]

_NAME = "search"
_RARE_CHANCE = 1e-6
_BEAMS = {"beam": 1e-80, "pbeam": 1e-80, "wbeam": 1e-60, "wip": 1e-2}
"""Wide beams, since a grammar of skills is small: of 163 sentences in 4 voices that it knows 81 % came out right with
pocketsphinx's own and 90 % with these, at 0.046 of real time instead of 0.029; a price on every word adds 1 %."""
_SCALE = 1024
"""By which pocketsphinx divides every score (`SENSCR_SHIFT`)."""

Arc = tuple[int, int, float, str] | tuple[int, int, float]
"""From a state to a state, how likely of all that leave it, and the word on the way, if any."""


class Search:
    """One utterance at a time; raises RuntimeError when the native decoder breaks.

    It knows no word of the dictionary, so that it is made in 25 ms and 5 MB, not in 400 ms and 28 MB.
    """

    def __init__(self) -> None:
        from pocketsphinx import Decoder  # type: ignore[attr-defined] # a native module without types

        self._decoder = Decoder(loglevel="FATAL", lm=None, bestpath=False, dict=os.devnull)
        self._open = False
        self._price = 0.0
        self._phones: dict[str, tuple[str, ...]] = {}

    @classmethod
    def for_phones(cls, model: Path | None) -> Search:
        """Of phones: as a phone language model expects them, or, without one, freely."""
        search = cls()
        search._decoder.add_allphone_file(_NAME, str(model) if model else None)
        search._decoder.activate_search(_NAME)
        return search

    @classmethod
    def for_sentences(cls, graph: WordGraph, said: Mapping[str, Sequence[str]]) -> Search:
        """Of the sentences of a graph with at least one; `said` is how its words sound, in ARPAbet."""
        search = cls.for_any(said)
        search.take(_transitions(graph), len(graph.arcs))
        return search

    @classmethod
    def for_any(cls, said: Mapping[str, Sequence[str]]) -> Search:
        """Of sentences that `take` will tell; `said` is how their words sound, in ARPAbet."""
        search = cls()
        decoder = search._decoder
        for name, value in _BEAMS.items():
            decoder.config[name] = value
        for word, ways in said.items():
            search._pronounce(word, ways)
        # A word's score holds the search's price for every word, `wip` to the power of `lw`, scaled as all scores.
        search._price = decoder.config["lw"] * math.log(decoder.config["wip"]) / _SCALE
        return search

    def take(self, arcs: Sequence[Arc], end: int) -> None:
        """Search among the sentences on the ways from state 0 to `end`, in place of those before."""
        self._decoder.add_fsg(_NAME, self._decoder.create_fsg(_NAME, 0, end, arcs))
        self._decoder.activate_search(_NAME)

    @property
    def mean(self) -> str:
        """The mean spectrum (cepstrum) of what was decoded last, as `start_from` takes it."""
        return str(self._decoder.get_cmn(False))

    def start_from(self, mean: str) -> None:
        """Expect this mean spectrum of the next utterance that is heard in pieces."""
        self._decoder.set_cmn(mean)

    def whole(self, pcm: bytes) -> list[Segment]:
        """Decode a whole utterance: its own mean spectrum is known from its beginning."""
        self.end()
        self._decoder.start_utt()
        self._decoder.process_raw(pcm, full_utt=True)
        self._decoder.end_utt()
        return self.segments()

    def hear(self, pcm: bytes) -> None:
        """Decode the next samples of an utterance; the first begin it."""
        if not self._open:
            self._decoder.start_utt()
            self._open = True
        self._decoder.process_raw(pcm)

    def end(self) -> None:
        """End the utterance that is being heard, if any."""
        was_open, self._open = self._open, False
        if was_open:
            self._decoder.end_utt()

    def segments(self) -> list[Segment]:
        """Return what is understood of the utterance so far."""
        if self._decoder.hyp() is None:
            return []
        return [
            self._segment(s.word, s.start_frame, s.end_frame, math.log(s.ascore))
            for s in self._decoder.seg()
            if s.start_frame >= 0 and s.end_frame >= s.start_frame
        ]

    def _segment(self, word: str, first: int, last: int, score: float) -> Segment:
        price = 0.0 if is_filler(word) else self._price
        return Segment(word, first, last, score - price, self._phones.get(word, ()))

    def _pronounce(self, word: str, ways: Sequence[str]) -> None:
        """The dictionary numbers the ways to say a word: `word`, `word(2)`, and so on."""
        for number, phones in enumerate(ways, 1):
            name = word if number == 1 else f"{word}({number})"
            self._decoder.add_word(name, phones, update=False)
            self._phones[name] = tuple(phones.split())


def _transitions(graph: WordGraph) -> list[Arc]:
    """Arcs with equal chances at every state, less for words marked as rare; every end leads to one state more."""
    end = len(graph.arcs)
    arcs: list[Arc] = []
    for state, out in enumerate(graph.arcs):
        chance = 1.0 / max(1, len(out) + (state in graph.finals))
        for word, target in out.items():
            rare = _RARE_CHANCE if word.endswith(RARE) else 1.0
            arcs.append((state, target, chance * rare, word.removesuffix(RARE)))
        if state in graph.finals:
            arcs.append((state, end, chance))
    return arcs
