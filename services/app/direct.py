"""Embedding alone, without a bus: what a command or a script asks of it. All of it blocks."""

from __future__ import annotations

from services.app.models import shelf
from services.app.vectors import OPEN_MODEL, OPEN_RANKER
from services.embedding.direct import Direct, DirectRanker
from services.embedding.models import best
from services.embedding.ranking import COSINE, best_ranker
from services.settings import Settings

__all__ = ["embedding", "reranker"]


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
