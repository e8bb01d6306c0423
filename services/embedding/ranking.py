"""Ranking: how well texts answer a query, by a cross-encoder where there is one, else by the cosine of vectors."""

from __future__ import annotations

import asyncio
import contextlib
import math
import struct
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple, NoReturn

from services.embedding.architecture import is_cross_encoder, read_json
from services.embedding.embedder import Embedder
from services.embedding.models import CAN_OPEN, Encoders, file_of, is_path, placed
from services.embedding.port import EngineMissing, ModelUnusable, NoEmbeddingModel, Ranker
from services.embedding.settings import EmbeddingSettings
from services.embedding.vectors import computing, cosine, from_bytes
from shared.installed import Shelf

__all__ = ["COSINE", "Asked", "Method", "OpenRanker", "Ranked", "Rankers", "best_ranker", "chances", "ranked"]

Method = Literal["cosine", "cross-encoder"]
COSINE = "cosine"
"""In a model's place: compare vectors, even where there is a cross-encoder."""

OpenRanker = Callable[[Path, EmbeddingSettings], Ranker]
"""Opens the cross-encoder in a folder or file; blocks. Raises ModelUnusable or EngineMissing."""


class Asked(NamedTuple):
    """Texts, and what they are to answer."""

    query: str
    texts: Sequence[str]
    model: str
    """A reranker's name, or an encoder's whose vectors are compared; empty for the best there is."""


class Ranked(NamedTuple):
    """How well each text answers, in the order of the texts, and who says so."""

    model: str
    method: Method
    scores: tuple[float, ...]
    """Cosines, or chances from 0 to 1; higher is better."""


def chances(logits: bytes) -> tuple[float, ...]:
    """Return float32 logits as chances from 0 to 1."""
    values = struct.unpack(f"<{len(logits) // 4}f", logits)
    return tuple(1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x)) for x in values)


def best_ranker(
    settings: EmbeddingSettings, shelf: Shelf, open_ranker: OpenRanker, name: str = "", *, paths: bool = True
) -> Ranker | None:
    """Return the cross-encoder that `name` or the settings mean; None where vectors are to be compared. It blocks.

    Without `paths`, `name` is no path. Raises NoEmbeddingModel for one that the settings name, and ModelUnusable or
    EngineMissing for any that is named.
    """
    wanted = name or settings.rerank
    installed = [model for model in shelf.installed("rerank") if model.engine in CAN_OPEN]
    if wanted:
        named = [file_of(model) for model in installed if model.name == wanted]
        found = named[0] if named else _cross_encoder_at(wanted) if paths or not name else None
        if found is None:
            return None if name or wanted == COSINE else _missing(wanted)
        return open_ranker(found, settings)
    for model in installed:
        with contextlib.suppress(ModelUnusable, EngineMissing):
            return open_ranker(file_of(model), settings)
    return None


def _cross_encoder_at(name: str) -> Path | None:
    """The folder of that path, if it holds a cross-encoder."""
    folder = placed(name)
    if folder is None:
        return None
    file = folder / "config.json"
    return folder if file.is_file() and is_cross_encoder(read_json(file)) else None


def _missing(name: str) -> NoReturn:
    raise NoEmbeddingModel(
        f"There is no reranker named {name} here.", remedy="Pull it, or set embedding.rerank = cosine."
    )


async def ranked(
    embedder: Embedder, encoders: Encoders, rankers: Rankers, asked: Asked, *, urgent: bool = False
) -> Ranked:
    """Return how well the texts answer. Raises Overloaded, NoEmbeddingModel, ModelUnusable or EngineMissing."""
    ranker = await rankers.get(asked.model)
    if ranker is not None:
        logits = await embedder.logits(ranker, asked.query, asked.texts, urgent=urgent)
        return Ranked(ranker.info.model, "cross-encoder", chances(logits))
    encoder = await encoders.get("" if asked.model == COSINE else asked.model)
    query = await embedder.embed(encoder, [asked.query], "query", urgent=urgent)
    texts = await embedder.embed(encoder, asked.texts, "passage", urgent=urgent)
    size = encoder.info.dimensions
    await computing()
    scores = cosine(from_bytes(query.rows, size), from_bytes(texts.rows, size))[0]
    return Ranked(encoder.info.model, "cosine", tuple(map(float, scores)))


class Rankers:
    """What is open, by the name that was asked for. `get` may be asked by several at once; each is opened once.

    A name that is no reranker's is looked up each time, and not kept.
    """

    def __init__(self, settings: EmbeddingSettings, shelf: Shelf, open_ranker: OpenRanker | None) -> None:
        self._settings = settings
        self._shelf = shelf
        self._open_ranker = open_ranker
        self._open: dict[str, Ranker | None] = {}
        self._opening = asyncio.Lock()

    async def get(self, name: str) -> Ranker | None:
        """Return the cross-encoder of a name, the best one for none; None where vectors are to be compared.

        As with encoders, a name with a slash may be a path. Raises NoEmbeddingModel, ModelUnusable or EngineMissing.
        """
        if self._open_ranker is None:
            return None
        async with self._opening:
            if name not in self._open:
                paths = is_path(name) or name == self._settings.rerank
                work = partial(best_ranker, self._settings, self._shelf, self._open_ranker, name, paths=paths)
                made = await asyncio.to_thread(work)
                if made is None and name:
                    return None
                self._open[name] = made
            return self._open[name]

    def renew(self) -> None:
        """Files are others now: open them when they are next asked for."""
        self._open = {}

    def close(self) -> None:
        """Let all weights go."""
        for ranker in self._open.values():
            if ranker is not None:
                ranker.close()
