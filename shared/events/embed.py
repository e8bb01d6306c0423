"""Texts to vectors, and texts in the order of their relevance."""

from __future__ import annotations

from typing import ClassVar, Literal

from shared.events.base import Event

__all__ = ["EmbedFailed", "EmbedRequest", "EmbedResult", "RerankRequest", "RerankResult"]


class EmbedRequest(Event):
    """Request: the vectors of texts. A turn's requests go before those outside of turns (indexing: `turn=0`)."""

    kind: ClassVar[str] = "embed.request"
    fenced: ClassVar[bool] = True
    replies: ClassVar[tuple[str, ...]] = ("embed.result", "embed.failed")
    texts: tuple[str, ...]
    purpose: Literal["", "query", "passage"] = ""
    """Models that were trained with prompts put the one for this purpose before each text."""
    model: str = ""
    """Name of an installed model; empty for the one in use."""
    dimensions: int = 0
    """Keep the first so many of each vector and make its length 1 again; 0 for all."""


class EmbedResult(Event):
    """The vectors, in the order of the texts, each of length 1 (or all zeros for a text that says nothing)."""

    kind: ClassVar[str] = "embed.result"
    payload: ClassVar[str | None] = "vectors"
    request: str
    model: str
    engine: str
    """Who computed: `native`, `onnx`, `gguf`, `numpy`, or `lexical`, which knows no meaning."""
    fingerprint: str
    """Changes whenever the same text may get another vector: vectors of different fingerprints do not compare."""
    count: int
    dimensions: int
    tokens: int
    """Of all texts, as the model reads them."""
    truncated: tuple[int, ...]
    """Places of the texts that were longer than the model reads; the vector speaks for their beginning."""
    vectors: bytes
    """float32, little-endian, `count` rows of `dimensions`."""


class EmbedFailed(Event):
    """An `embed.request` or `rerank.request` could not be answered."""

    kind: ClassVar[str] = "embed.failed"
    request: str
    reason: Literal["overloaded", "invalid", "no-model", "engine"]
    message: str
    """What happened and what to do, for a person."""
    retry_ms: int
    """When overloaded: about how long until there is room; else 0."""


class RerankRequest(Event):
    """Request: how well each text answers the query."""

    kind: ClassVar[str] = "rerank.request"
    fenced: ClassVar[bool] = True
    replies: ClassVar[tuple[str, ...]] = ("rerank.result", "embed.failed")
    query: str
    texts: tuple[str, ...]
    model: str = ""
    """Name of a reranker, of a model whose vectors are compared, or `cosine`; empty for the best there is."""


class RerankResult(Event):
    """A score for each text, in the order of the texts; a higher one is better."""

    kind: ClassVar[str] = "rerank.result"
    request: str
    model: str
    method: Literal["cosine", "cross-encoder"]
    scores: tuple[float, ...]
    """Chances from 0 to 1 by a cross-encoder, else cosines."""
