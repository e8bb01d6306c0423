"""The reference: a BERT encoder in numpy, by the book. The kernel is measured against it, and it runs anywhere."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from services.embedding.engines.naming import fingerprint, of_precision
from services.embedding.engines.reading import Reader
from services.embedding.port import Info, Passage, Purpose
from services.embedding.weights import Weights
from shared.pcm import Floats

__all__ = ["ReferenceEncoder"]


class ReferenceEncoder:
    """A model computed by numpy in float32, one sequence at a time; smaller weights are widened when first used."""

    def __init__(self, weights: Weights, max_tokens: int = 0) -> None:
        self._weights = weights
        self._reader = Reader(weights, max_tokens)
        self._tensor = functools.cache(weights.exact)
        a = weights.architecture
        self.info = Info(
            model=weights.name,
            engine="numpy",
            detail=f"the reference, without the kernel{of_precision(weights)}",
            dimensions=a.hidden,
            max_tokens=self._reader.max_tokens,
            fingerprint=fingerprint(weights, "numpy", self._reader.max_tokens),
            meaning=True,
        )

    def at_once(self, texts: Sequence[str], purpose: Purpose) -> bool:
        return self._reader.at_once(texts, purpose)

    def read(self, texts: Sequence[str], purpose: Purpose) -> list[Passage]:
        return self._reader.read(texts, purpose)

    def pairs(self, query: str, texts: Sequence[str]) -> list[Passage]:
        """Return the query with each text, as a cross-encoder reads them."""
        return self._reader.pairs(query, texts)

    def encode(self, passages: Sequence[Passage]) -> bytes:
        return b"".join(self._vector(passage.ids).astype("<f4").tobytes() for passage in passages)

    def close(self) -> None:
        """The file is unmapped when nobody looks at it any more."""

    def _vector(self, ids: Sequence[int]) -> Floats:
        a = self._weights.architecture
        kind, word = np.divmod(np.asarray(ids), a.words)  # an id beyond the words is one of the second text
        x = self._tensor("word")[word] + self._tensor("position")[: len(ids)]
        if a.ranks:
            x = x + kind[:, None].astype(np.float32) * self._tensor("second")
        x = self._norm("norm", x)
        for n in range(a.layers):
            x = self._norm(f"{n}.norm1", x + self._linear(f"{n}.out", self._attended(n, x)))
            x = self._norm(f"{n}.norm2", x + self._linear(f"{n}.down", _gelu(self._linear(f"{n}.up", x))))
        if a.pooling == "first":
            return np.asarray(x[0])
        pooled = {"mean": x.mean(axis=0), "cls": x[0], "last": x[-1]}[a.pooling]
        return np.asarray(pooled / np.sqrt((pooled * pooled).sum() + 1e-24), dtype=np.float32)

    def _linear(self, name: str, x: Floats) -> Floats:
        weight = self._tensor(f"{name}.weight")
        return x @ weight.T + self._tensor(f"{name}.bias")[: len(weight)]

    def _norm(self, name: str, x: Floats) -> Floats:
        centred = x - x.mean(axis=1, keepdims=True)
        deviation = np.sqrt((centred * centred).mean(axis=1, keepdims=True) + self._weights.architecture.epsilon)
        return np.asarray(centred / deviation * self._tensor(f"{name}.weight") + self._tensor(f"{name}.bias"))

    def _attended(self, n: int, x: Floats) -> Floats:
        heads = self._weights.architecture.heads
        q, k, v = np.split(self._linear(f"{n}.qkv", x).reshape(len(x), -1, x.shape[1] // heads), 3, axis=1)
        scores = np.einsum("ihd,jhd->hij", q, k) / np.sqrt(np.float32(q.shape[2]))
        if self._weights.architecture.relative:
            places = np.arange(len(x))
            columns = self._weights.architecture.positions + places[None, :] - places[:, None]
            scores = scores + self._tensor("distance")[:, columns]
        shares = np.exp(scores - scores.max(axis=2, keepdims=True))
        shares /= shares.sum(axis=2, keepdims=True)
        return np.asarray(np.einsum("hij,jhd->ihd", shares, v).reshape(x.shape))


def _gelu(x: Floats) -> Floats:
    """x/2 (1 + erf(x/sqrt 2)), the error function within 1.5e-7 (Abramowitz and Stegun 7.1.26), in float64."""
    z = np.abs(x.astype(np.float64)) * np.sqrt(0.5)
    t = 1 / (1 + 0.3275911 * z)
    tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    part = 0.5 * x * tail * np.exp(-z * z)
    return np.asarray(np.where(x < 0, part, x - part), dtype=np.float32)
