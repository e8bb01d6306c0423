"""The fingerprint of an encoder: the same for the same vectors, another for all others."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.embedding.weights import Weights

__all__ = ["fingerprint"]


def fingerprint(weights: Weights, engine: str, max_tokens: int) -> str:
    """Return a short text that stands for the weights, the tokeniser, how they are used and who computes."""
    a = weights.architecture
    parts = (weights.sha256, weights.tokenizer_sha256, engine, str(max_tokens), a.pooling, *sorted(a.prompts.items()))
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
