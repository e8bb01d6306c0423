"""Teens and tens told apart: thirteen from thirty, by a second search among the numbers that sound like those found.

In the first search a ten often beats the teen that was said, and hardly ever the other way round; where nothing is
left to choose but these, the lead that a teen needs is known (docs/adr/0118).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from services.stt.engines.sphinx_evidence import Found, timed
from services.stt.engines.sphinx_search import Arc, Search
from services.stt.grammar import WordGraph

__all__ = ["Numbers"]

_TEENS = ("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")
_TENS = ("thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_DIGITS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_OTHER = dict(zip(_TEENS + _TENS, _TENS + _TEENS, strict=True))
_HANDICAP = 24.0
"""Nats by which a ten has to fit better than its teen. Of 183 numbers in four voices no ten had less than 18 and two
teens more than 21 against them."""
_DOUBT = 5.0
"""Where as many nats more or less decide, the sound does not tell."""
_DIGIT_HANDICAP = 60.0
"""Of a ten with a digit, against the teen: every teen is ahead, and every such number was by 126 nats or more."""
_TWENTY_HANDICAP = 60.0
"""Of twenty, against forty and ninety: they were behind by 28 at most, and twenty ahead by 115 at least."""


class Numbers:
    """Corrects or doubts numbers in sentences of one grammar. Raises RuntimeError when the native decoder breaks."""

    def __init__(self, graph: WordGraph, said: Mapping[str, Sequence[str]]) -> None:
        self._graph = graph
        self._search = Search.for_any(said)

    def told_apart(self, found: Found, pcm: bytes, length: int) -> Found:
        """Return the sentence with the numbers that the sound speaks for, and the other one where it hardly tells.

        `length` is that of the sound in samples. Costs two small decodings, and nothing without such a number.
        """
        words = [word.text for word in found.words]
        if not any(True for place in range(len(words)) for _ in self._others(words, place)):
            return found

        def reading(handicap: float) -> Found:
            self._search.take(list(self._arcs(words, handicap)), len(words))
            spoken = timed(self._search.whole(pcm), length, found.confidence)
            text = " ".join(word.text for word in spoken)
            return replace(found, text=text, words=spoken) if self._graph.accepts(text.split()) else found

        with_teens, with_tens = reading(_HANDICAP + _DOUBT), reading(_HANDICAP - _DOUBT)
        if with_teens.text == with_tens.text:
            return with_teens
        likely = reading(_HANDICAP)
        return replace(likely, others=tuple({with_teens.text, with_tens.text} - {likely.text}))

    def _arcs(self, words: Sequence[str], handicap: float) -> Iterator[Arc]:
        for place, word in enumerate(words):
            price = 0.0
            for other in self._others(words, place, handicap):
                yield place, place + other.instead_of, math.exp(-other.price), other.word
                price = max(price, other.own)
            yield place, place + 1, math.exp(-price), word

    def _others(self, words: Sequence[str], place: int, handicap: float = 0.0) -> Iterator[_Other]:
        """What the word at a place may be instead, where that is a sentence too."""
        for other in _sounding_like(words[place : place + 2], handicap):
            if self._graph.accepts([*words[:place], other.word, *words[place + other.instead_of :]]):
                yield other


@dataclass(frozen=True, slots=True)
class _Other:
    word: str
    instead_of: int
    """Words that it takes the place of."""
    price: float
    """Nats by which it has to fit better."""
    own: float
    """Nats by which what was found has to fit better."""


def _sounding_like(words: Sequence[str], handicap: float) -> Iterator[_Other]:
    word, behind = words[0], words[-1]
    if word in _TEENS:
        yield _Other(_OTHER[word], 1, price=handicap, own=0.0)
    elif word in _TENS and behind in _DIGITS:
        yield _Other(_OTHER[word], 2, price=0.0, own=_DIGIT_HANDICAP)
    elif word in _TENS:
        yield _Other(_OTHER[word], 1, price=0.0, own=handicap)
    elif word == "twenty":
        for ten in ("forty", "ninety"):
            yield _Other(ten, 1, price=handicap, own=_TWENTY_HANDICAP + handicap)
            yield _Other(_OTHER[ten], 1, price=0.0, own=_TWENTY_HANDICAP + handicap)
