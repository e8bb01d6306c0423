"""Vectors of texts, from a script.

import sotto

rows = sotto.embed(["my bike code is 4512", "the sea is blue"])
sotto.similarity("a cat", "a kitten")
sotto.rerank("what is blue?", ["the sea", "my bike"])
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sotto.background import background

if TYPE_CHECKING:
    from services.embedding.direct import Direct, DirectRanker
    from shared.events import Event
    from shared.pcm import Floats
    from sotto.door import Door

__all__ = ["embed", "embedder", "embedding", "ranking", "rerank", "similarity"]

Purpose = Literal["", "query", "passage"]


def embedder(model: str = "") -> Direct:
    """Open a model in this process by its name, or the best that is installed; close it, or use `with`.

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
    purpose: Purpose = "",
    dimensions: int = 0,
) -> Floats:
    """Return each text's vector, of length 1, shape (texts, dimensions).

    A Sotto that runs answers; without one the model is loaded into this process at the first call, and kept until
    `sotto.close()`. Raises NoEmbeddingModel, ModelUnusable, EngineMissing, TextsUnusable or Overloaded, each with what
    to do.
    """
    return background().run(embedding(background().door, texts, model, purpose, dimensions))


def similarity(first: str, second: str, *, model: str = "") -> float:
    """Return how near two texts are: 1 for the same, 0 for nothing in common. Asks and raises as `embed` does."""
    one, two = embed([first, second], model=model)
    return float(one @ two)


def rerank(query: str, texts: Sequence[str], *, model: str = "") -> list[tuple[str, float]]:
    """Return the texts with how well each answers the query, the best first; equal ones as they were given.

    A cross-encoder says so where one is installed, else the cosine of vectors. Asks and raises as `embed` does.
    """
    return background().run(ranking(background().door, query, texts, model))


async def embedding(door: Door, texts: Sequence[str], model: str, purpose: Purpose, dimensions: int) -> Floats:
    """Do what `embed` promises, on the background's event loop."""
    from services.embedding.port import usable

    texts, model = usable(texts, purpose, dimensions), _placed(model)
    asked = {"texts": texts, "model": model, "purpose": purpose, "dimensions": dimensions}
    reply = await _replied(door, "EmbedRequest", asked)
    if reply is None:

        def alone(direct: Direct) -> Floats:
            return direct.embed(texts, purpose, dimensions)

        return await door.here("embedding", alone, model)
    from services.embedding.vectors import from_bytes
    from shared.events import EmbedResult

    assert isinstance(reply, EmbedResult)
    return from_bytes(reply.vectors, reply.dimensions)


async def ranking(door: Door, query: str, texts: Sequence[str], model: str) -> list[tuple[str, float]]:
    """Do what `rerank` promises, on the background's event loop."""
    from services.embedding.port import usable

    (query,), texts, model = usable([query]), usable(texts), _placed(model)
    if not texts:
        return []
    reply = await _replied(door, "RerankRequest", {"query": query, "texts": texts, "model": model})
    if reply is None:

        def alone(direct: Direct | DirectRanker) -> Sequence[float]:
            return direct.rerank(query, texts).scores

        scores = await door.here("reranker", alone, model)
    else:
        from shared.events import RerankResult

        assert isinstance(reply, RerankResult)
        scores = reply.scores
    return sorted(zip(texts, scores, strict=True), key=lambda one: -one[1])


async def _replied(door: Door, kind: str, fields: dict[str, Any]) -> Event | None:
    """What the Sotto that runs replies, None without one. Raises the error that its failure speaks of."""
    reply = await door.reply(kind, fields)
    if reply is None:
        return None
    from services.embedding.desk import refusal
    from shared.events import EmbedFailed

    if isinstance(reply, EmbedFailed):
        raise refusal(reply)
    return reply


def _placed(model: str) -> str:
    """A path is made whole: who answers may be in another folder."""
    return str(Path(model).expanduser().absolute()) if "/" in model else model
