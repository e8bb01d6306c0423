"""What speaks for and against a sentence of a grammar: the same sound, decoded as phones without it.

A grammar decoder always finds a sentence. What tells a command from other speech is how much better the sound could
be explained without the grammar: freely, and with a phone language model (docs/adr/0016).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.stt.engines.sphinx_dictation import FRAME, is_filler, plain_word
from services.stt.grammar import WordGraph
from services.stt.transcript import Spoken

__all__ = ["Evidence", "Found", "Readings", "Segment"]

_RARE = 14.0
"""Surprise in nats from which a sentence is no common one; what recordings are taken for begins there."""
_MOST_EASE = 5.7


@dataclass(frozen=True, slots=True)
class Segment:
    """A word or phone of a decoding, in frames."""

    word: str
    first: int
    last: int
    score: float
    """Acoustic log score (natural), relative to the best state of each frame."""
    phones: tuple[str, ...] = ()
    """How the word sounds."""

    @property
    def frames(self) -> int:
        """Its length."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks against a sentence: the same sound, decoded without the grammar."""

    misfit: float
    """Acoustic log score that free phones gain over the sentence, per frame of its words; near 0 when it fits."""
    other_phones: float
    """Edits that turn the sentence's phones into those heard with a phone language model, per phone of the sentence;
    vowels count as one."""
    ease: float = 0.0
    """How much likelier than a sentence with several numbers or names this one is to be said, in nats, 0 to 5.7."""

    @property
    def confidence(self) -> float:
        """0 to 1, by logistic regression on 178 espeak-ng commands in 4 voices and 156 pieces of read speech.

        They were heard with the grammar of all English skills, and a command that was misheard counted with the read
        speech. The intercept is 0.6 below the best fit's, so that no whole recording is taken (docs/adr/0016). The
        prior counts for 0.4 of itself: recordings are taken for rare sentences, people say the common ones.
        """
        against = 2272.0 * self.misfit + 11.8 * self.other_phones - 13.6 - 0.4 * self.ease
        return 1 / (1 + math.exp(min(700.0, against)))


@dataclass(frozen=True, slots=True)
class Found:
    """The best sentence of the grammar."""

    text: str
    words: tuple[Spoken, ...]
    confidence: float
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Readings:
    """One sound decoded three ways, as the sentence of a grammar, as phones with a language model, as free phones."""

    sentence: Sequence[Segment]
    phones: Sequence[Segment]
    free: Sequence[Segment]

    def found(self, graph: WordGraph, length: int) -> Found | None:
        """The sentence, in a sound of `length` samples; None when there is none."""
        spoken = [segment for segment in self.sentence if not is_filler(segment.word)]
        if not spoken:
            return None
        evidence = self._weigh(spoken, graph)
        confidence = evidence.confidence
        words = tuple(
            Spoken(plain_word(s.word), s.first * FRAME, min((s.last + 1) * FRAME, length), confidence) for s in spoken
        )
        return Found(" ".join(word.text for word in words), words, confidence, evidence)

    def _weigh(self, spoken: Sequence[Segment], graph: WordGraph) -> Evidence:
        wanted = [_alike(phone) for segment in spoken for phone in segment.phones]
        heard = [_alike(segment.word) for segment in self.phones if not is_filler(segment.word)]
        return Evidence(
            misfit=_misfit(spoken, self.free),
            other_phones=_edits(wanted, heard) / max(1, len(wanted)),
            ease=max(0.0, min(_MOST_EASE, _RARE - graph.surprise([plain_word(s.word) for s in spoken]))),
        )


def _misfit(spoken: Sequence[Segment], free: Sequence[Segment]) -> float:
    """Free phones follow the sound frame by frame; compare only where the sentence has words."""
    by_frame = np.zeros(1 + max(s.last for s in [*spoken, *free]))
    for segment in free:
        by_frame[segment.first : segment.last + 1] = segment.score / segment.frames
    gained = sum(float(by_frame[s.first : s.last + 1].sum()) - s.score for s in spoken)
    return gained / max(1, sum(s.frames for s in spoken))


def _alike(phone: str) -> str:
    """All vowels are one: what accents change most tells least which words were said."""
    return "vowel" if phone[0] in "AEIOU" else phone


def _edits(wanted: Sequence[str], heard: Sequence[str]) -> int:
    """Levenshtein distance."""
    row = list(range(len(heard) + 1))
    for i, phone in enumerate(wanted, 1):
        last, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (phone != other))
    return row[-1]
