"""Meaning: the vectors of texts as skills use them, over the bus."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Protocol

from bus import Fenced, NoMailbox, RequestTimeout
from services.contract import Context
from shared.events import EmbedFailed, EmbedRequest, EmbedResult

__all__ = ["Meaning", "MeaningOnTheBus", "NoMeaning", "NoVectors"]

Vector = tuple[float, ...]

_WAIT_S = 8.0
"""Less than the conversation waits for a skill."""


class NoVectors(Exception):
    """There are none to be had now; it says why, for a person."""


class Meaning(Protocol):
    """What skills ask of the embedding service."""

    async def vectors(self, texts: Sequence[str], *, dimensions: int = 0) -> list[Vector]:
        """Return a vector of length 1 for each text (zeros for one that says nothing). Raises NoVectors."""
        ...


class NoMeaning:
    """That of an assistant without an embedding service."""

    async def vectors(self, texts: Sequence[str], *, dimensions: int = 0) -> list[Vector]:
        raise NoVectors("There is no embedding service in this assistant.")


class MeaningOnTheBus:
    """Asks the embedding service, as part of the call that is being answered."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def vectors(self, texts: Sequence[str], *, dimensions: int = 0) -> list[Vector]:
        request = self._ctx.event(EmbedRequest, texts=tuple(texts), dimensions=dimensions)
        try:
            reply = await self._ctx.bus.request(request, _WAIT_S)
        except (NoMailbox, RequestTimeout, Fenced) as error:
            raise NoVectors("The embedding service does not answer.") from error
        if isinstance(reply, EmbedFailed):
            raise NoVectors(reply.message)
        assert isinstance(reply, EmbedResult)
        return list(struct.iter_unpack(f"<{reply.dimensions}f", reply.vectors))
