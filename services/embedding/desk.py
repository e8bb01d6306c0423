"""The desk: where those ask who do not come over the bus; and its like for where embedding runs in another process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bus import Bus, NoMailbox, RequestTimeout
from services.embedding.embedder import Embedded, Embedder
from services.embedding.models import Encoders
from services.embedding.port import (
    Info,
    ModelUnusable,
    NoEmbeddingModel,
    Overloaded,
    Purpose,
    TextsUnusable,
)
from services.embedding.ranking import Asked, Ranked, Rankers, ranked
from shared.errors import SottoError
from shared.events import EmbedFailed, EmbedRequest, EmbedResult, Event, RerankRequest, RerankResult, Stamp

__all__ = ["Counter", "Desk", "NotReady", "OverBus", "refusal"]

_PATIENCE_S = 60.0
_REFUSED: dict[str, type[SottoError]] = {
    "invalid": TextsUnusable,
    "no-model": NoEmbeddingModel,
    "engine": ModelUnusable,
}


class NotReady(SottoError):
    """The service is not up yet, or is being run again."""


class Counter(Protocol):
    """Answers with vectors. Belongs to the event loop."""

    def remembered(self, texts: Sequence[str], purpose: Purpose, model: str) -> Embedded | None:
        """Return the vectors if they need not be computed. Raises NotReady."""
        ...

    async def embed(self, texts: Sequence[str], purpose: Purpose, model: str) -> Embedded:
        """Return the vectors, by a model of that name or the one in use; cancelled, they are not computed.

        Raises NotReady, Overloaded, NoEmbeddingModel, ModelUnusable or EngineMissing.
        """
        ...

    async def rerank(self, asked: Asked) -> Ranked:
        """Return how well texts answer; cancelled, it is not computed. Raises as `embed` does."""
        ...

    async def info(self) -> Info:
        """Return who computes. Raises NotReady."""
        ...

    def era(self) -> object:
        """Return what is equal as long as answers may be given again; None when that is not known. Raises NotReady."""
        ...


class Desk:
    """The counter of the service in this process. Made once; each run of the service serves at it."""

    def __init__(self) -> None:
        self._serving: tuple[Encoders, Embedder, Rankers] | None = None

    def open(self, encoders: Encoders, embedder: Embedder, rankers: Rankers) -> None:
        """Serve from now on."""
        self._serving = encoders, embedder, rankers

    def close(self) -> None:
        """Serve no more; closing what was never opened is harmless."""
        self._serving = None

    def remembered(self, texts: Sequence[str], purpose: Purpose, model: str) -> Embedded | None:
        """See Counter."""
        encoders, embedder, _ = self._served()
        encoder = encoders.opened(model)
        return None if encoder is None else embedder.remembered(encoder, texts, purpose)

    async def embed(self, texts: Sequence[str], purpose: Purpose, model: str) -> Embedded:
        """See Counter."""
        encoders, embedder, _ = self._served()
        return await embedder.embed(await encoders.get(model), texts, purpose)

    async def rerank(self, asked: Asked) -> Ranked:
        """See Counter."""
        encoders, embedder, rankers = self._served()
        return await ranked(embedder, encoders, rankers, asked)

    async def info(self) -> Info:
        """See Counter."""
        return self._served()[0].using.info

    def era(self) -> object:
        """See Counter."""
        encoders, embedder, _ = self._served()
        return id(embedder), encoders.era, embedder.era

    def _served(self) -> tuple[Encoders, Embedder, Rankers]:
        if self._serving is None:
            raise NotReady("Embedding is not ready yet.", remedy="Ask again in a second.")
        return self._serving


class OverBus:
    """The counter of a service in another process."""

    def __init__(self, bus: Bus, stamp: Stamp) -> None:
        self._bus = bus
        self._stamp = stamp

    def remembered(self, texts: Sequence[str], purpose: Purpose, model: str) -> Embedded | None:
        """See Counter: nothing is."""
        return None

    async def embed(self, texts: Sequence[str], purpose: Purpose, model: str) -> Embedded:
        """See Counter."""
        reply = await self._asked(self._stamp(EmbedRequest, texts=tuple(texts), purpose=purpose, model=model))
        assert isinstance(reply, EmbedResult)
        return Embedded(_info(reply), reply.vectors, reply.tokens, reply.truncated)

    async def rerank(self, asked: Asked) -> Ranked:
        """See Counter."""
        request = self._stamp(RerankRequest, query=asked.query, texts=tuple(asked.texts), model=asked.model)
        reply = await self._asked(request)
        assert isinstance(reply, RerankResult)
        return Ranked(reply.model, reply.method, reply.scores)

    async def info(self) -> Info:
        """See Counter: as far as an answer tells."""
        return (await self.embed((), "", "")).info

    def era(self) -> object:
        """See Counter: it is not known."""
        return None

    async def _asked(self, request: Event) -> Event:
        try:
            reply = await self._bus.request(request, _PATIENCE_S)
        except (NoMailbox, RequestTimeout) as error:
            raise NotReady("Embedding does not answer.", remedy="Ask again in a second.") from error
        if isinstance(reply, EmbedFailed):
            raise refusal(reply)
        return reply


def refusal(failed: EmbedFailed) -> SottoError:
    """Return the error that an event speaks of."""
    if failed.reason == "overloaded":
        return Overloaded(failed.message, retry_ms=failed.retry_ms)
    return _REFUSED[failed.reason](failed.message)


def _info(reply: EmbedResult) -> Info:
    return Info(
        model=reply.model,
        engine=reply.engine,
        detail="in another process",
        dimensions=reply.dimensions,
        max_tokens=0,
        fingerprint=reply.fingerprint,
        meaning=reply.engine != "lexical",
    )
