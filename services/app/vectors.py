"""Texts as vectors: which encoders and rerankers are opened, without a bus and behind the gateway."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from services.app.models import shelf
from services.embedding.desk import Counter
from services.embedding.direct import Direct, DirectRanker
from services.embedding.models import best
from services.embedding.opening import open_model, open_ranker
from services.embedding.ranking import COSINE, best_ranker
from services.gateway.sources import Route
from services.llm.engines.pooling import LlamaPooling
from services.settings import Settings

__all__ = ["OPEN_MODEL", "OPEN_RANKER", "embedding", "embedding_routes", "reranker"]

OPEN_MODEL = partial(open_model, pooling=LlamaPooling)
"""Opens an encoder, a GGUF through the language model's engine."""
OPEN_RANKER = partial(open_ranker, pooling=LlamaPooling)
"""Opens a cross-encoder likewise."""


def embedding(settings: Settings, model: str = "") -> Direct:
    """Return what turns texts into vectors with a model by its name, or with the best that is installed; it blocks.

    Raises NoEmbeddingModel, ModelUnusable or EngineMissing for a name that was given.
    """
    own = settings.embedding.model_copy(update={"model": model} if model else {})
    return Direct(best(own, shelf(settings), OPEN_MODEL), own.threads)


def reranker(settings: Settings, model: str = "") -> Direct | DirectRanker:
    """Return what says how well texts answer a query: a cross-encoder where there is one, else by vectors; it blocks.

    Raises NoEmbeddingModel, ModelUnusable or EngineMissing for a name that was given.
    """
    found = best_ranker(settings.embedding, shelf(settings), OPEN_RANKER, model)
    if found is not None:
        return DirectRanker(found, settings.embedding.threads)
    return embedding(settings, "" if model == COSINE else model)


def embedding_routes(settings: Settings, counter: Counter) -> Callable[[], Mapping[str, Route]]:
    """What embedding answers over HTTP."""

    def made() -> Mapping[str, Route]:
        from services.embedding.web import routes

        return routes(counter, settings.embedding)

    return made
