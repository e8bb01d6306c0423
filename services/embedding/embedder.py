"""The embedder: texts in, vectors out, through the cache and the scheduler; each text is computed once at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from services.embedding.cache import Cache, Kept, key_of
from services.embedding.port import AT_ONCE, Encoder, Info, Purpose, Ranker
from services.embedding.scheduler import Scheduler
from services.embedding.settings import EmbeddingSettings
from shared.cores import cores

__all__ = ["Embedded", "Embedder"]


class Embedded(NamedTuple):
    """The answer: rows in the order of the texts."""

    info: Info
    rows: bytes
    tokens: int
    truncated: tuple[int, ...]
    """Places of the texts that the model did not read to their end."""


class Embedder:
    """See the module; works for any number of encoders. Belongs to the event loop."""

    def __init__(self, settings: EmbeddingSettings) -> None:
        self._scheduler = Scheduler(
            threads=settings.threads or cores(),
            batch_tokens=settings.batch_tokens,
            waiting_tokens=settings.waiting_tokens,
        )
        self._cache = Cache(
            memory_bytes=int(settings.cache_memory_mb * 1e6),
            disk_bytes=int(settings.cache_disk_mb * 1e6),
            file=settings.cache_file or _default_file(),
        )
        self._flying: dict[bytes, asyncio.Future[Kept | None]] = {}
        self.era = 0
        """Grows whenever what is kept is to be forgotten."""

    async def open(self) -> None:
        """Look into the cache's file."""
        await self._cache.open()

    async def close(self) -> None:
        """End the threads and write what the cache holds. Closing is the last call."""
        self._scheduler.close()
        await self._cache.close()

    async def embed(
        self, encoder: Encoder, texts: Sequence[str], purpose: Purpose = "", *, urgent: bool = False
    ) -> Embedded:
        """Return the vectors of the texts. Raises Overloaded; what the engine raises is passed on."""
        info = encoder.info
        keys = [key_of(info, purpose, text) for text in texts]
        wanted = dict(zip(keys, texts, strict=True))
        kept = await self._cache.get(list(wanted))
        while missing := {key: text for key, text in wanted.items() if key not in kept}:
            kept |= await self._compute(encoder, missing, purpose, urgent)
        return _embedded(info, [kept[key] for key in keys])

    def remembered(self, encoder: Encoder, texts: Sequence[str], purpose: Purpose = "") -> Embedded | None:
        """Return the vectors of the texts if memory has all of them."""
        info = encoder.info
        whole = self._cache.remembered([key_of(info, purpose, text) for text in texts])
        return None if whole is None else _embedded(info, whole)

    async def logits(self, ranker: Ranker, query: str, texts: Sequence[str], *, urgent: bool = False) -> bytes:
        """Return how well each text answers, as float32; not remembered. Raises as `embed` does."""
        if len(query) * len(texts) + sum(map(len, texts)) <= AT_ONCE:
            pairs = ranker.pairs(query, texts)
        else:
            pairs = await asyncio.to_thread(ranker.pairs, query, texts)
        return await self._scheduler.encode(ranker, pairs, urgent=urgent)

    async def forget(self) -> int:
        """Lose all vectors that are kept, those of texts under way too; returns how many there were.

        The cache knows texts by their hash only, and cannot tell which of them say what is to be forgotten.
        """
        self.era += 1
        return await self._cache.clear()

    async def _compute(
        self, encoder: Encoder, missing: dict[bytes, str], purpose: Purpose, urgent: bool
    ) -> dict[bytes, Kept]:
        """Compute those that nobody computes yet, and wait for the others; some may be left over."""
        others = {key: self._flying[key] for key in missing if key in self._flying}
        own = {key: text for key, text in missing.items() if key not in others}
        done = await self._lead(encoder, own, purpose, urgent) if own else {}
        for key, flight in others.items():
            landed = await asyncio.shield(flight)
            if landed is not None:
                done[key] = landed
        return done

    async def _lead(self, encoder: Encoder, own: dict[bytes, str], purpose: Purpose, urgent: bool) -> dict[bytes, Kept]:
        """Compute, and tell those who wait for the same; None when it did not come to that."""
        flights = {key: asyncio.get_running_loop().create_future() for key in own}
        self._flying |= flights
        done: dict[bytes, Kept] = {}
        era = self.era
        try:
            done = await self._encoded(encoder, own, purpose, urgent)
            if era == self.era:
                self._cache.put(done)
        finally:
            for key, flight in flights.items():
                del self._flying[key]
                flight.set_result(done.get(key))
        return done

    async def _encoded(
        self, encoder: Encoder, own: dict[bytes, str], purpose: Purpose, urgent: bool
    ) -> dict[bytes, Kept]:
        texts = list(own.values())
        if encoder.at_once(texts, purpose):
            passages = encoder.read(texts, purpose)
        else:
            passages = await asyncio.to_thread(encoder.read, texts, purpose)
        rows = await self._scheduler.encode(encoder, passages, urgent=urgent)
        size = len(rows) // len(texts)
        return {
            key: Kept(rows[place * size : (place + 1) * size], len(passage.ids), passage.truncated)
            for place, (key, passage) in enumerate(zip(own, passages, strict=True))
        }


def _embedded(info: Info, whole: Sequence[Kept]) -> Embedded:
    cut = tuple(place for place, one in enumerate(whole) if one.truncated)
    return Embedded(info, b"".join(one.row for one in whole), sum(one.tokens for one in whole), cut)


def _default_file() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("sotto") / "embedding.sqlite"
