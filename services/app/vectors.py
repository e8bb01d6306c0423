"""Texts as vectors: which encoders and rerankers are opened, and what answers with them over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from services.embedding.opening import open_model, open_ranker
from services.llm.engines.pooling import LlamaPooling
from services.settings import Settings

if TYPE_CHECKING:  # a command that embeds has neither bus nor gateway
    from services.embedding.desk import Counter
    from services.gateway.sources import Route

__all__ = ["OPEN_MODEL", "OPEN_RANKER", "embedding_routes"]

OPEN_MODEL = partial(open_model, pooling=LlamaPooling)
"""Opens an encoder, a GGUF through the language model's engine."""
OPEN_RANKER = partial(open_ranker, pooling=LlamaPooling)
"""Opens a cross-encoder likewise."""


def embedding_routes(settings: Settings, counter: Counter) -> Callable[[], Mapping[str, Route]]:
    """What embedding answers over HTTP."""

    def made() -> Mapping[str, Route]:
        from services.embedding.web import routes

        return routes(counter, settings.embedding)

    return made
