"""Models of llama.cpp as encoders and rankers: what evaluates a GGUF is handed in, since another service owns it."""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from services.embedding.port import AT_ONCE, Info, ModelUnusable, Passage, Purpose

__all__ = ["GgufEncoder", "GgufRanker", "OpenPooling", "Pooling"]


class Pooling(Protocol):
    """An open GGUF whose pooling makes a row of numbers of a text. May be used from any thread."""

    max_tokens: int
    dimensions: int

    @property
    def pooling(self) -> str:
        """`none`, `mean`, `cls`, `last` or `rank`."""
        ...

    @property
    def name(self) -> str: ...
    @property
    def detail(self) -> str: ...
    @property
    def identity(self) -> str:
        """What stands for all that can change a row."""
        ...

    def tokens(self, text: str) -> tuple[list[int], bool]:
        """Return a text as the model reads it, and whether it was cut."""
        ...

    def pair(self, query: str, text: str) -> tuple[list[int], bool]:
        """Return a query with a text as the model reads them, and whether they were cut."""
        ...

    def row(self, tokens: Sequence[int]) -> bytes:
        """Return the numbers of a text, float32."""
        ...

    def close(self) -> None:
        """Give the memory back. Closing twice is harmless."""
        ...


class OpenPooling(Protocol):
    """Opens a GGUF; blocks. Raises SottoError."""

    def __call__(self, path: Path, *, threads: int = 0, max_tokens: int = 0) -> Pooling: ...


class GgufEncoder:
    """A GGUF that embeds. Raises ModelUnusable for one that ranks."""

    def __init__(self, pooled: Pooling) -> None:
        if pooled.pooling in ("rank", "none"):
            pooled.close()
            raise ModelUnusable(f"{pooled.name} pools by {pooled.pooling}: it does not embed.", remedy="Use another.")
        self._pooled = pooled
        self.info = _info(pooled)

    def at_once(self, texts: Sequence[str], purpose: Purpose) -> bool:
        return sum(map(len, texts)) <= AT_ONCE

    def read(self, texts: Sequence[str], purpose: Purpose) -> list[Passage]:
        return [Passage(*self._pooled.tokens(text)) for text in texts]

    def encode(self, passages: Sequence[Passage]) -> bytes:
        return b"".join(_of_length_1(self._pooled.row(passage.ids)) for passage in passages)

    def close(self) -> None:
        self._pooled.close()


class GgufRanker:
    """A GGUF that ranks. Raises ModelUnusable for one that embeds."""

    def __init__(self, pooled: Pooling) -> None:
        if pooled.pooling != "rank":
            pooled.close()
            raise ModelUnusable(f"{pooled.name} pools by {pooled.pooling}: it does not rank.", remedy="Use another.")
        self._pooled = pooled
        self.info = _info(pooled)

    def pairs(self, query: str, texts: Sequence[str]) -> list[Passage]:
        return [Passage(*pair) for pair in map(partial(self._pooled.pair, query), texts)]

    def encode(self, passages: Sequence[Passage]) -> bytes:
        return b"".join(self._pooled.row(passage.ids) for passage in passages)

    def close(self) -> None:
        self._pooled.close()


def _info(pooled: Pooling) -> Info:
    return Info(
        model=pooled.name,
        engine="gguf",
        detail=pooled.detail,
        dimensions=pooled.dimensions,
        max_tokens=pooled.max_tokens,
        fingerprint=hashlib.sha256(f"gguf {pooled.identity}".encode()).hexdigest()[:16],
        meaning=True,
    )


def _of_length_1(row: bytes) -> bytes:
    values = struct.unpack(f"<{len(row) // 4}f", row)
    length = math.sqrt(math.fsum(value * value for value in values)) or 1.0
    return struct.pack(f"<{len(values)}f", *(value / length for value in values))
