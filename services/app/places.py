"""Services that may run elsewhere than in the conversation: in a process of their own, or on another machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

from bus.transport import Register
from services.app.alone import calling
from services.app.vectors import OPEN_MODEL, OPEN_RANKER
from services.contract import Service
from services.dialogue import DialogueService
from services.embedding.desk import Desk
from services.embedding.service import EmbeddingService
from services.isolation import Apart, Isolated, Nursery, Recipe
from services.journal import JournalService
from services.llm.engines.llama import LlamaEngine
from services.llm.service import LlmService
from services.local import Card, LocalService
from services.memory import MemoryService
from services.models import Store
from services.settings import Settings
from services.skills import SkillsService
from services.supervisor import Child
from services.tts import TtsService
from shared.events import MemoryForget
from shared.logs import configure

__all__ = ["Places", "local", "movable"]

_HERE = Apart(isolate="thread")


class Places:
    """Where services run: within the assistant, or each in a process of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._nursery = Nursery()

    def child(self, service: type[Service], *about: object, engines: tuple[type, ...] = ()) -> Child:
        """A service whose engine is native code, made of `about`, which can be pickled, and of new `engines`."""
        make, name = Recipe(service, about, engines), service.name
        limits = getattr(self._settings.isolation, name)
        if not limits.apart:
            return Child(service, make)
        log = self._settings.log
        prepare = partial(configure, log.level, log.format, file=log.file)
        return Child(service, lambda: Isolated(make, limits, self._nursery, prepare=prepare))

    def nursery_for(self, children: Sequence[Child]) -> list[Child]:
        """What keeps a process ahead for those of `children` that have one of their own."""
        apart = any(getattr(self._settings.isolation, child.label, _HERE).apart for child in children)
        return [Child(Nursery, lambda: self._nursery)] if apart else []


def movable(
    settings: Settings, store: Store, places: Places, desk: Desk, alarms: Callable[[], Register | None] = lambda: None
) -> Sequence[Child]:
    """The services that a conversation can have in another process: what they keep is keyed by session, or on disk.

    `alarms` makes what workers share of timers and alarms.
    """
    journal = (JournalService,) if settings.journal.enabled else ()
    holders = (*journal, DialogueService, SkillsService, TtsService, LlmService, EmbeddingService)
    stores = [service.name for service in holders if MemoryForget in service.consumes]
    memory = Child(MemoryService, lambda: MemoryService(settings.memory, stores=stores))
    return (
        Child(SkillsService, lambda: SkillsService(settings.skills, register=alarms())),
        places.child(TtsService, settings.tts, store),
        places.child(LlmService, settings.llm, store, engines=(LlamaEngine,)),
        places.child(EmbeddingService, settings.embedding, store, OPEN_MODEL, desk, OPEN_RANKER),
        *((memory,) if settings.memory.enabled else ()),
    )


def local(settings: Settings, what: Literal["conversation", "daemon"]) -> Sequence[Child]:
    """What answers other programs of this person; a daemon loads engines for them that a conversation would not."""
    card = Card(os.getpid(), what)
    answered = calling(settings) if what == "daemon" else {}
    return (Child(LocalService, lambda: LocalService(card, answered)),) if settings.local.enabled else ()
