"""Embedding without a bus: texts in, vectors out, for a command or a script; it blocks."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from services.embedding.embedder import cores
from services.embedding.port import Encoder, Info, Passage, Purpose, TextsUnusable
from services.embedding.vectors import from_bytes, shortened
from shared.pcm import Floats

__all__ = ["Direct"]


class Direct:
    """One encoder, its work spread over `threads` (0 for one per core). Close it, or use it as a context manager."""

    def __init__(self, encoder: Encoder, threads: int = 0) -> None:
        self._encoder = encoder
        self._count = threads or cores()
        self._threads = ThreadPoolExecutor(self._count, thread_name_prefix="embed")

    @property
    def info(self) -> Info:
        """Who computes."""
        return self._encoder.info

    def embed(self, texts: Sequence[str], purpose: Purpose = "", dimensions: int = 0) -> Floats:
        """Return a row for each text, shape (texts, dimensions). Raises TextsUnusable for too many dimensions."""
        return self.embed_told(texts, purpose, dimensions)[0]

    def embed_told(
        self, texts: Sequence[str], purpose: Purpose = "", dimensions: int = 0
    ) -> tuple[Floats, list[Passage]]:
        """Return the rows, and each text as the model read it. Raises TextsUnusable for too many dimensions."""
        if dimensions < 0:
            raise TextsUnusable("There are no vectors of fewer than no dimensions.", remedy="Ask for more.")
        passages = self._encoder.read(texts, purpose)
        parts = [passages[n :: self._count] for n in range(self._count)]
        rows = list(self._threads.map(self._encoder.encode, parts))
        size = self.info.dimensions * 4
        row = [rows[n % self._count][n // self._count * size :][:size] for n in range(len(texts))]
        short = shortened(b"".join(row), self.info.dimensions, dimensions)
        return from_bytes(short, dimensions or self.info.dimensions), passages

    def close(self) -> None:
        """End the threads and let the weights go."""
        self._threads.shutdown()
        self._encoder.close()

    def __enter__(self) -> Direct:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
