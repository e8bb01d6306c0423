"""Opening a model: the best engine that this machine can run it with."""

from __future__ import annotations

from pathlib import Path

from services.embedding.port import Encoder, ModelUnusable
from services.embedding.settings import EmbeddingSettings

__all__ = ["open_model"]


def open_model(folder: Path, settings: EmbeddingSettings) -> Encoder:
    """Return the model in `folder`, ready to encode; blocks. Raises ModelUnusable or EngineMissing."""
    raise ModelUnusable(f"No engine here computes {folder.name}.", remedy="`lexical` needs no model.")
