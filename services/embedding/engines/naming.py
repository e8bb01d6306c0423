"""The fingerprint of an encoder, the same for the same vectors and another for all others; and what it is made of."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.embedding.weights import Weights

__all__ = ["fingerprint", "of_precision"]


def fingerprint(weights: Weights, engine: str, max_tokens: int) -> str:
    """Return a short text that stands for the weights, the tokeniser, how they are used and who computes."""
    a = weights.architecture
    parts = (weights.sha256, weights.tokenizer_sha256, engine, str(max_tokens), a.pooling, *sorted(a.prompts.items()))
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def of_precision(weights: Weights) -> str:
    """What is to be said of weights that are less exact than they came, and widened; else nothing."""
    return f", weights widened from {weights.precision}" if weights.precision in ("int8", "fp16") else ""
