"""A service or two on a bus of their own, for a command or a script."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from bus import Bus
from services.app.at_rest import at_rest
from services.app.models import shelf
from services.app.vectors import OPEN_MODEL
from services.embedding.service import EmbeddingService
from services.llm.engines.llama import LlamaEngine
from services.llm.service import LlmService
from services.memory import MemoryService
from services.settings import Settings
from services.supervisor import Child, Supervisor
from shared.clock import Clock, SystemClock
from shared.events import Stamp
from shared.ids import id_source, process_prefix

__all__ = ["Keeper", "Writer"]


class _Single:
    """A bus with a few services, and no session; enter it to run them."""

    def __init__(self, children: Sequence[Child], clock: Clock | None) -> None:
        clock, ids = clock or SystemClock(), id_source(process_prefix())
        self.bus = Bus(clock=clock, ids=ids)
        self.event = Stamp("terminal", clock, ids, ids())
        """Stamps requests: `await single.bus.request(single.event(MemoryQuery, …), timeout)`."""
        self._supervisor = Supervisor(self.bus, clock, ids, ids(), children)

    async def __aenter__(self) -> Self:
        await self._supervisor.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._supervisor.__aexit__(*error)


class Writer(_Single):
    """The language model alone: generates without a conversation."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None) -> None:
        store = shelf(settings)
        super().__init__([Child(LlmService, lambda: LlmService(settings.llm, store, LlamaEngine()))], clock)


class Keeper(_Single):
    """Memory and what gives it vectors: remembers without a conversation, and forgets what any of them left."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None) -> None:
        store = shelf(settings)
        embedding = Child(EmbeddingService, lambda: EmbeddingService(settings.embedding, store, OPEN_MODEL))
        stores = [embedding, *at_rest(settings)]
        names = [child.label for child in stores]
        memory = Child(MemoryService, lambda: MemoryService(settings.memory, stores=names))
        super().__init__([*stores, memory], clock)
