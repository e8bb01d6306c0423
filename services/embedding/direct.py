"""Embedding without a bus: texts in, vectors out, for a command or a script; it blocks."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from services.embedding.port import FLOAT_BYTES, Encoder, Info, Passage, Purpose, Ranker, usable
from services.embedding.ranking import Ranked, chances
from services.embedding.vectors import cosine, from_bytes, shortened
from shared.cores import cores

if TYPE_CHECKING:
    from shared.pcm import Floats

__all__ = ["Direct", "DirectRanker"]


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
        """Return a row for each text, shape (texts, dimensions). Raises TextsUnusable, also for too many dimensions."""
        return self.embed_told(texts, purpose, dimensions)[0]

    def embed_told(
        self, texts: Sequence[str], purpose: Purpose = "", dimensions: int = 0
    ) -> tuple[Floats, list[Passage]]:
        """Return the rows, and each text as the model read it. Raises TextsUnusable, also for too many dimensions."""
        passages = self._encoder.read(usable(texts, purpose, dimensions), purpose)
        rows = _spread(self._threads, self._count, self._encoder, passages)
        short = shortened(rows, self.info.dimensions, dimensions)
        return from_bytes(short, dimensions or self.info.dimensions), passages

    def rerank(self, query: str, texts: Sequence[str]) -> Ranked:
        """Return how well the texts answer, by the cosine of their vectors."""
        scores = cosine(self.embed([query], "query"), self.embed(texts, "passage"))[0]
        return Ranked(self.info.model, "cosine", tuple(map(float, scores)))

    def close(self) -> None:
        """End the threads and let the weights go."""
        self._threads.shutdown()
        self._encoder.close()

    def __enter__(self) -> Direct:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class DirectRanker:
    """One cross-encoder, its work spread over `threads` (0 for one per core). Close it, or use it with `with`."""

    def __init__(self, ranker: Ranker, threads: int = 0) -> None:
        self._ranker = ranker
        self._count = threads or cores()
        self._threads = ThreadPoolExecutor(self._count, thread_name_prefix="rerank")

    @property
    def info(self) -> Info:
        """Who computes."""
        return self._ranker.info

    def rerank(self, query: str, texts: Sequence[str]) -> Ranked:
        """Return how well the texts answer. Raises TextsUnusable."""
        (query,) = usable([query])
        rows = _spread(self._threads, self._count, self._ranker, self._ranker.pairs(query, usable(texts)))
        return Ranked(self.info.model, "cross-encoder", chances(rows))

    def close(self) -> None:
        """End the threads and let the weights go."""
        self._threads.shutdown()
        self._ranker.close()

    def __enter__(self) -> DirectRanker:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _spread(threads: ThreadPoolExecutor, count: int, encoder: Encoder | Ranker, passages: Sequence[Passage]) -> bytes:
    """The rows of the passages, in their order."""
    rows = list(threads.map(encoder.encode, [passages[n::count] for n in range(count)]))
    size = encoder.info.dimensions * FLOAT_BYTES
    return b"".join(rows[n % count][n // count * size :][:size] for n in range(len(passages)))
