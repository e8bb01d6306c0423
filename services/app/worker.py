"""Processes that hold no conversation, but serve those that do, and other programs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from bus import Bus
from bus.transport import Register
from services.app.alone import published
from services.app.models import shelf
from services.app.places import Places, local, movable
from services.app.vectors import OPEN_MODEL, OPEN_RANKER
from services.embedding.desk import Desk
from services.embedding.service import EmbeddingService
from services.link import LinkService, LinkSettings
from services.llm.engines.llama import LlamaEngine
from services.llm.service import LlmService
from services.memory import MemoryService
from services.models import ModelsService
from services.settings import Settings
from services.stt import SttService
from services.supervisor import Child, Supervisor
from shared.clock import Clock, SystemClock
from shared.errors import ConfigError
from shared.ids import id_source, process_prefix

__all__ = ["Daemon", "Worker"]


class Daemon:
    """The engines without a conversation, for other programs of this person, over the local socket."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None) -> None:
        clock, ids, store = clock or SystemClock(), id_source(process_prefix()), shelf(settings)
        self.bus = Bus(clock=clock, ids=ids)
        models = ModelsService(store, settings.models.watch_s)
        places = Places(settings)
        engines = [
            places.child(LlmService, settings.llm, store, engines=(LlamaEngine,)),
            places.child(EmbeddingService, settings.embedding, store, OPEN_MODEL, None, OPEN_RANKER),
        ]
        children = [
            *engines,
            *places.nursery_for(engines),
            Child(ModelsService, lambda: models),
            *local(settings, "daemon"),
        ]
        self.supervisor = Supervisor(self.bus, clock, ids, ids(), children)


class Worker:
    """Some services of an assistant, for conversations that other processes hold, found through Redis.

    Raises ConfigError for a service that must be where the conversation is, or when no bus is set.
    """

    def __init__(self, settings: Settings, services: Sequence[str], *, clock: Clock | None = None) -> None:
        clock, ids, store = clock or SystemClock(), id_source(process_prefix()), shelf(settings)
        places = Places(settings)
        stt = Child(SttService, lambda: SttService(settings.stt, store, known=lambda: published(settings), anyone=True))
        alarms = partial(_shared_alarms, settings.bus)
        able = {child.label: child for child in (*movable(settings, store, places, Desk(), alarms), stt)}
        unable = [name for name in services if name not in able]
        if unable:
            raise ConfigError(
                f"{', '.join(unable)} cannot run apart from the conversation.", remedy=f"These can: {', '.join(able)}."
            )
        if settings.bus.url is None:
            raise ConfigError("There is no bus to work for.", remedy="Set bus.url, or type --bus redis://HOST:6379.")
        self.bus = Bus(clock=clock, ids=ids)
        self.link = LinkService(settings.bus, tuple(services), keeps=(MemoryService.name,))
        models = ModelsService(store, settings.models.watch_s)
        here = [able[name] for name in services]
        children = [
            *here,
            *places.nursery_for(here),
            Child(ModelsService, lambda: models),
            Child(LinkService, lambda: self.link),
        ]
        self.supervisor = Supervisor(self.bus, clock, ids, ids(), children)


def _shared_alarms(bus: LinkSettings) -> Register | None:
    return Register(bus.url.get_secret_value(), "alarms", prefix=bus.prefix) if bus.url is not None else None
