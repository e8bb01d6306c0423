"""Vectors of texts, from a script.

import sotto

with sotto.embedder() as embedder:
    rows = embedder.embed(["my bike code is 4512", "the sea is blue"])
sotto.similarity("a cat", "a kitten")
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from services.embedding.direct import Direct
    from shared.pcm import Floats

__all__ = ["embed", "embedder", "rerank", "similarity"]


def embedder(model: str = "") -> Direct:
    """Open a model by its name, or the best that is installed, with the person's settings; close it, or use `with`.

    Without a model the built-in encoder answers, which compares spelling only (`info.meaning` is False). Raises
    NoEmbeddingModel, ModelUnusable or EngineMissing for a name that was given, and ConfigError.
    """
    import os

    from services.app import Settings, embedding
    from shared.config import find_file, load

    settings = load(Settings, flags={}, environ=os.environ, file=find_file(None, os.environ)).settings
    return embedding(settings, model)


def embed(
    texts: Sequence[str],
    *,
    model: str = "",
    purpose: Literal["", "query", "passage"] = "",
    dimensions: int = 0,
) -> Floats:
    """Return each text's vector, of length 1, shape (texts, dimensions). For many calls keep an `embedder`."""
    with embedder(model) as opened:
        return opened.embed(texts, purpose, dimensions)


def similarity(first: str, second: str, *, model: str = "") -> float:
    """Return how near two texts are: 1 for the same, 0 for nothing in common."""
    one, two = embed([first, second], model=model)
    return float(one @ two)


def rerank(query: str, texts: Sequence[str], *, model: str = "") -> list[tuple[str, float]]:
    """Return the texts with how well each answers the query, the best first; equal ones as they were given."""
    if not texts:
        return []
    with embedder(model) as opened:
        asked = opened.embed([query], "query")[0]
        scores = opened.embed(texts, "passage") @ asked
    return sorted(zip(texts, map(float, scores), strict=True), key=lambda one: -one[1])
