"""The cross-encoder: an encoder that read two texts at once, and the head that makes a number of what it found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from services.embedding.port import Info, ModelUnusable, Passage
from services.embedding.vectors import from_bytes
from shared.pcm import Floats

if TYPE_CHECKING:
    from services.embedding.weights import Weights

__all__ = ["CrossEncoder"]


class Trunk(Protocol):
    """The encoder below: its rows are the first token's state."""

    @property
    def info(self) -> Info: ...
    def pairs(self, query: str, texts: Sequence[str]) -> list[Passage]: ...
    def encode(self, passages: Sequence[Passage]) -> bytes: ...
    def close(self) -> None: ...


class CrossEncoder:
    """A ranker of any engine that computes the trunk. Raises ModelUnusable for a model without a head."""

    def __init__(self, trunk: Trunk, weights: Weights) -> None:
        if not weights.architecture.ranks:
            raise ModelUnusable(f"{weights.name} has no head that ranks.", remedy="Use it to embed, or choose another.")
        self._trunk = trunk
        trunk.pairs("", [""])  # has the tokeniser loaded: later it may be asked on the event loop
        self._weights = weights
        self._hidden = weights.architecture.hidden
        names = ("pooler.weight", "pooler.bias", "classifier.weight", "classifier.bias")
        self._dense, self._shift, self._classifier, self._bias = map(weights.exact, names)
        self.info = trunk.info._replace(dimensions=1, detail=f"{trunk.info.detail}, cross-encoder")

    def pairs(self, query: str, texts: Sequence[str]) -> list[Passage]:
        return self._trunk.pairs(query, texts)

    def encode(self, passages: Sequence[Passage]) -> bytes:
        rows = from_bytes(self._trunk.encode(passages), self._hidden)
        return b"".join(self._logit(row).astype("<f4").tobytes() for row in rows)

    def close(self) -> None:
        self._trunk.close()

    def _logit(self, row: Floats) -> Floats:
        """Summed without BLAS, whose order is its own affair."""
        pooled = np.tanh((self._dense * row).sum(axis=1) + self._shift)
        return np.asarray((self._classifier * pooled).sum(axis=1) + self._bias)
