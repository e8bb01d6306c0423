"""The lexical encoder: words and the letters they are made of, hashed into a vector. Built in, it knows no meaning.

Texts that share words, or words with the same stem, come out near each other; "car" and "automobile" do not.
"""

from __future__ import annotations

import unicodedata
from array import array
from collections.abc import Iterator, Sequence
from math import sqrt
from zlib import crc32

from services.embedding.port import AT_ONCE, Info, Passage, Purpose

__all__ = ["LexicalEncoder"]

_DIMENSIONS = 512
_MAX_WORDS = 2048
_MAX_CHARACTERS = 65_536
_GRAMS = (3, 4)
_SHORT = 3
"""Words up to so many letters say little ("the", "der", "les"), whatever the language."""


class LexicalEncoder:
    """Needs no files. The ids of a passage are hashes, a word's before those of its letters."""

    info = Info(
        model="lexical",
        engine="lexical",
        detail="compares spelling and knows no meaning; `sotto models pull all-minilm-l6-v2` brings a model that does",
        dimensions=_DIMENSIONS,
        max_tokens=_MAX_WORDS,
        fingerprint="lexical-1",
        meaning=False,
    )

    def at_once(self, texts: Sequence[str], purpose: Purpose) -> bool:
        return sum(map(len, texts)) <= AT_ONCE

    def read(self, texts: Sequence[str], purpose: Purpose) -> list[Passage]:
        return [_passage(text) for text in texts]

    def encode(self, passages: Sequence[Passage]) -> bytes:
        return b"".join(_vector(passage.ids) for passage in passages)

    def close(self) -> None:
        """Nothing is held."""


def _passage(text: str) -> Passage:
    words = _words(text[:_MAX_CHARACTERS])
    cut = len(text) > _MAX_CHARACTERS or len(words) > _MAX_WORDS
    ids = array("Q")
    for word in words[:_MAX_WORDS]:
        ids.extend(_features(word))
    return Passage(ids, cut)


def _words(text: str) -> list[str]:
    """Runs of letters and digits; a sign that is neither, an emoji say, is a word of its own."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    spaced = (c if c.isalnum() else "" if unicodedata.combining(c) else f" {c} " if _tells(c) else " " for c in plain)
    return "".join(spaced).split()


def _tells(character: str) -> bool:
    return unicodedata.category(character) in {"So", "Sc", "Sm", "Sk"}


def _features(word: str) -> Iterator[int]:
    """The word and its n-grams as hashes, each with its weight (in 1/256) in the lowest bits."""
    grams = [g for n in _GRAMS for g in _grams(f"^{word}$", n)] if len(word) > _SHORT else []
    yield _feature(word, 1.0 if len(word) > _SHORT or not word.isalpha() else 0.4)
    for gram in grams:
        yield _feature(f"\0{gram}", 0.9 / sqrt(len(grams)))


def _grams(word: str, length: int) -> Iterator[str]:
    return (word[at : at + length] for at in range(len(word) - length + 1))


def _feature(text: str, weight: float) -> int:
    return crc32(text.encode("utf-8", "surrogatepass")) << 8 | min(255, round(weight * 255))


def _vector(ids: Sequence[int]) -> bytes:
    weights: dict[int, float] = {}
    for one in ids:
        weights[one] = weights.get(one, 0.0) + (one & 255)
    row = [0.0] * _DIMENSIONS
    for one, weight in weights.items():
        hashed = one >> 8
        row[hashed % _DIMENSIONS] += sqrt(weight * (one & 255)) * (1 if hashed >> 31 else -1)
    length = sqrt(sum(value * value for value in row)) or 1.0
    return array("f", (value / length for value in row)).tobytes()
