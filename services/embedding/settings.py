"""What can be set about embedding."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["EmbeddingSettings"]


class EmbeddingSettings(BaseModel):
    """Settings under `embedding`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = ""
    """Name of an installed model, a model's folder, or `lexical`; empty for the best one installed."""
    engine: Literal["auto", "native", "onnx", "numpy"] = "auto"
    """Who computes: `native` is fast and wants a C compiler once, `onnx` is onnxruntime in float32, `numpy` runs
    anywhere; `auto` takes the first of them that can."""
    rerank: str = ""
    """Name of an installed reranker, or `cosine` to compare vectors; empty for the best reranker installed, if any."""
    threads: int = Field(default=0, ge=0)
    """Threads that compute; 0 for one per core."""
    max_tokens: int = Field(default=0, ge=0)
    """Read no more tokens of a text than this; 0 for what the model was made for."""
    batch_tokens: int = Field(default=2048, ge=1)
    """Tokens that a thread takes at a time. What a turn of the conversation asks waits for no longer than that."""
    waiting_tokens: int = Field(default=262_144, ge=1)
    """Tokens that may wait; requests beyond are refused with a hint when to come back."""
    request_bytes: int = Field(default=4 << 20, ge=1)
    """Longest body of an HTTP request."""
    cache_memory_mb: float = Field(default=4, ge=0)
    """Vectors kept in memory, all that they cost there included; 2,000 of 384 numbers."""
    cache_disk_mb: float = Field(default=64, ge=0)
    """Vectors kept on disk, under a hash of their text; 0 for none."""
    cache_file: Path | None = None
    """Where; by default `sotto/embedding.sqlite` in the folder for a person's cached data."""
