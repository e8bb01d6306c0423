"""A process that answers with vectors over HTTP, and holds no more than that takes."""

from __future__ import annotations

from bus import Bus
from services.app.models import shelf
from services.app.vectors import OPEN_MODEL, OPEN_RANKER, embedding_routes
from services.embedding.desk import Desk
from services.embedding.service import EmbeddingService
from services.gateway import GatewayService, Sources
from services.models import ModelsService
from services.settings import Settings
from services.supervisor import Child, Supervisor
from shared.clock import Clock, SystemClock
from shared.ids import id_source, process_prefix

__all__ = ["Server"]

_OPENS_S = 600.0
"""How long a model may be converted, and the kernel compiled, at their first use."""


class Server:
    """Embedding over HTTP, without a conversation: `await server.supervisor.run(stop)`."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None) -> None:
        clock, ids, store, desk = clock or SystemClock(), id_source(process_prefix()), shelf(settings), Desk()
        self.bus = Bus(clock=clock, ids=ids)
        models = ModelsService(store, settings.models.watch_s)
        sources = Sources(routes=(embedding_routes(settings, desk),))
        gateway = GatewayService(settings.gateway, sources, on_demand=True)
        children = [
            Child(
                EmbeddingService,
                lambda: EmbeddingService(settings.embedding, store, OPEN_MODEL, desk, OPEN_RANKER, opens_first=True),
                start_within=_OPENS_S,
            ),
            Child(ModelsService, lambda: models),
            Child(GatewayService, lambda: gateway),
        ]
        self.supervisor = Supervisor(self.bus, clock, ids, ids(), children)
