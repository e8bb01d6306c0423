"""What speaks for and against a sentence of a grammar: the same sound, decoded in other ways.

A grammar decoder always finds a sentence. What tells a command from other speech is how much better the sound could
be explained without the grammar, and whether the same sentence was heard while it was spoken (docs/adr/0045).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from services.stt.engines.sphinx_dictation import FRAME, is_filler, plain_word
from services.stt.grammar import WordGraph
from services.stt.transcript import Spoken

__all__ = ["Evidence", "Found", "Readings", "Segment", "timed"]

_RARE = 14.0
"""Surprise in nats from which a sentence is no common one; what recordings are taken for begins there."""
_MOST_EASE = 5.7
_LONGEST_DRAWL = 30.0
"""Of 240 commands that were heard right the slowest word took 29.5 frames for each phone; noise takes 50."""
_UNFOLLOWED = 0.3
"""Disagreement of a sentence for which there is no second reading."""


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
    """What speaks against a sentence, and, with `ease`, for it."""

    misfit: float
    """Acoustic log score that free phones gain over the sentence, per frame of its words; near 0 when it fits."""
    other_phones: float
    """Edits that turn the sentence's phones into those heard with a phone language model, per phone of the sentence."""
    disagreement: float = 0.0
    """Edits that turn the sentence into the one that was followed as it was spoken, per word of the longer."""
    drawl: float = 0.0
    """Frames per phone of the word that lasts longest for its phones."""
    ease: float = 0.0
    """How much likelier than a sentence with several numbers or names this one is to be said, in nats, 0 to 5.7."""

    @property
    def confidence(self) -> float:
        """0 to 1, by logistic regression; 0 when nobody speaks so, or no phone is alike (docs/adr/0045)."""
        if self.drawl > _LONGEST_DRAWL or self.other_phones >= 1:
            return 0.0
        against = 950.0 * self.misfit + 5.2 * self.other_phones + 2.3 * self.disagreement - 0.24 * self.ease - 7.35
        return 1 / (1 + math.exp(min(700.0, against)))


@dataclass(frozen=True, slots=True)
class Found:
    """The best sentence of the grammar."""

    text: str
    words: tuple[Spoken, ...]
    confidence: float
    evidence: Evidence
    others: tuple[str, ...] = ()
    """Sentences that the same sound may just as well be."""


@dataclass(frozen=True, slots=True)
class Readings:
    """One sound decoded three ways: as the sentence of a grammar, as phones with a language model, as free phones."""

    sentence: Sequence[Segment]
    phones: Sequence[Segment]
    free: Sequence[Segment]

    def found(self, graph: WordGraph, length: int, followed: Sequence[str] | None = None) -> Found | None:
        """The sentence in `length` samples, or None; `followed` are the words of another reading of the same sound."""
        spoken = [segment for segment in self.sentence if not is_filler(segment.word)]
        if not spoken:
            return None
        said = [plain_word(segment.word) for segment in spoken]
        evidence = Evidence(
            misfit=_misfit(spoken, self.free),
            other_phones=self._other_phones(spoken),
            disagreement=_UNFOLLOWED if followed is None else _edits(said, followed) / max(len(said), len(followed)),
            drawl=max(segment.frames / max(1, len(segment.phones)) for segment in spoken),
            ease=max(0.0, min(_MOST_EASE, _RARE - graph.surprise(said))),
        )
        confidence = evidence.confidence
        return Found(" ".join(said), timed(spoken, length, confidence), confidence, evidence)

    def _other_phones(self, spoken: Sequence[Segment]) -> float:
        wanted = [phone for segment in spoken for phone in segment.phones]
        heard = [segment.word for segment in self.phones if not is_filler(segment.word)]
        return _edits(wanted, heard) / max(1, len(wanted))


def timed(segments: Iterable[Segment], length: int, confidence: float) -> tuple[Spoken, ...]:
    """The words of a decoding of `length` samples."""
    return tuple(
        Spoken(plain_word(s.word), s.first * FRAME, min((s.last + 1) * FRAME, length), confidence)
        for s in segments
        if not is_filler(s.word)
    )


def _misfit(spoken: Sequence[Segment], free: Sequence[Segment]) -> float:
    """Free phones follow the sound frame by frame; compare only where the sentence has words."""
    by_frame = np.zeros(1 + max(s.last for s in [*spoken, *free]))
    for segment in free:
        by_frame[segment.first : segment.last + 1] = segment.score / segment.frames
    gained = sum(float(by_frame[s.first : s.last + 1].sum()) - s.score for s in spoken)
    return gained / max(1, sum(s.frames for s in spoken))


def _edits(wanted: Sequence[str], heard: Sequence[str]) -> int:
    """Levenshtein distance."""
    row = list(range(len(heard) + 1))
    for i, phone in enumerate(wanted, 1):
        last, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (phone != other))
    return row[-1]
