"""Word marks: the stretches that an engine spoke, told as written words of the clause.

A written form of several spoken words is one mark, which ends with its last spoken word. Every span of the clause
gets exactly one mark, in order; one that the engine passed over in silence gets an empty mark where it would be.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from services.tts.port import SpokenWord
from services.tts.speakable import Speakable
from shared.events import WordMark

__all__ = ["Marker"]


@dataclass(slots=True)
class Marker:
    """Makes the marks of one clause, as its words end."""

    speakable: Speakable
    _next: int = 0
    _first_sample: int | None = None
    _until_sample: int = 0

    def spoken(self, words: Iterable[SpokenWord]) -> tuple[WordMark, ...]:
        """Return the marks that are complete now that `words`, which follow the earlier ones, were spoken too."""
        return tuple(mark for word in words for mark in self._spoken(word))

    def rest(self) -> tuple[WordMark, ...]:
        """Return the marks of what is left once the clause was spoken whole."""
        return tuple(self._close() for _ in range(self._next, len(self.speakable.spans)))

    def _spoken(self, word: SpokenWord) -> Iterator[WordMark]:
        spans = self.speakable.spans
        while self._next < len(spans) and spans[self._next].spoken_end <= word.start:
            yield self._close()
        self._until_sample = max(self._until_sample, word.until_sample)
        while self._next < len(spans) and spans[self._next].spoken_start < word.end:
            if self._first_sample is None:
                self._first_sample = word.first_sample
            if spans[self._next].spoken_end > word.end:
                return
            yield self._close()

    def _close(self) -> WordMark:
        span = self.speakable.spans[self._next]
        until = self._until_sample
        first = until if self._first_sample is None else min(self._first_sample, until)
        self._next += 1
        self._first_sample = None
        return WordMark(start=span.written_start, end=span.written_end, first_sample=first, until_sample=until)
