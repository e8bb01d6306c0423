"""Vectors: the index that finds items by meaning. It holds ids and vectors only, and can be made again at any time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Matrix", "Near", "Vectors"]

Matrix = NDArray[np.float32]
Near = tuple[str, float]
"""An item's id, and the cosine of its vector with the one asked for."""


class Vectors(Protocol):
    """One thread at a time. Every method blocks and raises VectorsUnusable when it cannot do its work."""

    @property
    def fingerprint(self) -> str:
        """Whose vectors these are, as `embed.result` names it; empty for an index that was never begun."""
        ...

    def begin(self, fingerprint: str) -> None:
        """Start an empty index in the place of what is there."""
        ...

    def put(self, ids: Sequence[str], rows: Matrix) -> None:
        """Keep vectors, in the place of those that these items had. What was put survives a crash."""
        ...

    def drop(self, ids: Sequence[str]) -> None:
        """Find these no more. What they were may stay in the files until these are purged."""
        ...

    @property
    def owed(self) -> bool:
        """Whether what was dropped has yet to be purged, by an earlier process too."""
        ...

    def purge(self) -> None:
        """Write the files anew, without anything that was dropped; nothing is owed after that."""
        ...

    def nearest(self, row: Matrix, limit: int) -> list[Near]:
        """Return the nearest items, the best first."""
        ...

    def ids(self) -> set[str]:
        """Return all items that have a vector."""
        ...

    def close(self) -> None:
        """Let go of the files. It may be called twice."""
        ...
